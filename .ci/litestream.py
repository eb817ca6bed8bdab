"""litestream.py INVITED LITESTREAM: a real Litestream beside the server.

It replicates under load, both are killed, and the replica is restored. The restored file starts
with all but the last moments of what was acknowledged; the live file starts with all of it, beside
a Litestream that goes on.
"""

import http.client
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time

INVITED, LITESTREAM = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
DEPLOY = pathlib.Path(__file__).resolve().parent.parent / "deploy"
PATH = "/v1/organizations/acme/invitations"
SECONDS = 8
WRITERS = 4
# A replica lags by the interval of its syncs, which is a second; the rest is for a busy machine.
LAG_SECONDS = 5

# Without the settings of whoever runs this.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("INVITED_")}

running = []


def start(log, *words):
    """Starts a program whose output goes to a file."""
    with open(log, "wb") as output:
        process = subprocess.Popen(words, stdout=output, stderr=output, env=ENVIRONMENT)
    running.append(process)
    return process


class Server:
    """`invited serve` on a file."""

    def __init__(self, database):
        self.log = database.with_suffix(".log")
        self.process = start(self.log, INVITED, "serve", "--listen", "127.0.0.1:0", "--database", str(database))
        for _ in range(200):
            banner = self.log.read_text()
            if "\n  curl " in banner:
                break
            assert self.process.poll() is None, banner
            time.sleep(0.05)
        self.banner = dict(line.split(None, 1) for line in banner.splitlines() if line.startswith("  listening"))
        self.address = self.banner["listening"].removeprefix("http://")
        keys = [line.split(None, 2)[-1] for line in banner.splitlines() if line.startswith("  admin key")]
        self.key = pathlib.Path(keys[0]).read_text().strip() if keys else None

    def client(self):
        return http.client.HTTPConnection(self.address, timeout=10)

    def ask(self, client, key, method, path, body=None):
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        client.request(method, path, json.dumps(body) if body else None, headers)
        answer = client.getresponse()
        return answer.status, json.loads(answer.read() or "null")

    def invited(self, key):
        """The addresses that it lists."""
        status, rows = self.ask(self.client(), key, "GET", PATH)
        assert status == 200, rows
        return {row["email"] for row in rows}

    def create(self, client, key, email):
        return self.ask(client, key, "POST", PATH, {"email": email, "role": "developer"})[0]


def write(server, number, acknowledged):
    """Creates invitations until the server is gone; notes when each was acknowledged."""
    client = server.client()
    try:
        for count in range(1_000_000):
            email = f"w{number}-{count}@example.com"
            status = server.create(client, server.key, email)
            assert status == 201, status
            acknowledged[email] = time.monotonic()
    except (OSError, http.client.HTTPException):
        pass


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def drill(folder, *words):
    """Runs a drill by the programs that are tried here."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    for name, program in (("invited", INVITED), ("litestream", LITESTREAM)):
        if not (programs / name).exists():
            (programs / name).symlink_to(program)
    path = f"{programs}:{os.environ['PATH']}"
    return subprocess.run(
        [DEPLOY / "drill", *map(str, words)], capture_output=True, text=True, env=ENVIRONMENT | {"PATH": path}
    )


def drills(folder, database, settings):
    """Both drills, beside the live server and its replication, with the right secret and without."""
    before = os.stat(database).st_ino
    for words in (("backup", database), ("replica", database, settings)):
        done = drill(folder, *words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        print(f"$ deploy/drill {words[0]}\n{done.stdout}", end="")
        for other in (folder / "none", folder / "other"):
            (folder / "other").write_text("0123456789abcdef" * 4)
            refused = drill(folder, *words, other)
            assert refused.returncode == 1 and "put back" in refused.stderr, (words, refused.stdout, refused.stderr)
    assert os.stat(database).st_ino == before


def main(folder):
    database, restored = folder / "invited.db", folder / "restored.db"
    settings = DEPLOY / "litestream" / "litestream.yml"
    ENVIRONMENT.update(INVITED_DATABASE=str(database), INVITED_REPLICA=f"file://{folder}/replica")

    server = Server(database)
    key = server.key
    replicator = start(folder / "litestream.log", LITESTREAM, "replicate", "-config", str(settings))
    acknowledged = {}
    writers = [threading.Thread(target=write, args=(server, number, acknowledged)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    time.sleep(SECONDS)
    killed = time.monotonic()
    kill(server.process)
    kill(replicator)
    for writer in writers:
        writer.join()
    print(f"{len(acknowledged)} creates were acknowledged in {SECONDS} s beside Litestream")
    assert len(acknowledged) > 100

    command = [LITESTREAM, "restore", "-config", str(settings), "-o", str(restored), str(database)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    # The secret is not in the data file, and so not in its replica.
    shutil.copy(f"{database}.secret", f"{restored}.secret")
    server = Server(restored)
    lost = acknowledged.keys() - server.invited(key)
    oldest = max((killed - acknowledged[email] for email in lost), default=0)
    print(f"the restored file starts; {len(lost)} creates are not in it, the oldest of them from {oldest:.2f} s before the kill")
    assert oldest <= LAG_SECONDS
    assert stat.S_IMODE(os.stat(restored).st_mode) == 0o600
    assert server.create(server.client(), key, "restored@example.com") == 201
    server.process.terminate()
    assert server.process.wait(20) == 0

    server = Server(database)
    replicator = start(folder / "litestream.log", LITESTREAM, "replicate", "-config", str(settings))
    assert not acknowledged.keys() - server.invited(key)
    time.sleep(2)
    assert replicator.poll() is None, (folder / "litestream.log").read_text()
    assert server.create(server.client(), key, "again@example.com") == 201
    subprocess.run([INVITED, "key", "list", "--database", str(database)], check=True, stdout=subprocess.DEVNULL)
    drills(folder, database, settings)
    server.process.terminate()
    assert server.process.wait(20) == 0
    print("the live file starts with all of them, beside a Litestream that goes on")


with tempfile.TemporaryDirectory() as place:
    try:
        main(pathlib.Path(place).resolve())
    finally:
        for process in running:
            if process.poll() is None:
                kill(process)
