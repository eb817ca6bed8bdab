"""postfix.py INVITED: mail the whole way, through a real Postfix into a mailbox, and its link is used.

Postfix asks for TLS, whose certificate is of a private authority, and for a login (Cyrus SASL). Both kinds of TLS are tried, and
what is told of a wrong password and of another authority. It needs root: Postfix does. Its files are all in one temporary folder.
"""

import contextlib
import email
import email.policy
import json
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

INVITED = str(pathlib.Path(sys.argv[1]).resolve())
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="postfix-"))
CLEAN_UP = contextlib.ExitStack()
CLEAN_UP.callback(shutil.rmtree, FOLDER, ignore_errors=True)
PASSWORD = "p@ss/w:rd#1"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("INVITED_")}

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = mx.acme.test
inet_protocols = ipv4
mydestination =
virtual_mailbox_domains = example.test
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
alias_maps =
smtpd_tls_chain_files = {folder}/server.key, {folder}/server.pem
smtpd_tls_security_level = encrypt
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = mx.acme.test
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
"""

MASTER = """
127.0.0.1:{starttls} inet n - n - - smtpd
127.0.0.1:{tls} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

SASL = """
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/sasldb
mech_list: PLAIN LOGIN
"""


def run(*words, **options):
    """Runs a program, which must succeed."""
    done = subprocess.run(words, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def free_port():
    """A port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def authority(name):
    """Makes an authority."""
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
        "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", FOLDER / f"{name}.key", "-out", FOLDER / f"{name}.pem")


def certificates():
    """Makes the authority of Postfix with its certificate, and another authority."""
    authority("own")
    authority("other")
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", FOLDER / "server.key",
        "-out", FOLDER / "server.csr")
    (FOLDER / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    run("openssl", "x509", "-req", "-in", FOLDER / "server.csr", "-CA", FOLDER / "own.pem", "-CAkey", FOLDER / "own.key",
        "-CAcreateserial", "-days", "2", "-extfile", FOLDER / "names", "-out", FOLDER / "server.pem")


def start_postfix():
    """Starts Postfix. Returns its ports for STARTTLS and for TLS from the first byte on."""
    FOLDER.chmod(0o755)
    nobody = pwd.getpwnam("nobody")
    ports = free_port(), free_port()
    for name in ("etc/sasl", "queue", "data", "mail"):
        (FOLDER / name).mkdir(parents=True)
    os.chown(FOLDER / "mail", nobody.pw_uid, nobody.pw_gid)
    os.chown(FOLDER / "data", pwd.getpwnam("postfix").pw_uid, -1)
    values = {"folder": FOLDER, "uid": nobody.pw_uid, "gid": nobody.pw_gid, "starttls": ports[0], "tls": ports[1]}
    (FOLDER / "etc/main.cf").write_text(MAIN.format(**values))
    (FOLDER / "etc/master.cf").write_text(MASTER.format(**values))
    # Debian's Postfix looks there and nowhere else.
    (FOLDER / "etc/sasl/smtpd.conf").write_text(SASL.format(**values))
    run("saslpasswd2", "-c", "-p", "-f", FOLDER / "sasldb", "-u", "mx.acme.test", "invited", input=PASSWORD)
    os.chown(FOLDER / "sasldb", pwd.getpwnam("postfix").pw_uid, -1)
    run("postfix", "-c", FOLDER / "etc", "start")
    CLEAN_UP.callback(subprocess.run, ["postfix", "-c", FOLDER / "etc", "stop"], capture_output=True)
    return ports


class Server:
    """`invited serve` that mails by a URL and trusts an authority."""

    count = 0

    def __init__(self, url, trusted):
        Server.count += 1
        database = FOLDER / f"{Server.count}" / "invited.db"
        self.log = FOLDER / f"{Server.count}.log"
        environment = {**ENVIRONMENT, "INVITED_SMTP_URL": url}
        words = [INVITED, "serve", "--listen", "127.0.0.1:0", "--database", database, "--ca-file", FOLDER / f"{trusted}.pem",
                 "--public-url", "http://127.0.0.1:1", "--mail-from", "Acme <invitations@acme.test>"]
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(words, stdout=output, stderr=output, env=environment)
        CLEAN_UP.callback(self.stop)
        for _ in range(200):
            banner = self.log.read_text()
            if "\n  curl " in banner:
                break
            assert self.process.poll() is None, banner
            time.sleep(0.05)
        self.url = re.search(r"listening +(\S+)", banner).group(1)
        self.key = pathlib.Path(re.search(r"admin key +(\S+)", banner).group(1)).read_text().strip()

    def post(self, path, body, key=True):
        """POST. Returns the status and the answer."""
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {self.key}"
        return self.send(urllib.request.Request(self.url + path, json.dumps(body).encode(), headers))

    def look(self, invitation):
        """The invitation as it is now."""
        path = f"/v1/organizations/acme/invitations/{invitation['id']}"
        return self.send(urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.key}"}))[1]

    def send(self, request):
        """Sends a request. Returns the status and the answer."""
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def invite(self, address):
        """Invites somebody to acme."""
        status, made = self.post("/v1/organizations/acme/invitations", {"email": address, "role": "developer"})
        assert status == 201, made
        return made

    def stop(self):
        """Stops it."""
        self.process.terminate()
        self.process.wait(20)


def wait(what, look):
    """Waits until `look` finds something."""
    for _ in range(300):
        if found := look():
            return found
        time.sleep(0.1)
    log = FOLDER / "mail.log"
    raise AssertionError(f"{what} does not come\n{log.read_text() if log.exists() else ''}")


def mail_to(address, kind):
    """The mail of a kind in the mailbox of an address."""
    for path in (FOLDER / "mail/all/new").glob("*"):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        if message["To"] == address and message["Message-ID"].startswith(f"<{kind}."):
            return message.get_body(("plain",)).get_content()
    return None


def accept(server, address):
    """Does what the invited person does with the mail."""
    text = wait("the invitation", lambda: mail_to(address, "invitation"))
    token = re.search(r"http://127\.0\.0\.1:1/accept#\S*?(iv[a-z]_[\w-]+)", text).group(1)
    status, answer = server.post("/v1/invitations/accept", {"token": token}, key=False)
    if status != 200:
        status, answer = server.post("/v1/invitations/code", {"token": token, "email": address}, key=False)
        assert status == 202, answer
        code = re.search(r"\b(\d{6})\b", wait("the code", lambda: mail_to(address, "code"))).group(1)
        proof = {"token": token, "email": address, "code": code}
        status, answer = server.post("/v1/invitations/accept", proof, key=False)
    assert (status, answer.get("status")) == (200, "accepted"), answer


def refused(url, trusted, words):
    """Checks what is told of a mail server that cannot be used; the mail waits."""
    server = Server(url, trusted)
    made = server.invite("waits@example.test")
    found = wait(words, lambda: (now := server.look(made)).get("deliveryError") and now)
    assert words in found["deliveryError"] and found["delivery"] == "queued", found
    assert PASSWORD not in server.log.read_text() and PASSWORD not in json.dumps(found)
    server.stop()


def trial(url, trusted, code):
    """What `invited mail test` says by a URL; it must end with this exit code."""
    words = [INVITED, "mail", "test", "trial@example.test", "--mail-from", "invitations@acme.test",
             "--ca-file", FOLDER / f"{trusted}.pem"]
    done = subprocess.run(words, capture_output=True, text=True, env={**ENVIRONMENT, "INVITED_SMTP_URL": url}, timeout=60)
    said = done.stdout + done.stderr
    assert done.returncode == code and PASSWORD not in said, said
    return said


def main():
    """Every way."""
    certificates()
    starttls, tls = start_postfix()
    login = "invited:p%40ss%2Fw%3Ard%231"
    ways = [f"smtp://{login}@127.0.0.1:{starttls}?tls=starttls", f"smtps://{login}@localhost:{tls}"]
    for number, url in enumerate(ways):
        server = Server(url, "own")
        address = f"ada{number}@example.test"
        made = server.invite(address)
        wait("the delivery", lambda: server.look(made)["delivery"] == "sent")
        accept(server, address)
        assert server.look(made)["status"] == "accepted"
        server.stop()
        printed = trial(url, "own", 0)
        for step in ("TLS 1.3, its certificate ends 20", "login      invited is let in", "mail       250 2.0.0 Ok: queued as"):
            assert step in printed, printed
        wait("the trial", lambda: mail_to("trial@example.test", "test"))
        for path in (FOLDER / "mail/all/new").glob("*"):
            path.unlink()
    for url in ways:
        assert "tls: the certificate" in trial(url, "other", 1) or "connection: the certificate" in trial(url, "other", 1)
        assert "login: the mail server refuses" in trial(url.replace("rd%231", "rd"), "own", 1)
        refused(url, "other", "the certificate of the mail server is not trusted (--ca-file)")
        refused(url.replace("rd%231", "rd"), "own", "the mail server refuses user name and password")
    refused(f"smtp://{login}@127.0.0.1:{tls}?tls=starttls", "own", "tls=tls (465)")
    refused(f"smtps://{login}@127.0.0.1:{starttls}", "own", "tls=starttls (587)")
    print("mail went the whole way by STARTTLS and by TLS, and what was wrong was told")


with CLEAN_UP:
    main()
