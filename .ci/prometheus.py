"""The files below deploy/ with a real Prometheus, which reads a real server.

* The rules are well formed, and each alert fires on its series and is silent on a healthy server.
* Each alert says what to do, and the page and the heading that it names are there.
* Every name in the dashboard and in the alerts is in a scrape, in both formats.
* Every query of the dashboard runs, and one alert really fires: the mail server is away.

Usage: prometheus.py INVITED
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

DEPLOY = "deploy/prometheus"
ALERTS = os.path.join(DEPLOY, "alerts.yml")
DASHBOARD = "deploy/grafana/dashboard.json"
INSTANCE = 'job="invited",instance="a:1"'

# What each alert fires on: series by name, and after how many minutes. `NAxB` is a value that grows.
CASES = {
    "InvitedDown": ({"up{%s}" % INSTANCE: "0x30"}, 5),
    "InvitedStorageFailed": ({"invited_storage_writable{%s}" % INSTANCE: "0x30"}, 5),
    "InvitedFileReplaced": ({"invited_database_in_place{%s}" % INSTANCE: "0x30"}, 5),
    "InvitedFileDamaged": ({"invited_database_damaged{%s}" % INSTANCE: "1x30"}, 5),
    "InvitedErrors": (
        {
            'invited_http_requests_total{%s,status="200"}' % INSTANCE: "0+100x30",
            'invited_http_requests_total{%s,status="503"}' % INSTANCE: "0+3x30",
        },
        15,
    ),
    "InvitedSlow": (
        {
            'invited_http_request_duration_seconds_bucket{%s,le="1"}' % INSTANCE: "0+90x40",
            'invited_http_request_duration_seconds_bucket{%s,le="2.5"}' % INSTANCE: "0+100x40",
            'invited_http_request_duration_seconds_bucket{%s,le="+Inf"}' % INSTANCE: "0+100x40",
        },
        25,
    ),
    "InvitedWriterBehind": ({"invited_writer_oldest_seconds{%s}" % INSTANCE: "0+60x30"}, 10),
    "InvitedLogLong": ({"invited_log_bytes{%s}" % INSTANCE: "70000000x30"}, 15),
    # Two kinds of mail wait, and that is one alert.
    "InvitedMailWaits": (
        {
            'invited_outbox_oldest_seconds{%s,queue="mail",kind="invitation"}' % INSTANCE: "0+60x40",
            'invited_outbox_oldest_seconds{%s,queue="mail",kind="code"}' % INSTANCE: "0+60x40",
        },
        30,
    ),
    "InvitedWebhooksFail": ({'invited_outbox_oldest_seconds{%s,queue="webhook",kind="event"}' % INSTANCE: "3000+60x40"}, 30),
    "InvitedBackupFails": ({"invited_backup_failures_total{%s}" % INSTANCE: "0x10 1x30"}, 25),
    "InvitedBackupOld": ({"invited_backup_last_success_timestamp_seconds{%s}" % INSTANCE: "0x2000"}, 1600),
    "InvitedDiskFull": ({"invited_disk_free_bytes{%s}" % INSTANCE: "1000000000x30"}, 10),
    "InvitedDescriptorsUsed": (
        {"process_open_fds{%s}" % INSTANCE: "950x30", "process_max_fds{%s}" % INSTANCE: "1000x30"},
        10,
    ),
}
# A server that is well, for as long as the longest case.
HEALTHY = {
    "up{%s}" % INSTANCE: "1x2000",
    "invited_storage_writable{%s}" % INSTANCE: "1x2000",
    "invited_database_in_place{%s}" % INSTANCE: "1x2000",
    "invited_database_damaged{%s}" % INSTANCE: "0x2000",
    'invited_http_requests_total{%s,status="200"}' % INSTANCE: "0+1000x2000",
    'invited_http_requests_total{%s,status="503"}' % INSTANCE: "0+1x2000",
    'invited_http_request_duration_seconds_bucket{%s,le="1"}' % INSTANCE: "0+1000x2000",
    'invited_http_request_duration_seconds_bucket{%s,le="2.5"}' % INSTANCE: "0+1001x2000",
    'invited_http_request_duration_seconds_bucket{%s,le="+Inf"}' % INSTANCE: "0+1001x2000",
    "invited_writer_oldest_seconds{%s}" % INSTANCE: "1x2000",
    "invited_log_bytes{%s}" % INSTANCE: "50000000x2000",
    'invited_outbox_oldest_seconds{%s,queue="mail",kind="invitation"}' % INSTANCE: "600x2000",
    'invited_outbox_oldest_seconds{%s,queue="webhook",kind="event"}' % INSTANCE: "3000x2000",
    "invited_backup_last_success_timestamp_seconds{%s}" % INSTANCE: "0+60x2000",
    "invited_backup_failures_total{%s}" % INSTANCE: "0x2000",
    "invited_disk_free_bytes{%s}" % INSTANCE: "5000000000x2000",
    "process_open_fds{%s}" % INSTANCE: "100x2000",
    "process_max_fds{%s}" % INSTANCE: "1000x2000",
}


def series(values):
    return [{"series": name, "values": value} for name, value in values.items()]


def fires(alert, minutes, count):
    """That so many alerts of a name fire after so many minutes."""
    return {
        "expr": 'count(ALERTS{alertname=~"%s",alertstate="firing"}) or vector(0)' % alert,
        "eval_time": "%dm" % minutes,
        "exp_samples": [{"labels": "{}", "value": count}],
    }


def check_rules(folder):
    known = re.findall(r"- alert: (\w+)", open(ALERTS).read())
    assert sorted(known) == sorted(CASES), "a case for each alert: %s" % set(known).symmetric_difference(CASES)
    groups = [
        {"interval": "1m", "input_series": series(HEALTHY), "promql_expr_test": [fires(".+", at, 0) for at in (30, 1600)]}
    ]
    for alert, (values, minutes) in CASES.items():
        # Beside what is wrong everything is well.
        given = {**HEALTHY, **values}
        tests = [fires(alert, minutes, 1), fires(".+", minutes, 1)]
        groups.append({"interval": "1m", "input_series": series(given), "promql_expr_test": tests})
    path = os.path.join(folder, "alerts_test.yml")
    test = {"rule_files": [os.path.abspath(ALERTS)], "evaluation_interval": "1m", "tests": groups}
    json.dump(test, open(path, "w"))
    subprocess.run(["promtool", "check", "config", os.path.join(DEPLOY, "prometheus.yml")], check=True)
    subprocess.run(["promtool", "test", "rules", path], check=True)


def headings(page):
    """The headings of a page."""
    with open(page) as file:
        text = re.sub(r"^```.*?^```$", "", file.read(), flags=re.M | re.S)
    return re.findall(r"^#+ (.+)$", text, re.M)


def check_actions():
    """That what the alerts tell people to read is there: a page, or `page, Heading` in parentheses."""
    actions = re.findall(r'^ +action: "(.+)"$', open(ALERTS).read(), re.M)
    assert len(actions) == len(CASES), actions
    named = 0
    for action in actions:
        for page, heading in re.findall(r"(docs/[\w-]+\.md)(?:, (.+)\)\.$)?", action):
            assert heading or not re.search(re.escape(page) + ",", action), "no heading can be read: " + action
            found = headings(page)
            assert not heading or heading in found, "%s has no heading %r" % (page, heading)
            named += bool(heading)
    assert named >= 5, named
    print("%d headings that the alerts name are there" % named)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def get(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return answer.read().decode(), answer.headers["content-type"]


def wait(what, look, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = look()
        except OSError:
            found = None
        if found:
            return found
        time.sleep(0.2)
    raise SystemExit("in vain: %s" % what)


def start_server(binary, folder):
    """A server whose mail server is away. Returns it, its URL, its key, and the URL of its metrics."""
    words = ["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
             "--database", os.path.join(folder, "invited.db"), "--public-url", "https://invites.example.com",
             "--smtp-url", "smtp://127.0.0.1:%d?tls=none" % free_port(), "--mail-from", "invites@example.com"]
    server = subprocess.Popen([binary, *words], stderr=subprocess.PIPE, text=True)
    banner = ""
    while "curl" not in banner:
        line = server.stderr.readline()
        assert line, banner
        banner += line
    value = lambda name: re.search(r"%s +(\S+)" % name, banner).group(1)
    key = open(value("admin key")).read().strip()
    return server, value("listening"), key, value("metrics")


def start_prometheus(folder, target):
    """A Prometheus with our files, in which all takes seconds instead of minutes."""
    config = open(os.path.join(DEPLOY, "prometheus.yml")).read()
    config = config.replace("127.0.0.1:9187", target).replace("15s", "1s")
    rules = re.sub(r"for: \w+", "for: 2s", open(ALERTS).read()).replace("> 900", "> 3")
    for name, text in (("prometheus.yml", config), ("alerts.yml", rules)):
        open(os.path.join(folder, name), "w").write(text)
    port = free_port()
    words = ["--config.file", os.path.join(folder, "prometheus.yml"), "--storage.tsdb.path", os.path.join(folder, "data"),
             "--web.listen-address", "127.0.0.1:%d" % port, "--log.level", "warn"]
    return subprocess.Popen(["prometheus", *words]), "http://127.0.0.1:%d" % port


def expressions():
    """The queries of the dashboard, with its variables filled in."""
    dashboard = json.load(open(DASHBOARD))
    found = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    found += [annotation["expr"] for annotation in dashboard["annotations"]["list"]]
    fill = lambda text: text.replace("$__rate_interval", "10s").replace("$job", "invited").replace("$instance", ".+")
    return [fill(text) for text in found]


def check_names(metrics):
    plain, kind = get(metrics)
    assert kind.startswith("text/plain; version=0.0.4"), kind
    subprocess.run(["promtool", "check", "metrics"], input=plain, text=True, check=True)
    accept = "application/openmetrics-text;version=1.0.0"
    openly, kind = get(metrics, Accept=accept)
    assert kind.startswith("application/openmetrics-text; version=1.0.0") and openly.endswith("# EOF\n"), kind
    told = set(re.findall(r"^# TYPE (\w+)", plain, re.M))
    text = open(ALERTS).read() + json.dumps(expressions())
    used = set(re.findall(r"\b((?:invited|process)_\w+)\b", text))
    bare = lambda name: re.sub(r"_(bucket|sum|count)$", "", name)
    unknown = {name for name in used if name not in told and bare(name) not in told}
    assert used and not unknown, "not told: %s" % unknown
    print("%d of %d names are in the dashboard or the alerts" % (len(used), len(told)))


def main(binary):
    with tempfile.TemporaryDirectory() as folder:
        check_actions()
        check_rules(folder)
        server, url, key, metrics = start_server(binary, folder)
        running = [server]
        try:
            check_names(metrics)
            prometheus, api = start_prometheus(folder, metrics.split("/")[2])
            running.append(prometheus)
            query = lambda text: json.loads(get(api + "/api/v1/query?" + urllib.parse.urlencode({"query": text}))[0])
            result = lambda text: query(text)["data"]["result"]
            wait("the server is scraped", lambda: result('up{job="invited"} == 1'))
            body = json.dumps({"email": "ann@example.com", "role": "member"}).encode()
            asked = urllib.request.Request(url + "/v1/organizations/acme/invitations", body,
                                           {"Authorization": "Bearer " + key, "Content-Type": "application/json"})
            urllib.request.urlopen(asked, timeout=10).close()
            wait("the invitation is counted", lambda: result('invited_invitations{status="pending"} == 1'))
            for text in expressions():
                answer = query(text)
                assert answer["status"] == "success" and not answer.get("warnings"), (text, answer)
            print("%d queries run" % len(expressions()))
            alert = 'ALERTS{alertname="InvitedMailWaits",alertstate="firing"}'
            wait("the alert fires", lambda: result(alert))
            others = result('ALERTS{alertstate="firing",alertname!="InvitedMailWaits"}')
            assert not others, others
            print("one alert fires, since the mail server is away, and no other does")
        finally:
            for process in running:
                process.send_signal(signal.SIGTERM)
                process.wait()


main(sys.argv[1])
