"""PYTHON materials.py FILE: reads what deploy/packages/materials has made, by a second implementation of CycloneDX and against cargo.

PYTHON has cyclonedx-python-lib with its schemas.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parent.parent


def cargo(*words):
    """What cargo prints."""
    return subprocess.run(["cargo", *words], check=True, capture_output=True, text=True, cwd=ROOT).stdout


def built():
    """The name and the version of everything that the program is built of, on any machine."""
    lines = cargo("tree", "--locked", "--edges", "normal,build", "--target", "all", "--prefix", "none", "--format", "{p}").splitlines()
    return {(name, version.removeprefix("v")) for name, version, *_ in (line.split() for line in lines if line)}


def main(file):
    """Checks the file, and prints how much it lists."""
    text = Path(file).read_text()
    wrong = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
    assert wrong is None, wrong
    document = json.loads(text)
    package = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
    own = document["metadata"]["component"]
    assert (own["name"], own["version"]) == ("invited", package["version"]), own
    assert Path(file).name == f"invited-{package['version']}.cdx.json", file
    locked = {(one["name"], one["version"]): one for one in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
    listed = {(one["name"], one["version"]): one for one in document["components"]}
    assert {"actix-web", "rusqlite", "libsqlite3-sys", "utoipa"} <= {name for name, _ in listed}
    missing = built() - {("invited", package["version"])} - listed.keys()
    assert not missing, f"not listed: {missing}"
    for name, component in listed.items():
        hashes = [one["content"] for one in component["hashes"]]
        assert hashes == [locked[name]["checksum"]], (name, hashes)
        assert component.get("licenses"), f"{name} has no licence"
    depended = {one["ref"] for one in document["dependencies"]}
    assert {one["bom-ref"] for one in listed.values()} <= depended
    print(f"invited {package['version']} and the {len(listed)} packages that it is built of")


main(*sys.argv[1:])
