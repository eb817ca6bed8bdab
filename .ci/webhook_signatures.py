"""Verifies webhooks with Python's own library: python3 webhook_signatures.py FOLDER

Each NUMBER.json has the headers of a delivery and the secrets that must have signed it, NUMBER.body the body as it arrived.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import sys
import time

# How old a delivery may be in seconds, and how far ahead of the clock here.
TOLERANCE = 300


def sign(secret, message_id, timestamp, body):
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    assert secret.startswith("whsec_") and 24 <= len(key) <= 64, "the secret is not as the standard wants it"
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def verify(secret, headers, body, now):
    if abs(now - int(headers["webhook-timestamp"])) > TOLERANCE:
        return False
    expected = sign(secret, headers["webhook-id"], headers["webhook-timestamp"], body)
    return any(hmac.compare_digest(expected, given) for given in headers["webhook-signature"].split(" "))


def check(about, body):
    headers, secrets, now = about["headers"], about["secrets"], time.time()
    for secret in secrets:
        assert verify(secret, headers, body, now), "a secret does not verify it"
        assert not verify(secret, headers, body + b" ", now), "another body is verified"
        assert not verify(secret, headers, body, now + 2 * TOLERANCE), "it is verified when it is stale"
        assert not verify(secret, {**headers, "webhook-id": "msg_other"}, body, now), "another id is verified"
    stranger = "whsec_" + base64.b64encode(bytes(32)).decode()
    assert not verify(stranger, headers, body, now), "a secret of nobody verifies it"
    assert len(headers["webhook-signature"].split(" ")) == len(secrets), headers["webhook-signature"]
    event = json.loads(body)
    assert headers["content-type"] == "application/json", headers["content-type"]
    assert headers["webhook-id"] == "msg_" + event["data"]["id"], headers["webhook-id"]


def main():
    paths = sorted(pathlib.Path(sys.argv[1]).glob("*.json"))
    failed, rotated = 0, 0
    for path in paths:
        about = json.loads(path.read_bytes())
        rotated += len(about["secrets"]) > 1
        try:
            check(about, path.with_suffix(".body").read_bytes())
        except AssertionError as error:
            failed += 1
            print(f"{path.name}: {error}")
    print(f"{len(paths)} deliveries, {rotated} of them by two secrets, {failed} wrong")
    sys.exit(failed > 0 or len(paths) < 1000 or rotated < 100)


main()
