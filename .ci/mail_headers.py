"""Reads mails with Python's own parser: python3 mail_headers.py FOLDER

Each must be one mail from one sender to one recipient, with a text and an HTML body, and with no other link than its own.
"""

import email
import email.policy
import html.parser
import pathlib
import re
import sys

# What every mail has exactly once, and nothing besides.
HEADERS = ["auto-submitted", "content-type", "date", "from", "message-id", "mime-version", "subject", "to"]
# Elements that the templates use.
TAGS = {"html", "head", "meta", "title", "style", "body", "div", "p", "a", "strong", "bdi", "blockquote", "br", "table", "tr", "td", "font"}
# What mail programs make a link of.
LINKS = re.compile(r"\w+://\S+|\bwww\.\w+|\bmailto:\w+|\b[\w.+-]+@[\w-]+\.\w+|\b[\w-]+\.(?:test|com)\b", re.IGNORECASE)


class Body(html.parser.HTMLParser):
    """Collects the links and the text of an HTML body, and refuses elements that are none of ours."""

    def __init__(self):
        super().__init__()
        self.links, self.text = set(), ""

    def handle_starttag(self, tag, attributes):
        assert tag in TAGS, f"element {tag}"
        assert all(not name.startswith("on") for name, _ in attributes), f"attributes {attributes}"
        self.links.update(value for name, value in attributes if name in ("href", "src"))

    def handle_data(self, data):
        self.text += data


def check(raw):
    mail = email.message_from_bytes(raw, policy=email.policy.SMTP)
    assert sorted(name.lower() for name in mail.keys() if name.lower() != "reply-to") == HEADERS, mail.keys()
    assert len(mail.get_all("reply-to", [])) <= 1, mail.keys()
    assert not mail.defects, mail.defects
    for name in ("from", "to"):
        assert len(mail[name].addresses) == 1, mail[name]
        assert not mail[name].defects, mail[name].defects
    assert mail["from"].addresses[0].addr_spec == "invitations@acme.test", mail["from"]
    assert mail["to"].addresses[0].addr_spec.endswith("@example.com"), mail["to"]
    assert mail["to"].addresses[0].display_name == "", mail["to"]
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]", mail["subject"]), mail["subject"]
    assert mail.get_content_type() == "multipart/alternative", mail.get_content_type()
    parts = list(mail.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"], parts
    assert all(not part.defects and sorted(part.keys()) == ["Content-Transfer-Encoding", "Content-Type"] for part in parts)
    text, body = parts[0].get_content(), Body()
    body.feed(parts[1].get_content())
    links = set(LINKS.findall(text)) | set(LINKS.findall(body.text)) | body.links
    # The invited address is no link of ours, but some programs make one of it.
    links = {link for link in links if not link.endswith("@example.com") and link != "example.com"}
    assert len(links) <= 1 and all("/accept#ivm_" in link for link in links), links


def main():
    paths = sorted(pathlib.Path(sys.argv[1]).glob("*.eml"))
    failed = 0
    for path in paths:
        try:
            check(path.read_bytes())
        except AssertionError as error:
            failed += 1
            print(f"{path.name}: {error}")
    print(f"{len(paths)} mails, {failed} wrong")
    # Forty payloads in each of four kinds, and those that came through the API.
    sys.exit(failed > 0 or len(paths) < 200)


main()
