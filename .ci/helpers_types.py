"""PYTHON helpers_types.py INVITED OPENAPI_TYPESCRIPT FOLDER: the types of the helpers for tests, from what the program says of its API.

FOLDER gets `python/src/invited_test/types.py` and `typescript/src/types.ts`, as `clients/` has them. PYTHON has
datamodel-code-generator, and OPENAPI_TYPESCRIPT is that program.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

# What the helpers return: an invitation, what is left of one for who accepts, and a mail.
SHOWN = ["Invitation", "AnsweredInvitation", "KeptMail"]
HEAD = ["Made by .ci/helpers_types.py from the OpenAPI documents of `invited openapi`.", "`.ci/helpers` compares."]


def document(invited, part):
    """One of the documents of the program, without examples."""
    words = [invited, "openapi", "--part", part]
    document = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    for schema in document["components"]["schemas"].values():
        schema.pop("examples", None)
    return document


def references(value):
    """The names of the schemas that a piece of a document refers to."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"].removeprefix("#/components/schemas/")
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from references(one)


def united(schemas, name, parts):
    """Adds the schema `name` for what is like any of `parts`: what all of them require is required. Returns a reference to it."""
    objects = [schemas[next(references(part))] for part in parts]
    assert all(one.get("type") == "object" for one in objects), objects
    properties = {}
    for key in dict.fromkeys(key for one in objects for key in one["properties"]):
        found = [one["properties"][key] for one in objects if key in one["properties"]]
        values = [resolved(schemas, one) for one in found]
        if len(found) == 1 or found[0].get("type") == "string":
            properties[key] = found[0]
        elif all("enum" in one or "const" in one for one in values):
            allowed = [word for one in values for word in one.get("enum", [one.get("const")])]
            properties[key] = {"type": "string", "enum": list(dict.fromkeys(allowed))}
        else:
            properties[key] = united(schemas, name + key.title(), found)
    required = [key for key in properties if all(key in one["required"] for one in objects)]
    described = " Or: ".join(one["description"] for one in objects)
    schemas[name] = {"type": "object", "description": described, "required": required, "properties": properties}
    return {"$ref": f"#/components/schemas/{name}"}


def resolved(schemas, schema):
    """What a schema is, or refers to."""
    return schemas[next(references(schema))] if "$ref" in schema else schema


def cut(api, dev):
    """A document of what is shown, and of all that this refers to."""
    schemas = {**api["components"]["schemas"]}
    for name, schema in dev["components"]["schemas"].items():
        assert schemas.setdefault(name, schema) == schema, f"{name} is another thing in `dev`"
    bodies = [hook["post"]["requestBody"]["content"]["application/json"]["schema"] for hook in api["webhooks"].values()]
    united(schemas, "InvitedEvent", bodies)
    names, left = set(), [*SHOWN, "InvitedEvent"]
    while left:
        name = left.pop()
        if name not in names:
            names.add(name)
            left += references(schemas[name])
    kept = {name: schemas[name] for name in sorted(names)}
    return {"openapi": api["openapi"], "info": api["info"], "paths": {}, "components": {"schemas": kept}}


def run(*words):
    """Runs a generator, which speaks only when it fails."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(done.stdout)


def main(invited, openapi_typescript, folder):
    """Makes both files."""
    python = Path(folder, "python/src/invited_test/types.py")
    typescript = Path(folder, "typescript/src/types.ts")
    for file in (python, typescript):
        file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "document.json")
        source.write_text(json.dumps(cut(document(invited, "api"), document(invited, "dev"))))
        run(
            *(sys.executable, "-m", "datamodel_code_generator", "--input", source, "--input-file-type", "openapi", "--output", python),
            *("--output-model-type", "typing.TypedDict", "--target-python-version", "3.11", "--enum-field-as-literal", "all"),
            *("--strict-refs", "--formatters", "builtin", "--use-double-quotes", "--disable-future-imports"),
            *("--use-schema-description", "--use-field-description", "--use-single-line-docstring"),
            *("--custom-file-header", "\n".join(f"# {line}" for line in HEAD)),
        )
        run(openapi_typescript, source, "--root-types", "--root-types-no-schema-prefix", "--output", typescript)
    head = "".join(f"// {line}\n" for line in HEAD)
    typescript.write_text(f"{head}{typescript.read_text().rstrip()}\n")


main(*sys.argv[1:])
