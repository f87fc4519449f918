"""Bytes that no driver sends, and what a case is about. What PostgreSQL answers to them is asked at test time.

A case begins at a `Stage` of the connection. Unless it is `cut` (the client's side is closed behind the bytes) it ends with
the question whether anybody still answers. `differs` names a row of REASONS: why the answer is another one, and which.
"""
import struct
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile
from typing import Callable


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


def fatal(message, sqlstate="08P01"):
    """The one answer of who gives up: FATAL, and the connection is closed."""
    return [("E", {"S": "FATAL", "V": "FATAL", "C": sqlstate, "M": message})]


def told_of_the_length(theirs, _):
    """All that is said before it is given up: PostgreSQL's first error tells of a COPY or a login that has no end."""
    return [*takewhile(lambda message: message[0] != "E", theirs), *fatal("invalid message length")]


def refused_at_once(_, data):
    minor, = struct.unpack("!H", data[6:8])
    return fatal(f"received unencrypted data after {'SSL' if minor == 5679 else 'GSSAPI encryption'} request")


def in_protocol_3_2(theirs, data):
    """PostgreSQL 15 names 3.0 as the newest version, whether it refuses a client or lets it in: to 3.1 and 3.2 there is nothing to say."""
    asked = struct.unpack("!HH", data[4:8])
    answer = []
    for kind, *rest in theirs:
        if kind == "E":
            rest = [{**rest[0], "M": rest[0]["M"].replace("supports 3.0 to 3.0", "supports 3.0 to 3.2")}]
        if kind == "v":
            rest = [struct.pack("!HH", 3, 2) + rest[0][4:]]
        if kind != "v" or asked > (3, 2):
            answer.append((kind, *rest))
    return answer


@dataclass(frozen=True)
class Reason:
    why: str
    answer: Callable  # what PostgreSQL answers, what the case sends -> what is answered instead
    in_time: bool = True  # or the client may be seen to be gone before it is answered


REASONS = {
    "gssapi": Reason("GSSAPI encryption is refused with N, which every client must expect", lambda theirs, _: [b"N"]),
    "at once": Reason("bytes behind an SSLRequest or GSSENCRequest are refused at once, by PostgreSQL after the handshake", refused_at_once),
    "body": Reason("an SSLRequest with more than its code is a bad packet; PostgreSQL does not look at its length", lambda *_: []),
    "newer": Reason("protocol 3.2 is spoken, which PostgreSQL 15 does not know", in_protocol_3_2),
    "told": Reason("a length that cannot be is told with FATAL 08P01; PostgreSQL writes it to its log and closes", told_of_the_length),
    "gone": Reason("a client that has closed its side of the connection in the middle of its data is gone: nobody is told that they have no end",
                   lambda theirs, _: theirs[:1]),
    "flushed": Reason("answers that wait in the output buffer at Terminate are sent; PostgreSQL drops them",
                      lambda theirs, _: [("1", b""), ("2", b""), ("D", b"\0\1\0\0\0\0011"), ("C", b"SELECT 1\0")]),
    "midway": Reason("a large message streams through; who leaves in the middle of it costs the server connection that waits for the rest",
                     lambda theirs, _: theirs[:1], in_time=False),
    "as sql": Reason("settings reach the server in SQL, which has to be valid text",
                     lambda theirs, _: theirs[:1] + fatal('invalid byte sequence for encoding "UTF8": 0xff', "22021")),
}
