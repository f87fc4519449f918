"""Bytes that no driver sends, and what a case is about. What PostgreSQL answers to them is asked at test time.

A case begins at a `Stage` of the connection. Unless it is `cut` (the client's side is closed behind the bytes) it ends with
the question whether anybody still answers. `differs` names a row of REASONS: why the answer is another one.
"""
from dataclasses import dataclass
from enum import Enum


class Stage(Enum):
    DOOR = "nothing was sent before"
    TLS = "TLS is up, nothing was sent inside"
    MD5 = "an MD5 password was asked for"
    PLAIN = "a password was asked for"
    SCRAM = "SASL was offered"
    PROOF = "the client's first SCRAM message was answered"
    SETTINGS = "the bytes are the start packet's parameters, and the password is right"
    READY = "logged in, ReadyForQuery"


@dataclass(frozen=True)
class Case:
    stage: Stage
    data: object
    cut: bool = False
    differs: str = None
    costs_its_server: bool = False


REASONS = {
    "gssapi": "GSSAPI encryption is refused with N, which every client must expect",
    "tls first": "bytes behind an SSLRequest are refused at once, by PostgreSQL after the TLS handshake",
    "newer": "protocol 3.2 is spoken, which PostgreSQL 15 does not know",
    "told": "a length that cannot be is told with FATAL 08P01; PostgreSQL writes it to its log and closes",
    "gone": "a client that has closed its side of the connection in the middle of its data is gone: nobody is told that they have no end",
    "flushed": "answers that wait in the output buffer at Terminate are sent; PostgreSQL drops them",
    "midway": "a large message streams through; who leaves in the middle of it costs the server connection that waits for the rest",
    "as sql": "settings reach the server in SQL, which has to be valid text",
}
