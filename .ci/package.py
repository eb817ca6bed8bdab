"""package.py DEB: the Debian package, installed, upgraded and removed on a machine with a real systemd.

What docs/deploy.md has people type is read from there, and typed: `sudo` is left out, since root does it all.
The machine is this one, seen through an overlay in namespaces of its own: what happens there is gone
afterwards. Its systemd is the first process there. Ends with 77 where that is not possible.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

DEB = pathlib.Path(sys.argv[1]).resolve()
PAGE = (pathlib.Path(__file__).resolve().parent.parent / "docs" / "deploy.md").read_text()
SYSTEMD = "/lib/systemd/systemd"
# What the machine is made of, before its systemd takes over.
MACHINE = """
set -e
mount -t tmpfs tmpfs {place} && mkdir {place}/upper {place}/work {place}/root
mount -t overlay overlay -o lowerdir=/,upperdir={place}/upper,workdir={place}/work {place}/root
cp {deb} {newer} {place}/root/ && cd {place}/root
mount -t proc proc proc && mount --rbind /dev dev && mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run && mkdir -p run/lock
mount -t tmpfs tmpfs tmp && mount -t tmpfs tmpfs var/tmp
ip link set lo up 2>/dev/null || true
# Only what is installed here starts, and it may.
rm -f etc/systemd/system/*.wants/* usr/sbin/policy-rc.d
# A process in a chroot could make no user namespaces, and the unit asks for one.
mkdir -p old && pivot_root . old && umount --lazy /old
exec /usr/bin/env -i container=docker PATH=/usr/sbin:/usr/bin:/sbin:/bin {systemd} --unit=basic.target
"""


class Machine:
    """A machine with a systemd of its own."""

    def __init__(self, folder, newer):
        script = MACHINE.format(place=folder, deb=DEB, newer=newer, systemd=SYSTEMD)
        self.outer = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--cgroup", "--net", "--propagation", "private", "sh", "-c", script],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self.first = None
        for _ in range(200):
            if self.outer.poll() is not None:
                break
            children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()
            if children and pathlib.Path(f"/proc/{children[0]}/cmdline").read_bytes().startswith(SYSTEMD.encode()):
                self.first = children[0]
                if self.run("systemctl is-system-running", check=False).stdout.strip() in ("running", "degraded"):
                    return
            time.sleep(0.1)
        why = "it does not start" if self.outer.poll() is None else self.outer.stderr.read().decode()
        self.stop()
        print(f"no systemd can be started here: {why}")
        sys.exit(77)

    def run(self, command, check=True):
        done = subprocess.run(
            ["nsenter", "--target", self.first, "--mount", "--pid", "--net", "--root", "--wd", "sh", "-c", command],
            capture_output=True, text=True, timeout=180,
        )  # fmt: skip
        assert not check or done.returncode == 0, (command, done.returncode, done.stdout, done.stderr, self.log())
        return done

    def type(self, begins):
        """Runs the one command of the page that begins so."""
        typed = re.findall(rf"^\$ sudo ({re.escape(begins)}.*)$", PAGE, re.M)
        assert len(typed) == 1, (begins, typed)
        return self.run(f"cd /root && {typed[0]}")

    def log(self):
        done = self.run("journalctl --no-pager --lines 40 --unit invited; systemctl status --no-pager invited", check=False)
        return done.stdout + done.stderr

    def modes(self):
        """The modes and owners of what is in the folders of the data and of the settings."""
        names = "/var/lib/invited /var/lib/invited/* /etc/invited/invited.toml"
        told = self.run(f"stat --format '%n %a %U' {names}").stdout
        return dict(line.split(" ", 1) for line in told.splitlines())

    def ask(self, path, key=None, body=None, port=8080):
        words = ["curl", "--silent", "--show-error", "--max-time", "10", f"http://127.0.0.1:{port}{path}"]
        if key:
            words.append(f"--header 'Authorization: Bearer {key}'")
        if body:
            words.append(f"--header 'Content-Type: application/json' --data '{json.dumps(body)}'")
        return json.loads(self.run(" ".join(words)).stdout or "null")

    def is_active(self):
        return self.run("systemctl is-active invited", check=False).stdout.strip()

    def main_process(self):
        return self.run("systemctl show --property MainPID --value invited").stdout.strip()

    def stop(self):
        if self.first:
            os.kill(int(self.first), signal.SIGKILL)
        self.outer.kill()
        self.outer.wait()


def a_newer(folder):
    """The same package, as if it were a version later."""
    tree = folder / "newer"
    subprocess.run(["dpkg-deb", "--raw-extract", str(DEB), str(tree)], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: (.*)$", r"Version: \1+newer", control.read_text(), flags=re.M))
    package = folder / "newer.deb"
    subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "--build", str(tree), str(package)], check=True, stdout=subprocess.DEVNULL)
    return package


def wait_for(what, is_so):
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


INVITATIONS = "/v1/organizations/acme/invitations"


def block(language):
    """The one block of the page in a language."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)
    assert len(found) == 1, (language, found)
    return found[0]


def check_modes(machine):
    """That nobody but the service, and root, reads the data and the settings."""
    modes = machine.modes()
    assert modes.pop("/var/lib/invited") == "700 invited" and modes.pop("/etc/invited/invited.toml") == "640 root", modes
    assert modes and set(modes.values()) == {"600 invited"}, modes


def check_login(machine, key):
    """The first two commands of the page: the key, and a link that signs in to the console once."""
    assert machine.type("cat ").stdout.strip() == key
    link = machine.type("invited login ").stdout.strip()
    assert link.startswith("http://127.0.0.1:8080/console/sign-in#ivl_"), link
    sign_in = (
        "curl --silent --output /dev/null --write-out '%{http_code}' --header 'Origin: http://127.0.0.1:8080' "
        f"--data-urlencode 'key={link}' http://127.0.0.1:8080/console/sign-in"
    )
    first, second = machine.run(sign_in).stdout, machine.run(sign_in).stdout
    assert first == "303" and second != "303", (first, second)
    print("the link of `invited login` signs in once")


def check_scheduled(machine):
    """Backups on a schedule under the hardened unit, as the page says."""
    settings = "/etc/invited/invited.toml"
    machine.type("install -d ")
    machine.run(f"cp --preserve {settings} /root/kept && cat >> {settings} <<'END'\n{block('toml')}END")
    refused = machine.run("systemctl restart invited", check=False)
    assert refused.returncode != 0 and "/srv/backups" in machine.log(), "without the drop-in the folder cannot be written"

    # Its editor is a person's, and this is what a person writes there.
    machine.run(f"cat > /root/drop-in <<'END'\n{block('ini')}END")
    edit = re.search(r"^\$ sudo (systemctl edit .*)$", PAGE, re.M).group(1)
    machine.run(f"SYSTEMD_EDITOR='cp /root/drop-in' script --quiet --return --command '{edit}' /dev/null")
    assert "ReadWritePaths=/srv/backups" in machine.run("systemctl cat invited").stdout
    machine.run("systemctl reset-failed invited && systemctl restart invited")
    made = lambda: machine.run("ls /srv/backups/invited-*.db", check=False).stdout.split()
    wait_for("a backup on schedule", made)
    machine.run(f"invited verify {made()[0]}")
    assert machine.run(f"stat --format '%a %U' {made()[0]}").stdout == "600 invited\n"
    machine.run(f"rm -r /etc/systemd/system/invited.service.d && cp --preserve /root/kept {settings}")
    machine.run("systemctl daemon-reload && systemctl restart invited")
    print("a backup on schedule appears in the folder that the drop-in gives to the unit, and not without it")


def check(machine):
    machine.run(f"mkdir -p /root/target/debian && cp /{DEB.name} /root/target/debian/")
    machine.type("apt install ")
    assert machine.is_active() == "active", machine.log()
    print("installed by apt: the service is active as soon as that is done")

    # Who it runs as, and what it may.
    process = machine.main_process()
    assert machine.run(f"ps -o user= -p {process}").stdout.strip() == "invited"
    assert re.search(r"CapEff:\s*0+\n", machine.run(f"cat /proc/{process}/status").stdout)
    check_modes(machine)
    exposure = machine.run("systemd-analyze security --no-pager invited", check=False).stdout.splitlines()[-1]
    assert float(re.search(r"(\d+\.\d)", exposure).group()) <= 1.5, exposure
    print(exposure.strip("→ \n"))

    # The key of the first start is in a file that only the service and root read, and in no log.
    key = machine.run("cat /var/lib/invited/invited.db.admin-key").stdout.strip()
    assert key.startswith("ivk_") and key not in machine.run("journalctl --no-pager").stdout
    made = machine.ask(INVITATIONS, key, {"email": "Ada@Example.com", "role": "developer"})
    assert made["email"] == "ada@example.com", made

    # Commands of an administrator beside it, its manual, and the drill that comes along.
    check_login(machine, key)
    machine.run("invited healthcheck --config /etc/invited/invited.toml")
    machine.run("invited key list --config /etc/invited/invited.toml")
    machine.run("invited backup --config /etc/invited/invited.toml /root/backup.db && invited verify /root/backup.db")
    assert "NAME" in machine.run("man invited | cat").stdout
    examples = "/usr/share/doc/invited/examples"
    names = machine.run(f"ls --file-type {examples}").stdout.split()
    named = re.findall(r"`([^`]+)`", re.search(rf"is under `{examples}/` there: (.*?)\.\n", PAGE, re.S).group(1))
    assert sorted(names) == sorted(named), (names, named)
    drilled = machine.run(f"{examples}/drill backup /var/lib/invited/invited.db").stdout
    assert re.search(r"^live: +invitations 1, ", drilled, re.M), drilled
    check_modes(machine)

    # A reload is told; a server that hangs is started again.
    machine.run("systemctl reload invited")
    assert machine.is_active() == "active" and machine.main_process() == process
    machine.run("mkdir -p /run/systemd/system/invited.service.d")
    machine.run("printf '[Service]\\nWatchdogSec=2s\\n' > /run/systemd/system/invited.service.d/soon.conf")
    machine.run("systemctl daemon-reload && systemctl restart invited")
    hung = machine.main_process()
    machine.run(f"kill -STOP {hung}")
    wait_for("a server that hangs is started again", lambda: machine.is_active() == "active" and machine.main_process() != hung)
    assert [row["email"] for row in machine.ask(INVITATIONS, key)] == ["ada@example.com"]
    print("a server that hung was started again by the watchdog, with what it had acknowledged")

    check_scheduled(machine)

    # A setting that is wrong keeps it from starting, and says so.
    machine.run("cp /etc/invited/invited.toml /root/kept && echo 'publik-url = \"https://a.example\"' >> /etc/invited/invited.toml")
    assert machine.run("systemctl restart invited", check=False).returncode != 0
    assert "publik-url" in machine.log() and "public-url" in machine.log()
    time.sleep(5)
    assert machine.is_active() == "failed", "a setting that is wrong is not tried again and again"
    machine.run("cp /root/kept /etc/invited/invited.toml && systemctl reset-failed invited && systemctl restart invited")

    # What root puts back is the service's.
    machine.run("systemctl stop invited && invited restore --config /etc/invited/invited.toml /root/backup.db")
    machine.run("systemctl start invited")
    assert [row["email"] for row in machine.ask(INVITATIONS, key)] == ["ada@example.com"]
    print("a backup was put back by root, and the service goes on with it")

    # What an administrator wrote stays through an upgrade.
    machine.run("sed -i 's/^listen = .*/listen = \"127.0.0.1:8181\"/' /etc/invited/invited.toml && systemctl restart invited")
    before = machine.main_process()
    machine.run("apt install /newer.deb < /dev/null")
    assert machine.is_active() == "active" and machine.main_process() != before
    assert [row["email"] for row in machine.ask(INVITATIONS, key, port=8181)] == ["ada@example.com"]
    print("upgraded: settings and data are there")

    machine.run("apt remove --yes invited")
    assert machine.is_active() != "active"
    assert machine.run("test -e /usr/bin/invited", check=False).returncode != 0
    machine.run("test -e /var/lib/invited/invited.db && test -e /etc/invited/invited.toml")
    machine.run(f"apt install /{DEB.name} < /dev/null")
    assert [row["email"] for row in machine.ask(INVITATIONS, key, port=8181)] == ["ada@example.com"]
    print("removed and installed again: settings and data are there")

    told = machine.run("apt purge --yes invited")
    assert "/var/lib/invited were left" in told.stdout + told.stderr, told
    machine.run("test -e /var/lib/invited/invited.db && test ! -e /etc/invited/invited.toml")
    print("purged: the data are left, and the person is told")


with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch).resolve()
    place = folder / "machine"
    place.mkdir()
    machine = Machine(place, a_newer(folder))
    try:
        check(machine)
    finally:
        machine.stop()
