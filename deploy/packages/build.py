"""build.py BINARY [FOLDER]: puts a built program into a Python wheel and into packages for npm.

Needs Python 3.11 only. The files are in FOLDER (target/packages), and printed. They are for the
machines that the program runs on, and the same program gives the same files.
"""

import base64
import gzip
import hashlib
import io
import json
import pathlib
import sys
import tarfile
import tomllib
import zipfile

from machine import machine

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ABOUT = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
VERSION = ABOUT["version"]
README = (HERE / "README.md").read_bytes()
LICENSES = {name: (ROOT / name).read_bytes() for name in ("LICENSE-APACHE", "LICENSE-MIT")}
# What the workflow of a release makes, and so what the launcher may ask for.
PLATFORMS = ("linux-x64", "linux-arm64", "linux-x64-musl", "darwin-arm64")


def wheel(program, made_for):
    """Returns the name and the bytes of the wheel, as the binary distribution format says."""
    tag = f"py3-none-{made_for.tag}"
    info = f"invited-{VERSION}.dist-info"
    metadata = [
        "Metadata-Version: 2.4",
        "Name: invited",
        f"Version: {VERSION}",
        f"Summary: {ABOUT['description']}",
        f"License-Expression: {ABOUT['license']}",
        *(f"License-File: {name}" for name in LICENSES),
        "Requires-Python: >=3.8",
        "Description-Content-Type: text/markdown",
    ]
    kind = ["Wheel-Version: 1.0", "Generator: invited", "Root-Is-Purelib: false"]
    # A name for several kinds of machines stands for one tag each.
    kind += [f"Tag: py3-none-{one}" for one in made_for.tag.split(".")]
    files = {
        f"invited-{VERSION}.data/scripts/invited": program,
        f"{info}/METADATA": "\n".join(metadata).encode() + b"\n\n" + README,
        f"{info}/WHEEL": "\n".join(kind).encode() + b"\n",
        **{f"{info}/licenses/{name}": text for name, text in LICENSES.items()},
    }
    record = ""
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(content)}\n"
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (0o100755 if content is program else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return f"invited-{VERSION}-{tag}.whl", packed.getvalue()


def npm(name, programs, **more):
    """Returns the name and the bytes of an npm package of `@invited`, with `programs` and what `more` says."""
    about = {
        "name": f"@invited/{name}",
        "version": VERSION,
        "description": ABOUT["description"],
        "license": ABOUT["license"],
        **more,
    }
    files = {"package.json": json.dumps(about, indent=2).encode() + b"\n", "README.md": README, **LICENSES, **programs}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size = len(content)
            entry.mode = 0o755 if path in programs else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return f"invited-{name}-{VERSION}.tgz", gzip.compress(packed.getvalue(), mtime=0)


def npm_launcher():
    """The package that people name: it asks for that of each platform, and npm takes the one that fits."""
    return npm(
        "cli",
        {name: (HERE / "npm" / name).read_bytes() for name in ("invited.sh", "program.js")},
        bin={"invited": "invited.sh"},
        optionalDependencies={f"@invited/{name}": VERSION for name in PLATFORMS},
    )


def npm_platform(program, made_for):
    """The package with the program of one platform."""
    needs = {"os": [made_for.system], "cpu": [made_for.cpu]}
    if made_for.libc:
        needs["libc"] = [made_for.libc]
    return npm(made_for.name, {"invited": program}, **needs)


def main(binary, folder="target/packages"):
    program = pathlib.Path(binary).read_bytes()
    made_for = machine(program)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (wheel(program, made_for), npm_launcher(), npm_platform(program, made_for)):
        (folder / name).write_bytes(content)
        print(folder / name)


main(*sys.argv[1:])
