"""proxies.py INVITED: the configurations of deploy/ in a real Caddy and a real nginx.

Each proxy brings a client to two servers over https: to one that has a site of its own, and to one
below a path of another site. What is asked is what a proxy can get in the way of.
"""

import gzip
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

INVITED = str(pathlib.Path(sys.argv[1]).resolve())
DEPLOY = pathlib.Path(__file__).resolve().parent.parent / "deploy"
DOMAIN = "invitations.example.com"
# Without the settings of whoever runs this.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("INVITED_")}
# Requests a minute without a key, so that a client that pretends to be many is noticed.
ANONYMOUS = 20

running = []


def start(log, *words, **environment):
    """Starts a program whose output goes to a file."""
    with open(log, "wb") as output:
        process = subprocess.Popen(words, stdout=output, stderr=output, env=ENVIRONMENT | environment)
    running.append(process)
    return process


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, is_there):
    deadline = time.monotonic() + 20
    while not is_there():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Server:
    """`invited serve`, which people reach under `public_url`."""

    def __init__(self, folder, public_url):
        folder.mkdir()
        self.port, self.public_url, self.database = free_port(), public_url, folder / "invited.db"
        key_file, log = folder / "key", folder / "log"
        start(
            log, INVITED, "serve", "--listen", f"127.0.0.1:{self.port}", "--database", str(self.database),
            "--public-url", public_url, "--trusted-proxies", "127.0.0.1", "--limit-address", str(ANONYMOUS),
        )  # fmt: skip
        wait_for(f"a server: {log.read_text()}", lambda: "\n  curl " in log.read_text())
        made = subprocess.run(
            [INVITED, "key", "create", "--name", "proxies", "--scope", "admin", "--database", str(self.database)],
            check=True, capture_output=True, text=True, env=ENVIRONMENT,
        )  # fmt: skip
        self.key = re.search(r"ivk_\w+", made.stdout).group()

    def login(self):
        command = [INVITED, "login", "--database", str(self.database), "--public-url", self.public_url]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT).stdout.strip()


class Connection(http.client.HTTPSConnection):
    """A connection to a proxy on this machine as if the domain were its name."""

    def __init__(self, port, authority):
        super().__init__(DOMAIN, timeout=20, context=ssl.create_default_context(cafile=str(authority)))
        self.place = ("127.0.0.1", port)

    def connect(self):
        self.sock = self._context.wrap_socket(socket.create_connection(self.place, 20), server_hostname=DOMAIN)


class Client:
    """Somebody who knows the public URL only."""

    def __init__(self, server, port, authority):
        self.server, self.port, self.authority = server, port, authority
        self.root = server.public_url.removeprefix(f"https://{DOMAIN}")

    def ask(self, method, path, body=None, key=True, **headers):
        """Sends a request to a path below the public URL, or to a whole URL."""
        path = path.removeprefix(f"https://{DOMAIN}") if path.startswith("https:") else self.root + path
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            headers["Authorization"] = f"Bearer {self.server.key}"
        if isinstance(body, (dict, list)):
            body, headers["Content-Type"] = json.dumps(body), "application/json"
        connection = Connection(self.port, self.authority)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.text = answer.read()
        if answer.headers["Content-Encoding"] == "gzip":
            answer.text = gzip.decompress(answer.text)
        connection.close()
        return answer

    def from_page(self, page, address):
        """The URL of what a page names."""
        return urllib.parse.urljoin(self.server.public_url + page, address)

    def json(self, status, *request, **more):
        answer = self.ask(*request, **more)
        assert answer.status == status, (request, answer.status, answer.text[:500])
        return json.loads(answer.text or "null"), answer.headers


INVITATIONS = "/v1/organizations/acme/invitations"


