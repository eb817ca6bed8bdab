"""Requests of every kind, and what is raised of their responses."""

from typing import Any

import pytest

from invited_test import Invited, InvitedError

PATH = "/v1/organizations/hooli/invitations"
ADA = {"email": "ada@example.com", "role": "member"}


def error_of(invited: Invited, *request: Any) -> InvitedError:
    """The error of a request that fails."""
    with pytest.raises(InvitedError) as caught:
        invited.request(*request)
    return caught.value


def test_an_error_is_raised_with_its_code(invited: Invited) -> None:
    error = error_of(invited, "POST", PATH, {"email": "nonsense", "role": "member"})
    assert (error.status, error.code) == (422, "validation_failed")
    assert str(error).startswith("422 validation_failed: email: ")


def test_an_error_of_the_dialect_is_raised_with_its_code_and_its_text(invited: Invited) -> None:
    nobody = "/clickhouse/v1/organizations/019a0c5e-7b1c-7cc3-98c4-dc0c0c073990"
    error = error_of(invited, "GET", nobody)
    assert error.code == "NOT_FOUND"
    assert str(error) == "404 NOT_FOUND: There is no such organization."
    error = error_of(invited, "POST", "/clickhouse/v1/nothing", {})
    assert str(error) == f"404 {error.problem['error']}"


def test_an_error_without_json_is_raised_with_its_status_and_its_text(invited: Invited) -> None:
    error = error_of(invited, "HEAD", "/v1/nothing")
    assert (error.status, error.code, str(error)) == (404, "", "404")
    error = error_of(invited, "GET", "/nothing", None, {"Accept": "text/html"})
    assert error.code == ""
    assert str(error).lower().startswith("404 <!doctype html>")


def test_what_is_no_json_is_returned_as_text(invited: Invited) -> None:
    assert invited.request("GET", "/metrics").startswith("# HELP ")
    invited.invite("hooli", "ada@example.com")
    mail = invited.mail("ada@example.com")
    assert invited.request("GET", f"/dev/mailbox/{mail.id}/text") == mail.text
    assert invited.request("GET", f"/dev/mailbox/{mail.id}/html") == mail.html


@pytest.mark.parametrize("name", ["ä", "a b", "a%20b", "a<b", "日本"])
def test_a_path_is_encoded_where_that_is_needed(invited: Invited, name: str) -> None:
    assert error_of(invited, "GET", f"/v1/organizations/{name}?a=ä b").code
    assert invited.request("GET", "/v1/organizations/acme/invitations?q=ä") == []


def test_a_request_has_the_headers_that_are_given(invited: Invited) -> None:
    limited = {"name": "reader", "scopes": ["invitations:read"]}
    key = invited.request("POST", "/v1/keys", limited)["key"]
    reader = {"authorization": f"Bearer {key}"}
    refused = error_of(invited, "POST", PATH, ADA, reader)
    assert (refused.status, refused.code) == (403, "insufficient_scope")
    assert invited.request("GET", PATH, headers=reader) == []
    once = {"Idempotency-Key": "once"}
    made = invited.request("POST", PATH, ADA, once)
    assert invited.request("POST", PATH, ADA, once) == made
    lines = {"content-type": "application/x-ndjson"}
    seeded = invited.request("POST", "/dev/seed", {"organization": {"id": "globex"}}, lines)
    assert seeded == {"organizations": 1, "invitations": 0}


def test_a_response_is_had_with_its_status_and_its_headers(invited: Invited) -> None:
    # A mail that is sent in between would be another version.
    made = invited.send("POST", PATH, {**ADA, "notify": False})
    place = made.headers["location"]
    assert (made.status, place) == (201, f"{invited.url}{PATH}/{made.body['id']}")
    etag = made.headers["ETag"]
    same = invited.send("GET", place, headers={"If-None-Match": etag})
    assert (same.status, same.body) == (304, None)
    invited.request("PATCH", place, {"role": "admin"}, {"If-Match": etag})
    stale = error_of(invited, "PATCH", place, {"role": "admin"}, {"If-Match": etag})
    assert stale.status == 412
    assert "problem" in stale.headers["Content-Type"]
    invited.invite("hooli", "grace@example.com")
    page = invited.send("GET", f"{PATH}?limit=1")
    rest, _, relation = page.headers["Link"].partition(">; ")
    assert relation == 'rel="next"'
    listed = page.body + invited.request("GET", rest.removeprefix("<"))
    assert {one["email"] for one in listed} == {"ada@example.com", "grace@example.com"}
