"""litestream.py INVITED LITESTREAM: a real Litestream beside the server.

It replicates under load, both are killed, and the disk is lost: the whole folder of the data file. The replica is restored
by `litestream restore` and `invited restore`, without the secret and with it, looked through and served, with all but the
last moments of what was acknowledged. Both go on from there, and the same happens again. At last both are killed without a
loss: the live file starts with all of it, beside a Litestream that goes on. `invited doctor` looks at it all, and both
drills say what docs/replica.md shows.
"""

import http.client
import json
import os
import pathlib
import re
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
PAGE = DEPLOY.parent / "docs" / "replica.md"
SETTINGS = DEPLOY / "litestream" / "litestream.yml"
PATH = "/v1/organizations/acme/invitations"
# How often the disk is lost, and for how long is written before.
ROUNDS = 3
SECONDS = 6
WRITERS = 4
# What may be lost: what was written since Litestream looked last, what it had not handed on, and what was written while a
# copy was on its way. docs/replica.md has the sum.
INTERVALS = [int(seconds) for seconds in re.findall(r"-interval: (\d+)s$", SETTINGS.read_text(), re.M)]
COPY_SECONDS = 1
LOST_SECONDS = sum(INTERVALS) + COPY_SECONDS
# More than the minute from which on the doctor warns.
LAG_SECONDS = 90

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

    def __init__(self, database, *words):
        self.log = database.with_suffix(".log")
        self.process = start(self.log, INVITED, "serve", "--listen", "127.0.0.1:0", "--database", str(database), *words)
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
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
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

    def opens(self, token):
        """Whether a link opens its invitation."""
        status, found = self.ask(self.client(), None, "POST", "/v1/invitations/lookup", {"token": token})
        assert status in (200, 404), (status, found)
        return status == 200

    def stop(self):
        self.process.terminate()
        assert self.process.wait(20) == 0


def write(server, key, name, acknowledged):
    """Creates invitations until the server is gone; notes when each was acknowledged."""
    client = server.client()
    try:
        for count in range(1_000_000):
            email = f"{name}-{count}@example.com"
            status = server.create(client, key, email)
            assert status == 201, status
            acknowledged[email] = time.monotonic()
    except (OSError, http.client.HTTPException):
        pass


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def invited(*words):
    """Runs a command."""
    return subprocess.run([INVITED, *map(str, words)], capture_output=True, text=True, env=ENVIRONMENT)


def replicate(folder):
    return start(folder / "litestream.log", LITESTREAM, "replicate", "-config", str(SETTINGS))


def metadata(database):
    """What Litestream has written beside the data file."""
    return [path for path in (database.parent / f".{database.name}-litestream").rglob("*") if path.is_file()]


def finding(database):
    """What `invited doctor` says of the replica."""
    done = invited("doctor", "--offline", "--output", "json", "--database", database)
    found = [one for one in json.loads(done.stdout) if one["name"] == "replica"]
    assert len(found) == 1, (done.stdout, done.stderr)
    return found[0]["state"], json.dumps(found[0])


def look_at_lag(database):
    """That the doctor warns of a Litestream that has stood still, which is told by the times of its files."""
    files = metadata(database)
    state, told = finding(database)
    assert state == "ok", told
    written = max(os.stat(path).st_mtime for path in (database, f"{database}-wal"))
    for path in files:
        os.utime(path, (written - LAG_SECONDS, written - LAG_SECONDS))
    state, told = finding(database)
    assert state == "warn" and f" {LAG_SECONDS} s behind " in told, told


def restore(folder, database):
    """Puts what Litestream has in the place of the data file, as the page says. It is in use from then on."""
    copy = folder / "copy.db"
    for path in (copy, folder / "copy.db.secret"):
        path.unlink(missing_ok=True)
    command = [LITESTREAM, "restore", "-config", str(SETTINGS), "-o", str(copy), str(database)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)

    # The secret is not in the data file, and so not in its replica.
    refused = invited("restore", "--database", database, copy)
    assert refused.returncode == 1 and "secret" in refused.stderr, (refused.stdout, refused.stderr)
    assert not list(database.parent.glob("*.db")), "nothing is put in its place without the secret"
    # Whoever has lost it goes on without.
    without = folder / "without" / database.name
    without.parent.mkdir(exist_ok=True)
    done = invited("restore", "--database", without, "--new-secret", copy)
    assert done.returncode == 0, (done.stdout, done.stderr)

    kept = folder / "kept.secret"
    shutil.copy(kept, folder / "copy.db.secret")
    done = invited("restore", "--database", database, copy)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert pathlib.Path(f"{database}.secret").read_bytes() == kept.read_bytes()
    for path in (database, f"{database}.secret", without):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
    for path in (database, without):
        done = invited("verify", "--database", path)
        assert done.returncode == 0 and done.stdout.startswith("ok: "), (done.stdout, done.stderr)
    return without