def addresses_are_public_ones(client):
    made, headers = client.json(201, "POST", INVITATIONS, {"email": "ada@example.com", "role": "developer"})
    location = headers["Location"]
    assert location == f"{client.server.public_url}{INVITATIONS}/{made['id']}", location
    assert client.json(200, "GET", location)[0]["id"] == made["id"]
    for number in range(3):
        client.json(201, "POST", INVITATIONS, {"email": f"p{number}@example.com", "role": "developer"})
    _, headers = client.json(200, "GET", f"{INVITATIONS}?limit=2")
    following = re.search(r"<([^>]+)>; *rel=\"next\"", headers["Link"]).group(1)
    assert following.startswith(client.server.public_url), following
    client.json(200, "GET", following)
    return location


def tags_hold_through_compression(client, location):
    for number in range(40):
        client.json(201, "POST", INVITATIONS, {"email": f"many{number}@example.com", "role": "developer"})
    _, headers = client.json(200, "GET", INVITATIONS, Accept_Encoding="gzip")
    assert headers["Content-Encoding"] == "gzip", "the proxy compresses"
    one, headers = client.json(200, "GET", location, Accept_Encoding="gzip")
    changed, _ = client.json(200, "PATCH", location, {"role": "admin"}, If_Match=headers["ETag"])
    assert (one["role"], changed["role"]) == ("developer", "admin")
    assert client.ask("PATCH", location, {"role": "viewer"}, If_Match=headers["ETag"]).status == 412
    _, headers = client.json(200, "GET", location, Accept_Encoding="gzip")
    assert client.ask("GET", location, Accept_Encoding="gzip", If_None_Match=headers["ETag"]).status == 304


