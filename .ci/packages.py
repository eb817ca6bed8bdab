"""packages.py BINARY: the wheel and the npm packages of a program, installed from files and tried.
packages.py --source: the sources of the last commit instead, cloned, built and tried.

There is no network while they are installed and run, where the machine lets that be taken away.
Each is installed three times into an empty folder and invites somebody who accepts; the seconds are
printed.
"""

import functools
import http.client
import json
import os
import pathlib
import pty
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
BUILD = REPOSITORY / "deploy" / "packages" / "build.py"
RUNS = 3
# From the start of the program itself to its first answer, at best.
START_SECONDS = 0.15
# Without the settings of whoever runs this.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("INVITED_", "npm_"))}


def run(*words, code=0, **more):
    """Runs a command that must end with `code`."""
    done = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, timeout=1200, **more)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done


def timed(*words, **more):
    """Runs a command. Returns the seconds."""
    begin = time.monotonic()
    run(*words, **more)
    return time.monotonic() - begin


def ask(address, method, path, body=None):
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.request(method, path, body and json.dumps(body), {"Content-Type": "application/json"} if body else {})
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status < 300, (path, answer.status, content)
    return json.loads(content)




class Dev:
    """`invited dev` at a terminal of its own, as it is typed after an installation."""

    def __init__(self, words, folder):
        self.said = ""
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe(words[0], [*words, "dev", "--listen", "127.0.0.1:0"], ENVIRONMENT)
        while "\n  curl " not in self.said:
            assert self.read(), self.said
        listening = next(line for line in self.said.splitlines() if line.startswith("  listening"))
        self.address = listening.split("http://")[1].strip()

    def read(self):
        """Reads what is shown. Returns whether the terminal is still used."""
        try:
            content = os.read(self.terminal, 65536)
        except OSError:
            # Linux says so in the place of an end.
            content = b""
        self.said += content.decode().replace("\r\n", "\n")
        return content != b""

    def end(self, send):
        """Sends a signal. Returns the exit code, when nothing uses the terminal any more."""
        send()
        while self.read():
            pass
        os.close(self.terminal)
        assert self.said.count("stopping: ") == 1, self.said
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])

    def signal(self, number):
        return self.end(lambda: os.kill(self.process, number))

    def ctrl_c(self):
        return self.end(lambda: os.write(self.terminal, b"\x03"))


def invite(address):
    """The first minute of a user: an invitation, its mail, its link."""
    ask(address, "POST", "/v1/organizations/acme/invitations", {"email": "new.user@example.com", "role": "developer"})
    mail = ask(address, "GET", "/dev/mailbox?to=new.user@example.com&wait=10s")[0]
    accepted = ask(address, "POST", "/v1/invitations/accept", {"token": mail["link"].split("#")[1]})
    assert accepted["status"] == "accepted", accepted


def pip(files, folder):
    """An environment with the wheel. Returns the program, what is typed to run it, and the seconds of
    the installation."""
    run(sys.executable, "-m", "venv", folder / "python")
    words = [folder / "python/bin/pip", "install", "--no-index", "--disable-pip-version-check"]
    seconds = timed(*words, files["wheel"])
    return [folder / "python/bin/invited"], [folder / "python/bin/invited"], seconds


def npm(files, folder, *names):
    """A project with the packages. Returns the program, what is typed to run it, and the seconds of the
    installation."""
    words = ["npm", "install", "--offline", "--no-audit", "--no-fund", "--cache", folder / "cache"]
    (folder / "package.json").write_text("{}")
    seconds = timed(*words, *(files[name] for name in names or ("launcher", "platform")), cwd=folder)
    return [folder / "node_modules/.bin/invited"], ["npx", "--offline", "invited"], seconds


def cargo(folder):
    """A clone that is built as `cargo run` does. Returns what the others return. What it is made of is
    downloaded before."""
    clone = folder / "invited"
    run("git", "clone", "-q", REPOSITORY, clone)
    run("cargo", "fetch", "--locked", cwd=clone)
    seconds = timed("cargo", "build", "--locked", "--target-dir", clone / "target", cwd=clone)
    return [clone / "target/debug/invited"], [clone / "target/debug/invited"], seconds


def first_minute(way, version):
    """From an installation to the first accepted invitation. Returns the seconds of both."""
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        program, typed, installation = way(folder)
        begin = time.monotonic()
        server = Dev(typed, folder)
        invite(server.address)
        acceptance = time.monotonic() - begin
        # What stands between may have a code of its own for Ctrl-C.
        server.ctrl_c()
        assert version in run(*typed, "version", cwd=folder).stdout
        wrong = run(*typed, "nonsense", cwd=folder, code=2)
        assert "nonsense" in wrong.stderr and not wrong.stdout, wrong
        # The program ends well on the first signal, and badly on a second one.
        assert Dev(program, folder).signal(signal.SIGTERM) == 0
        assert Dev(program, folder).ctrl_c() == 0
        return installation, acceptance


def measure(name, way, version):
    """Prints the medians of some first minutes."""
    runs = [first_minute(way, version) for _ in range(RUNS)]
    halves = [statistics.median(half) for half in zip(*runs, strict=True)]
    print(f"{name}: installed in {halves[0]:.1f} s, somebody accepted {halves[1]:.2f} s later", flush=True)


def start(program, folder):
    """Returns the seconds from the start of a program to its first answer."""
    begin = time.monotonic()
    server = Dev([program], folder)
    ask(server.address, "GET", "/livez")
    seconds = time.monotonic() - begin
    server.signal(signal.SIGTERM)
    return seconds


def check(binary, folder):
    built = run(sys.executable, BUILD, binary, folder).stdout.split()
    again = run(sys.executable, BUILD, binary, folder / "again").stdout.split()
    for one, other in zip(built, again, strict=True):
        assert pathlib.Path(one).read_bytes() == pathlib.Path(other).read_bytes(), one
    files = dict(zip(("wheel", "launcher", "platform"), map(pathlib.Path, built), strict=True))
    for file in files.values():
        print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB")
    version = run(binary, "version").stdout.split("\n")[0]
    measure("pip", functools.partial(pip, files), version)
    measure("npm", functools.partial(npm, files), version)
    seconds = [start(binary, folder) for _ in range(3 * RUNS)]
    print(f"the program itself answers after {1000 * min(seconds):.0f} to {1000 * max(seconds):.0f} ms")
    assert min(seconds) <= START_SECONDS, seconds

    # A launcher alone says what is missing.
    alone = folder / "alone"
    alone.mkdir()
    program, *_ = npm(files, alone, "launcher")
    assert "is not installed" in run(*program, "version", code=1).stderr


def main(binary):
    alone = ["unshare", "--net", "--map-root-user"]
    if "--alone" not in sys.argv:
        able = shutil.which("unshare") and subprocess.run([*alone, "ip", "link", "set", "lo", "up"], capture_output=True).returncode == 0
        print("without a network" if able else "with the network of this machine, which cannot be taken away here")
        sys.stdout.flush()
        if able:
            inner = [sys.executable, *sys.argv, "--alone"]
            os.execvp(alone[0], [*alone, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *inner])
    with tempfile.TemporaryDirectory() as folder:
        check(str(pathlib.Path(binary).resolve()), pathlib.Path(folder))


if sys.argv[1] == "--source":
    measure("the sources", cargo, "invited ")
else:
    main(sys.argv[1])
