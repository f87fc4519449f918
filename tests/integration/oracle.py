"""What a server answers to given bytes, in a form that two servers' answers can be compared in."""
import socket
import struct
from contextlib import contextmanager

from endpoint import USERS, Endpoint
from raw import RawClient, error_fields

# Where in the server's source an error was raised (F, L, R) is nobody's promise.
_COMPARED = "SVCMDHPpqWstcdn"


def send(client, data):
    """Sends what can be sent: the other side may have closed before it has read everything."""
    try:
        client.send(data)
    except (BrokenPipeError, ConnectionResetError):
        pass


def cut(client):
    try:
        client.socket.shutdown(socket.SHUT_WR)
    except OSError:  # the other side has closed already
        pass


def read_to_end(client):
    """All messages until the other side closes. TimeoutError when it does not."""
    return [message for message in client.read_until() if message[0] is not None]


def told(message):
    """A message without what may differ between any two connections."""
    kind, body = message
    if kind in (b"E", b"N"):
        fields = error_fields(body)
        return kind.decode(), {key: fields[key] for key in _COMPARED if key in fields}
    if kind == b"R":
        code = struct.unpack("!i", body[:4])[0]
        return "R", code, body[4:] if code == 10 else b""
    if kind == b"K":
        return ("K",)
    if kind == b"S":  # ParameterStatus
        return "S", body
    if kind == b"A":
        return "A", body[4:]
    return kind.decode("latin1"), body


def transcript(messages):
    """ParameterStatus messages come in any order."""
    seen, statuses = [], []
    for message in map(told, messages):
        if message[0] == "S":
            statuses.append(message)
            continue
        seen += sorted(statuses) + [message]
        statuses = []
    return seen + sorted(statuses)


def converse(client, steps, pipelined=False):
    """What the steps are answered; each ends with exactly one ReadyForQuery. pipelined: all are sent before anything is read."""
    seen = []
    if pipelined:
        send(client, b"".join(steps))
    for step in steps:
        if not pipelined:
            send(client, step)
        seen.append(transcript(message for message in client.read_until(b"Z") if message[0] is not None))
    return seen


def answers(endpoint, steps, pipelined=False):
    """What a client of its own, which logs in as app, is answered."""
    with RawClient(endpoint.port) as client:
        client.login("app", USERS["app"], database="app")
        return converse(client, steps, pipelined)


@contextmanager
def both_modes(make_pooler, **settings):
    """Pool mode -> a proxy that trusts everybody."""
    settings = {"auth_type": "trust", "default_pool_size": 2, **settings}
    with make_pooler(pool_mode="transaction", **settings) as transaction, make_pooler(pool_mode="session", **settings) as session:
        yield {"transaction": Endpoint(transaction.port), "session": Endpoint(session.port)}