def lose_the_disk(folder, number, server, key, known):
    """Writes beside Litestream, kills both, loses the disk, and gets the file back. Returns the server that goes on."""
    database = folder / "data" / "invited.db"
    replicator = replicate(folder)
    made = server.ask(server.client(), key, "POST", PATH, {"email": f"link{number}@example.com", "role": "developer"})[1]
    link = server.ask(server.client(), key, "POST", f"{PATH}/{made['id']}/link")[1]["token"]
    assert server.opens(link)
    for _ in range(200):
        if metadata(database):
            break
        time.sleep(0.1)
    acknowledged = {}
    names = [f"r{number}w{writer}" for writer in range(WRITERS)]
    writers = [threading.Thread(target=write, args=(server, key, name, acknowledged)) for name in names]
    for writer in writers:
        writer.start()
    time.sleep(SECONDS / 2)
    state, told = finding(database)
    assert state == "ok" and "no folder" not in told, (told, (folder / "litestream.log").read_text())
    # Not always at the same moment of an interval.
    time.sleep(SECONDS / 2 + number / ROUNDS)
    killed = time.monotonic()
    kill(server.process)
    assert replicator.poll() is None, (folder / "litestream.log").read_text()
    kill(replicator)
    for writer in writers:
        writer.join()
    assert len(acknowledged) > 100
    look_at_lag(database)

    shutil.rmtree(database.parent)
    database.parent.mkdir(mode=0o700)
    without = restore(folder, database)
    other = Server(without, "--new-secret")
    server = Server(database)
    there = server.invited(key)
    assert other.invited(key) == there and not other.opens(link) and server.opens(link)
    other.stop()
    shutil.rmtree(without.parent)
    assert not known - there, "what was there before this round is not lost now"
    lost = acknowledged.keys() - there
    oldest = max((killed - acknowledged[email] for email in lost), default=0)
    print(f"{len(acknowledged)} creates acknowledged beside Litestream, both killed, the disk lost, restored, looked through,")
    print(f"  served: {len(lost)} creates are lost, the oldest of them from {oldest:.2f} s before the kill")
    assert oldest <= LOST_SECONDS
    known |= there
    return server


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


def shape(text):
    """The lines of an output without its figures."""
    return [re.sub(r"\s+", " ", re.sub(r"[\d.]+", "#", line)) for line in text.splitlines() if line.strip()]


def shown(kind):
    """What the page shows of a drill."""
    found = re.search(rf"^\$ deploy/drill {kind} .*\n((?:[^$`].*\n)*)", PAGE.read_text(), re.M)
    return shape(found.group(1))


def drills(folder, database):
    """Both drills, beside the live server and its replication, with the right secret and without."""
    before = os.stat(database).st_ino
    for words in (("backup", database), ("replica", database, SETTINGS)):
        done = drill(folder, *words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        print(f"$ deploy/drill {words[0]}\n{done.stdout}", end="")
        assert shape(done.stdout) == shown(words[0]), (shape(done.stdout), shown(words[0]))
        for other in (folder / "none", folder / "other"):
            (folder / "other").write_text("0123456789abcdef" * 4)
            refused = drill(folder, *words, other)
            assert refused.returncode == 1 and "put back" in refused.stderr, (words, refused.stdout, refused.stderr)
    assert os.stat(database).st_ino == before


def main(folder):
    database = folder / "data" / "invited.db"
    database.parent.mkdir(mode=0o700)
    ENVIRONMENT.update(INVITED_DATABASE=str(database), INVITED_REPLICA=f"file://{folder}/replica")
    told = f"at most {LOST_SECONDS} seconds"
    assert len(INTERVALS) == 2 and told in re.sub(r"\s+", " ", PAGE.read_text()), f"the page says what may be lost: {told}"

    server = Server(database)
    key = server.key
    shutil.copy(f"{database}.secret", folder / "kept.secret")
    known = set()
    for number in range(ROUNDS):
        server = lose_the_disk(folder, number, server, key, known)

    # Both are killed, and nothing is lost.
    replicator = replicate(folder)
    acknowledged = {}
    writer = threading.Thread(target=write, args=(server, key, "last", acknowledged))
    writer.start()
    time.sleep(2)
    kill(server.process)
    kill(replicator)
    writer.join()
    server = Server(database)
    replicator = replicate(folder)
    assert not (known | acknowledged.keys()) - server.invited(key)
    time.sleep(2)
    assert replicator.poll() is None, (folder / "litestream.log").read_text()
    assert server.create(server.client(), key, "again@example.com") == 201
    assert invited("key", "list", "--database", database).returncode == 0
    drills(folder, database)
    server.stop()
    print("the live file starts with all of them, beside a Litestream that goes on")


with tempfile.TemporaryDirectory() as place:
    try:
        main(pathlib.Path(place).resolve())
    finally:
        for process in running:
            if process.poll() is None:
                kill(process)