def events_come_at_once(client):
    connection = Connection(client.port, client.authority)
    path = f"{client.root}/v1/organizations/acme/events/stream"
    connection.request("GET", path, None, {"Authorization": f"Bearer {client.server.key}", "Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    assert answer.headers["Content-Encoding"] is None, "a stream is not compressed"
    arrived = []

    def read():
        for line in answer:
            if b"late@example.com" in line:
                arrived.append(time.monotonic())
                return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    time.sleep(0.5)
    asked = time.monotonic()
    client.json(201, "POST", INVITATIONS, {"email": "late@example.com", "role": "developer"})
    reader.join(10)
    assert arrived and arrived[0] - asked < 2, "an event is not held back"
    connection.close()


def large_bodies_reach_the_server(client):
    rows = [{"email": f"b{number}@example.com", "role": "developer", "metadata": {"note": "x" * 400}} for number in range(1000)]
    done, _ = client.json(200, "POST", f"{INVITATIONS}/batch", {"invitations": rows})
    assert len(done["results"]) == 1000
    told, _ = client.json(413, "POST", f"{INVITATIONS}/batch", {"invitations": rows, "note": "x" * 800_000})
    assert told["code"], "the server's own words"


def the_console_works(client):
    link = client.server.login()
    assert link.startswith(f"{client.server.public_url}/console/sign-in#"), link
    page = client.ask("GET", "/console/sign-in", key=False)
    sheet = re.search(r'href="([^"]+\.css[^"]*)"', page.text.decode()).group(1)
    assert client.ask("GET", client.from_page("/console/sign-in", sheet), key=False).status == 200, sheet
    form = {"Content_Type": "application/x-www-form-urlencoded", "Sec_Fetch_Site": "same-origin"}
    token = link.split("#")[1]
    refused = client.ask("POST", "/console/sign-in", f"next=&key={token}", key=False, **form | {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"})
    assert refused.status == 403, refused.status
    signed = client.ask("POST", "/console/sign-in", f"next=&key={token}", key=False, **form, Origin=f"https://{DOMAIN}")
    assert signed.status == 303, (signed.status, signed.text[:1000])
    cookie = signed.headers["Set-Cookie"]
    assert cookie.startswith("__Host-invited=") and "Secure" in cookie, cookie
    page = client.ask("GET", "/console", key=False, Cookie=cookie.split(";")[0])
    page = page if page.status == 200 else client.ask("GET", "/console/", key=False, Cookie=cookie.split(";")[0])
    assert page.status == 200 and b"acme" in page.text, page.status


def the_page_of_links_works(client):
    page = client.ask("GET", "/accept", key=False)
    assert page.status == 200
    script = re.search(r'src="([^"]+)"', page.text.decode()).group(1)
    assert client.ask("GET", client.from_page("/accept", script), key=False).status == 200, script
    made, _ = client.json(201, "POST", INVITATIONS, {"email": "link@example.com", "role": "developer"})
    link, _ = client.json(200, "POST", f"{INVITATIONS}/{made['id']}/link")
    assert link["url"].startswith(f"{client.server.public_url}/accept#"), "the link is a public one"


def nobody_is_many(client):
    statuses = set()
    for number in range(ANONYMOUS + 10):
        answer = client.ask("GET", INVITATIONS, key=False, X_Forwarded_For=f"198.51.{number}.1")
        statuses.add(answer.status)
    assert statuses == {401, 429}, f"who invents addresses stays one client: {statuses}"
    # Keys have a limit of their own.
    client.json(200, "GET", f"{INVITATIONS}?limit=1")


def check(name, client):
    location = addresses_are_public_ones(client)
    tags_hold_through_compression(client, location)
    events_come_at_once(client)
    large_bodies_reach_the_server(client)
    the_console_works(client)
    the_page_of_links_works(client)
    nobody_is_many(client)
    print(f"{name}: {client.server.public_url}: 7 checks passed", flush=True)


def caddy(folder, server):
    """Caddy with our file, and an authority of its own in place of a public one."""
    port, place = free_port(), folder / "caddy"
    place.mkdir()
    settings = place / "Caddyfile"
    settings.write_text(
        "{\n\tlocal_certs\n\tskip_install_trust\n\tadmin off\n"
        f"\thttp_port {free_port()}\n\thttps_port {port}\n\tstorage file_system {place}\n}}\n"
        f"import {DEPLOY}/caddy/Caddyfile\n"
    )
    start(
        place / "log", "caddy", "run", "--adapter", "caddyfile", "--config", str(settings),
        INVITED_DOMAIN=DOMAIN, INVITED_UPSTREAM=f"127.0.0.1:{server.port}", HOME=str(place),
    )  # fmt: skip
    authority = place / "pki" / "authorities" / "local" / "root.crt"
    certificates = place / "certificates" / "local"
    wait_for("a certificate of Caddy", lambda: authority.exists() and list(certificates.glob("*/*.crt")))
    return port, authority


def nginx(folder, server):
    """nginx with our file, its port, its names and a certificate of our own."""
    port, place = free_port(), folder / "nginx"
    place.mkdir()
    certificate, key = place / "certificate.pem", place / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN}", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    text = (DEPLOY / "nginx" / "invited.conf").read_text()
    for before, after in [
        ("server 127.0.0.1:8080;", f"server 127.0.0.1:{server.port};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("    listen [::]:443 ssl;\n", ""),
        (f"/etc/ssl/certs/{DOMAIN}.pem", str(certificate)),
        (f"/etc/ssl/private/{DOMAIN}.key", str(key)),
    ]:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    (place / "invited.conf").write_text(text)
    (place / "nginx.conf").write_text(
        f"daemon off;\nuser root;\npid {place}/pid;\nerror_log {place}/error.log;\nevents {{}}\n"
        f"http {{\n  access_log {place}/access.log;\n  client_body_temp_path {place}/body;\n  proxy_temp_path {place}/proxy;\n"
        f"  fastcgi_temp_path {place}/fastcgi;\n  uwsgi_temp_path {place}/uwsgi;\n  scgi_temp_path {place}/scgi;\n"
        f"  include {place}/invited.conf;\n}}\n"
    )
    start(place / "log", shutil.which("nginx") or "/usr/sbin/nginx", "-e", f"{place}/error.log", "-c", f"{place}/nginx.conf")

    def listens():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_for("nginx", listens)
    return port, certificate


with tempfile.TemporaryDirectory() as scratch:
    try:
        for proxy in (caddy, nginx):
            for path in ("", "/invitations"):
                folder = pathlib.Path(scratch).resolve() / f"{proxy.__name__}{path.replace('/', '-')}"
                folder.mkdir()
                server = Server(folder / "server", f"https://{DOMAIN}{path}")
                check(proxy.__name__, Client(server, *proxy(folder, server)))
    finally:
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(20)
