"""Clients of the stand-in for Redshift, without pgswitch: psycopg, and one that sees each message."""
from contextlib import contextmanager

import psycopg
from raw import RawClient, error_fields

SYNC = b"S\0\0\0\4"


def connect(stand_in, **more):
    return psycopg.connect(host="127.0.0.1", port=stand_in.port, user="app", dbname="app", client_encoding="utf8", prepare_threshold=None,
                           autocommit=True, **{"password": "app-secret", **more})


@contextmanager
def raw(stand_in, **parameters):
    """A RawClient behind its login, and what the login said: [(type, body)]."""
    with RawClient(stand_in.port) as client:
        client.startup(user="app", database="app", **parameters)
        seen = client.read_until(b"Z")
        assert seen[-1] == (b"Z", b"I"), seen
        yield client, seen


def ask(client, *messages, until=b"Z"):
    client.send(b"".join(messages))
    return client.read_until(until)


def kinds(seen):
    return b"".join(kind or b"" for kind, _ in seen).decode()


def error_of(seen):
    fields = [error_fields(body) for kind, body in seen if kind == b"E"]
    assert len(fields) == 1, seen
    return fields[0]["C"], fields[0]["M"]


def tags(seen):
    return [body.rstrip(b"\0").decode() for kind, body in seen if kind == b"C"]
