"""A mail server (aiosmtpd) that keeps what it accepts and can be told to misbehave: the peer of the trials in tests/mail.

    python mail_peer.py PORT MAILS CONTROL

It listens on 127.0.0.1:PORT. Each mail is a line of JSON in MAILS, on the disk before the mail is answered with 250:
messageId, from, to, subject (the headers), recipient (RCPT TO), text (the plain body, decoded), at (Unix seconds), raw.

CONTROL is a file that is read for every mail. It has words like `defer=0.1 drop=0.05 pause=0.2`: what happens to which share of the
mails. A word without a number is all of them. A word in the local part of the recipient has the same effect for that mail.

    refuse  550, for good        stall  no answer, until the client has gone
    defer   451, for now         drop   the connection ends before the mail is kept
    late    the connection ends after the mail is kept, without an answer
    pause   not a share: seconds before each mail is answered
"""

import asyncio
import email
import email.policy
import json
import os
import random
import sys
import time

from aiosmtpd.smtp import SMTP

FAULTS = ("refuse", "defer", "stall", "drop", "late")
ANSWERS = {"refuse": "550 5.7.1 Not taken", "defer": "451 4.3.0 Try again later"}


def read_control(path):
    """What CONTROL says: the share of mails by fault, and the pause."""
    try:
        with open(path, encoding="ascii") as file:
            words = file.read().split()
    except FileNotFoundError:
        return {}
    pairs = (word.partition("=") for word in words)
    return {name: float(number or 1) for name, _, number in pairs}


class Peer:
    """What aiosmtpd asks about each mail."""

    def __init__(self, mails, control):
        self.mails = open_mails(mails)
        self.control = control

    async def handle_RCPT(self, server, session, envelope, address, options):
        """Answers a recipient that is refused or put off by its name."""
        fault = named_fault(address)
        if fault in ANSWERS:
            return ANSWERS[fault]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        """Keeps the mail, unless something is to go wrong."""
        control = read_control(self.control)
        fault = named_fault(envelope.rcpt_tos[0]) or random_fault(control)
        await asyncio.sleep(control.get("pause", 0))
        if fault in ANSWERS:
            return ANSWERS[fault]
        if fault == "stall":
            await asyncio.Event().wait()
        if fault != "drop":
            self.keep(envelope)
        if fault in ("drop", "late"):
            server.transport.abort()
            raise ConnectionResetError
        return "250 OK"

    def keep(self, envelope):
        """Writes the mail down, and has it on the disk."""
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        text = message.get_body(("plain",))
        mail = {
            "messageId": message["Message-ID"],
            "from": message["From"],
            "to": message["To"],
            "subject": message["Subject"],
            "recipient": " ".join(envelope.rcpt_tos),
            "text": text.get_content() if text else "",
            "at": time.time(),
            "raw": envelope.original_content.decode("utf-8", "replace"),
        }
        self.mails.write(json.dumps(mail).encode() + b"\n")
        self.mails.flush()
        os.fsync(self.mails.fileno())


def open_mails(path):
    """The file of mails, without half a line that a killed peer left."""
    file = open(path, "ab+")
    file.seek(0)
    file.truncate(file.read().rfind(b"\n") + 1)
    return file


def named_fault(address):
    """The fault that the local part of an address asks for."""
    local = address.rpartition("@")[0]
    return next((fault for fault in FAULTS if fault in local), None)


def random_fault(control):
    """The fault that is this mail's lot."""
    lot = random.random()
    for fault in FAULTS:
        lot -= control.get(fault, 0)
        if lot < 0:
            return fault
    return None


async def main(port, mails, control):
    """Serves until killed."""
    loop = asyncio.get_running_loop()
    # Connections that end in the middle are what this is for.
    loop.set_exception_handler(lambda *_: None)
    peer = Peer(mails, control)
    server = await loop.create_server(lambda: SMTP(peer, hostname="peer.example", loop=loop), "127.0.0.1", int(port))
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
