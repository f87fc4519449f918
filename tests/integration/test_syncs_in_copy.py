"""Syncs inside a COPY FROM STDIN: the server ignores them, but for those behind data that make it fail. Each answer comes, once."""
import pytest
from endpoint import USERS, Endpoint
from messages import COPY_DONE, SYNC, bind, copy_data, copy_fail, execute, parse, query
from oracle import transcript
from raw import RawClient

pytestmark = pytest.mark.pgswitch

SIMPLE = query("COPY copied (a) FROM STDIN")
EXTENDED = parse("COPY copied (a) FROM STDIN") + bind() + execute()
FAIL = copy_fail("no")
BAD, GOOD = copy_data(b"a\tb\n"), copy_data(b"a\n")
# What is sent, and how many ReadyForQuery PostgreSQL answers.
CASES = {
    "a Sync behind bad data": ((SIMPLE, BAD, SYNC), 2),
    "two Syncs behind bad data": ((SIMPLE, BAD, SYNC, SYNC), 3),
    "a Sync before bad data": ((SIMPLE, SYNC, BAD), 1),
    "a Sync behind the end of bad data": ((SIMPLE, BAD, COPY_DONE, SYNC), 2),
    "a Sync behind bad data, and their end": ((SIMPLE, BAD, SYNC, COPY_DONE), 2),
    "Syncs around the end of bad data": ((SIMPLE, BAD, SYNC, COPY_DONE, SYNC), 3),
    "a Sync among good data": ((SIMPLE, GOOD, SYNC, GOOD, SYNC, COPY_DONE), 1),
    "extended, a Sync behind bad data": ((EXTENDED, BAD, SYNC), 1),
    "extended, two Syncs behind bad data": ((EXTENDED, BAD, SYNC, SYNC), 2),
    "extended, Syncs around bad data": ((EXTENDED, SYNC, BAD, SYNC), 1),
    "extended, Syncs around the end of bad data": ((EXTENDED, BAD, SYNC, COPY_DONE, SYNC), 2),
    "extended, Syncs around good data": ((EXTENDED, SYNC, GOOD, SYNC, COPY_DONE, SYNC), 1),
    "a Sync before CopyFail": ((SIMPLE, GOOD, SYNC, FAIL), 1),
    "Syncs around CopyFail": ((SIMPLE, SYNC, FAIL, SYNC), 2),
    "a Sync between bad data and CopyFail": ((SIMPLE, BAD, SYNC, FAIL), 2),
    "extended, a Sync before CopyFail": ((EXTENDED, GOOD, SYNC, FAIL, SYNC), 1),
    "extended, Syncs around CopyFail": ((EXTENDED, SYNC, FAIL, SYNC), 1),
    "extended, Syncs between bad data and CopyFail": ((EXTENDED, BAD, SYNC, FAIL, SYNC), 2),
}


@pytest.fixture(scope="module")
def proxies(make_pooler, oltp):
    oltp.sql("SET ROLE app; CREATE TABLE IF NOT EXISTS copied (a text)", "app")
    settings = {"auth_type": "trust", "rules": None, "default_pool_size": 1}
    with make_pooler(pool_mode="transaction", **settings) as transaction, make_pooler(pool_mode="session", **settings) as session:
        yield {"transaction": Endpoint(transaction.port), "session": Endpoint(session.port)}
    oltp.sql("TRUNCATE copied", "app")


@pytest.fixture(autouse=True)
def tidy():
    """What is copied is read by nobody."""


def answers(endpoint, parts, ready, at_once):
    with RawClient(endpoint.port) as client:
        client.login("app", USERS["app"], database="app")
        for part in [b"".join(parts)] if at_once else parts:
            client.send(part)
        seen = [message for _ in range(ready) for message in client.read_until(b"Z")]
        client.send(query("SELECT 'the next'"))
        return transcript(seen + client.read_until(b"Z"))


@pytest.mark.parametrize("at_once", (True, False), ids=("at-once", "in-parts"))
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("mode", ("transaction", "session"))
def test_each_is_answered_as_by_postgresql(mode, name, at_once, proxies, direct):
    parts, ready = CASES[name]
    for _ in range(2):  # the second client finds the server as the first has left it
        assert answers(proxies[mode], parts, ready, at_once) == answers(direct, parts, ready, at_once)
