"""Logins by hand: what a client is asked, and how it ends."""
import struct
from typing import NamedTuple

from raw import RawClient, error_fields

ASKED = {0: "nothing", 3: "password", 5: "md5", 10: "scram"}


class Outcome(NamedTuple):
    """`asked`: which proof, or "refused" before any. `sqlstate` 00000: it is in, and `message` is who it is at the server."""
    asked: str
    sqlstate: str
    message: str


class _Client(RawClient):
    asked = ""

    def read(self):
        kind, body = super().read()
        if kind == b"R" and not self.asked:
            self.asked = ASKED[struct.unpack("!i", body[:4])[0]]
        return kind, body


def log_in(port, user, password="none", database="app", unix=None, tls=None, query="SELECT current_user", header=b""):
    """unix: path of a socket in place of the port; tls: an SSLContext; header: what is sent in front. `query` is run when the client is in."""
    with _Client(port, unix=unix) as client:
        client.send(header)
        if tls:
            client.send(struct.pack("!ii", 8, 80877103))
            assert client.socket.recv(1) == b"S"
            client.start_tls(tls)
        client.startup(user=user, database=database)
        kind, body = client.answer_password_request(user, password)
        if kind == b"R":
            kind, body = next(message for message in client.read_until(b"Z", b"E") if message[0] in (b"Z", b"E", None))
        if kind == b"Z":
            client.message(b"Q", query.encode() + b"\0")
            answers = dict(client.read_until(b"Z"))
            kind, body = (b"E", answers[b"E"]) if b"E" in answers else (b"D", answers.get(b"D", b""))
        if kind == b"D":
            return Outcome(client.asked, "00000", body[6:].decode() if query == "SELECT current_user" else "")
        fields = error_fields(body)
        return Outcome(client.asked or "refused", fields.get("C", "closed"), fields.get("M", "closed"))
