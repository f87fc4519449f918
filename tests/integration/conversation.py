"""Conversations in PostgreSQL's protocol, written as text and told as text, to hold the proxy's answers against a server's own.

One message a line: `P name|sql`, `B portal|statement|parameter...`, `D S name`, `D P portal`, `E portal|rows`, `C S name`,
`C P portal`, `Q sql`, `d data`, `c`, `f reason`, `S`, `H`. The answers to a Sync or Query are read before the next line is sent
when `..` stands behind it; the last line is always waited for.
"""
import hashlib
import struct

from endpoint import USERS
from raw import RawClient, error_fields


def conversation(endpoint, text, user="md5user"):
    """What `endpoint` answers, one line for each message."""
    with RawClient(endpoint.port) as client:
        log_in(client, user)
        told, waiting = [], 0
        lines = [line.strip() for line in text.strip().splitlines()]
        for number, line in enumerate(lines):
            line, wait = line.removesuffix(".."), line.endswith("..") or number == len(lines) - 1
            client.send(encoded(line.strip()))
            waiting += line[0] in "SQ"
            while wait and waiting:
                kind, body = client.read()
                told.append(shown(kind, body))
                waiting = 0 if kind is None else waiting - (kind == b"Z")
        return told


def log_in(client, user):
    client.startup(user=user, database="app")
    kind, body = client.read()
    if (kind, body[:4]) == (b"R", struct.pack("!i", 5)):
        inner = hashlib.md5((USERS[user] + user).encode()).hexdigest()
        client.password("md5" + hashlib.md5(inner.encode() + body[4:]).hexdigest())
    assert client.read_until(b"Z")[-1][0] == b"Z"


def encoded(line):
    kind, rest = line[0], line[2:]
    parts = [part.encode() for part in rest.split("|")] + [b""] * 2
    if kind == "P":
        body = parts[0] + b"\0" + parts[1] + b"\0\0\0"
    elif kind == "B":
        values = parts[2:-2]
        body = parts[0] + b"\0" + parts[1] + b"\0\0\0" + struct.pack("!h", len(values))
        body += b"".join(struct.pack("!i", len(value)) + value for value in values) + b"\0\0"
    elif kind in "DC":
        body = rest[:1].encode() + rest[2:].encode() + b"\0"
    elif kind == "E":
        body = parts[0] + b"\0" + struct.pack("!i", int(parts[1] or 0))
    elif kind in "Qf":
        body = rest.encode() + b"\0"
    else:
        body = rest.encode()
    return kind.encode() + struct.pack("!i", 4 + len(body)) + body


def shown(kind, body):
    if kind is None:
        return "closed"
    if kind in b"EN":
        fields = error_fields(body)
        return " ".join([kind.decode(), *(fields[key] for key in "SCMDHP" if key in fields)])
    return f"{kind.decode()} {body!r}" if body else kind.decode()
