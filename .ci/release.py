"""release.py FOLDER: the helpers for tests as deploy/packages/helpers has packed them: read, installed without a network, and loaded.
PYTHON release.py FOLDER WORKFLOW: also what the workflow of a release does with them. PYTHON has PyYAML.

No step that publishes is run: what it would publish is written down by a program in the place of npm.
"""

import json
import os
import shlex
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
WHEEL = f"invited_test-{VERSION}-py3-none-any.whl"
TARBALL = f"invited-test-{VERSION}.tgz"
# What else there is to publish, as other jobs make it.
OTHERS = [
    f"invited-{VERSION}-py3-none-manylinux_2_34_x86_64.whl",
    f"invited-cli-{VERSION}.tgz",
    f"invited-linux-x64-{VERSION}.tgz",
    f"invited-{VERSION}.cdx.json",
    "invited-linux-x64.tar.gz",
]


def run(*words, **more):
    """Runs a command that must end well. Returns what it prints."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, **more)
    assert done.returncode == 0, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout


def read(folder):
    """What both packages say of themselves, and have in them."""
    with zipfile.ZipFile(folder / WHEEL) as wheel:
        names = wheel.namelist()
        info = f"invited_test-{VERSION}.dist-info"
        about = wheel.read(f"{info}/METADATA").decode().splitlines()
        assert "Name: invited-test" in about and f"Version: {VERSION}" in about, about
        assert "License-Expression: MIT OR Apache-2.0" in about, about
        assert b"invited_test.plugin" in wheel.read(f"{info}/entry_points.txt")
        wanted = ["invited_test/__init__.py", "invited_test/types.py", "invited_test/py.typed"]
        assert {*wanted, f"{info}/licenses/LICENSE-MIT", f"{info}/licenses/LICENSE-APACHE"} <= set(names), names
    with tarfile.open(folder / TARBALL) as archive:
        names = [name.removeprefix("package/") for name in archive.getnames()]
        about = json.load(archive.extractfile("package/package.json"))
        assert (about["name"], about["version"]) == ("@invited/test", VERSION), about
        wanted = [one[kind] for one in about["exports"].values() for kind in ("types", "default")]
        assert {*(name.removeprefix("./") for name in wanted), "README.md", "LICENSE-MIT", "LICENSE-APACHE"} <= set(names), names


def install(folder, scratch):
    """Installs both without a network, and loads them."""
    run(sys.executable, "-m", "venv", scratch / "python")
    python = scratch / "python/bin/python"
    run(python, "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check", folder / WHEEL)
    assert run(python, "-c", "import invited_test; print(invited_test.Invited.__name__)").strip() == "Invited"
    project = scratch / "node"
    project.mkdir()
    (project / "package.json").write_text('{"type": "module"}')
    # What only Playwright's fixture needs is no package that is installed.
    words = ["npm", "install", "--offline", "--no-audit", "--no-fund", "--omit", "peer", "--cache", scratch / "cache"]
    run(*words, folder / TARBALL, cwd=project)
    script = 'import { Invited } from "@invited/test"; console.log(Invited.name);'
    assert run("node", "--input-type=module", "--eval", script, cwd=project).strip() == "Invited"


def steps(workflow):
    """The commands of the job that publishes, by their names; checks that all files reach it."""
    import yaml

    jobs = yaml.safe_load(Path(workflow).read_text())["jobs"]
    publish = jobs.pop("publish")
    assert set(publish["needs"]) == set(jobs), publish["needs"]
    uploads = {}
    for name, job in jobs.items():
        for step in job["steps"]:
            if "upload-artifact" in step.get("uses", ""):
                uploads[name] = step["with"]["name"]
    assert all(name.startswith("packages-") for name in uploads.values()), uploads
    for job, script in (("helpers", "deploy/packages/helpers"), ("parts", "deploy/packages/materials")):
        assert any(script in step.get("run", "") for step in jobs[job]["steps"]) and job in uploads, job
    return {step["name"]: step for step in publish["steps"] if "run" in step}


def publish(folder, workflow, scratch):
    """Does what the workflow does with the packages, but for telling anybody of them."""
    commands = steps(workflow)
    packages, told = scratch / "packages", scratch / "told"
    packages.mkdir()
    for name in (WHEEL, TARBALL):
        (packages / name).write_bytes((folder / name).read_bytes())
    for name in OTHERS:
        (packages / name).write_text(name)
    npm = scratch / "bin/npm"
    npm.parent.mkdir()
    npm.write_text(f'#!/bin/sh\necho "$@" >>{shlex.quote(str(told))}\n')
    npm.chmod(0o755)
    environment = {**os.environ, "PATH": f"{npm.parent}:{os.environ['PATH']}"}
    for name in ("Checksums", "Wheels for themselves", "npm"):
        step = commands[name]
        place = scratch / step.get("working-directory", ".")
        run("bash", "-e", "-o", "pipefail", "-c", step["run"], cwd=place, env=environment)
        if name == "Checksums":
            run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=packages)
            summed = {line.split(maxsplit=1)[1] for line in (packages / "SHA256SUMS").read_text().splitlines()}
            assert summed == {WHEEL, TARBALL, *OTHERS}, summed
    assert {path.name for path in (scratch / "wheels").iterdir()} == {WHEEL, OTHERS[0]}
    published = [line.split()[1] for line in told.read_text().splitlines() if line.startswith("publish ")]
    assert published == [f"./packages/{name}" for name in (OTHERS[2], OTHERS[1], TARBALL)], published


def main(folder, workflow=None):
    """Checks the packages in `folder`."""
    folder = Path(folder).resolve()
    read(folder)
    with tempfile.TemporaryDirectory() as scratch:
        install(folder, Path(scratch))
    print(f"{WHEEL} and {TARBALL} are installed without a network")
    if workflow:
        with tempfile.TemporaryDirectory() as scratch:
            publish(folder, workflow, Path(scratch))
        print("the workflow has their checksums, and publishes them")


main(*sys.argv[1:])
