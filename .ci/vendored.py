"""python3 .ci/vendored.py [--write]: the files that were made by others, in src/api/vendor, against the packages that they come from.

`vendor.json` there names each package with its version and the hash of its archive, and each file with its place in the package
and the hash of its content. A name that ends in .gz holds the content compressed. With --write the files and their hashes are
taken from the packages, at the versions that are named. Ends with 77 where the packages cannot be had.
"""
import base64
import gzip
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "src/api/vendor"
MANIFEST = FOLDER / "vendor.json"
WRITES = sys.argv[1:] == ["--write"]


def fetch(package, folder):
    """The archive of a package, as npm hands it out."""
    spec = f"{package['name']}@{package['version']}"
    words = ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", folder, spec]
    try:
        name = subprocess.run(words, check=True, capture_output=True, text=True, timeout=120).stdout.split()[-1]
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{spec} cannot be had: {getattr(error, 'stderr', '') or error}")
        sys.exit(77)
    return Path(folder) / name


def content(path):
    """The content of a vendored file."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def write(path, data):
    """Writes a vendored file. The same content becomes the same bytes."""
    path.write_bytes(gzip.compress(data, 9, mtime=0) if path.suffix == ".gz" else data)


def check(package, folder):
    """What is wrong with the files of a package."""
    archive = fetch(package, folder)
    digest = hashlib.sha512(archive.read_bytes()).digest()
    integrity = "sha512-" + base64.b64encode(digest).decode()
    if WRITES:
        package["integrity"] = integrity
    elif package["integrity"] != integrity:
        yield f"{archive.name} is another archive: {integrity}"
    with tarfile.open(archive) as members:
        for file in package["files"]:
            path, published = FOLDER / file["path"], members.extractfile("package/" + file["from"]).read()
            if WRITES:
                write(path, published)
                file["sha256"] = hashlib.sha256(published).hexdigest()
            if content(path) != published:
                yield f"{file['path']} is not {file['from']} of {package['name']} {package['version']}"
            if hashlib.sha256(published).hexdigest() != file["sha256"]:
                yield f"{file['path']} has another hash"


manifest = json.loads(MANIFEST.read_text())
with tempfile.TemporaryDirectory() as scratch:
    wrong = [line for package in manifest["packages"] for line in check(package, scratch)]
if WRITES:
    MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n")
for line in wrong:
    print(line)
files = sum(len(package["files"]) for package in manifest["packages"])
print(f"{files} files of {len(manifest['packages'])} packages, {len(wrong)} wrong")
sys.exit(1 if wrong else 0)
