"""Conversations that nobody thought of are answered as PostgreSQL answers them, message by message.

PGSWITCH_CONVERSATIONS=first:last says which seeds are tried. A failure is told as short as it can be made.
"""
import os

import pytest
from endpoint import USERS, Endpoint
from messages import TERMINATE, query
from oracle import send, transcript
from random_conversation import conversation, shortened, shown
from raw import RawClient

pytestmark = pytest.mark.pgswitch
FIRST, LAST = map(int, os.environ.get("PGSWITCH_CONVERSATIONS", "0:150").split(":"))
MARK = "the end of the conversation"
HINT = " /* pgswitch: route=app.redshift */"
BLOCK = 50
WHOLE = {"": 0.95, HINT: 0.88}  # the least share of a block's conversations that is compared to the end


@pytest.fixture(autouse=True)
def tidy():
    """Nothing to put in order: what the conversations copy is read by nobody."""


@pytest.fixture(scope="module")
def talkers(make_pooler, oltp):
    """Pool mode -> a proxy with few servers, so that each is used by many."""
    oltp.sql("SET ROLE app; CREATE TABLE IF NOT EXISTS copied (a text)", "app")
    settings = {"auth_type": "trust", "rules": None, "default_pool_size": 2, "route_users": "app",
                "databases": {"app.redshift": f"host=127.0.0.1 port={oltp.port} dbname=app"}}  # the same data by another route
    with make_pooler(pool_mode="transaction", **settings) as transaction, make_pooler(pool_mode="session", **settings) as session:
        yield {"transaction": Endpoint(transaction.port), "session": Endpoint(session.port)}
    oltp.sql("TRUNCATE copied", "app")


def told(endpoint, steps, pipelined):
    """All that comes back, to a mark that is asked for at the end. Some steps end with more than one ReadyForQuery."""
    with RawClient(endpoint.port) as client:
        client.login("app", USERS["app"], database="app")
        seen = []
        for step in steps if not pipelined else [sum(steps, [])]:
            send(client, b"".join(data for _, data in step))
            if not pipelined:
                seen += client.read_until(b"Z")
        send(client, query("ROLLBACK") + query(f"SELECT '{MARK}'"))
        while seen[-1:] != [(None, b"")] and not any(kind == b"D" and MARK.encode() in body for kind, body in seen[-4:]):
            seen += client.read_until(b"Z")
        send(client, TERMINATE)
        return comparable(transcript(message for message in seen if message[0] is not None))


def without_oids(description):
    """A RowDescription without the tables' oids: a temporary table has a new one each time."""
    columns, at = [], 2
    while at < len(description):
        end = description.index(b"\0", at) + 1
        columns.append(description[at:end] + description[end + 4:end + 18])
        at = end + 18
    return columns


def comparable(messages):
    """Without what tests/README.md says is different."""
    status, told_so, refused = "I", [], False
    for message in messages:
        fields = message[1] if message[0] in ("E", "N") else {}
        if fields.get("M", "").startswith("skipping cleanup for portal"):
            continue
        if message[0] == "T":
            message = ("T", without_oids(message[1]))
        if message[0] == "Z":
            status, refused = message[1].decode(), False
        if status == "E" and (message[0] == "n" or fields.get("C") in ("42601", "25P02", "34000") or is_of_failed_portal(fields)):
            told_so += [] if refused else ["failed transaction"]
            refused = True
        elif not refused:
            told_so.append(message)
    return told_so


def is_of_failed_portal(fields):
    return fields.get("C") == "55000" and fields["M"].startswith("portal ") and fields["M"].endswith(" cannot be run")


def sets_and_goes_on(step):
    """A batch, which ends where its route changes, has set by then what is reported."""
    texts = [text for text, _ in step]
    return HINT in "".join(texts) and any("SESSION CHARACTERISTICS" in text for text in texts if text[0] == "P")


def is_forced_by_routes(message, steps):
    """What one server does in one transaction is refused where two would have to, and portals end where a batch changes the route."""
    if message[0] == "S" and message[1].startswith(b"default_transaction_read_only"):
        return any(map(sets_and_goes_on, steps))
    if message[0] != "E" or HINT not in shown(steps):
        return False
    return message[1].get("C") in ("34000", "42P03") or message[1].get("M", "").startswith("statements of one implicit transaction route to")


def describes_another(text):
    """A Parse of what has the columns of another statement, or of a cursor."""
    return text.startswith("P ") and text.split("|", 1)[-1].startswith(("EXECUTE", "FETCH"))


def described_alike(seen, expected, steps):
    """`seen`, but what Describe says of the columns of EXECUTE and FETCH (no parameters have they) is as `expected`."""
    if not any(describes_another(text) for step in steps for text, _ in step):
        return seen
    pairs = list(zip(seen, expected))
    for i in range(1, len(pairs)):
        if pairs[i - 1] == (("t", b"\0\0"), ("t", b"\0\0")) and all(message[0] in ("T", "n") for message in pairs[i]):
            seen[i] = expected[i]
    return seen


ANSWERS = {}  # what PostgreSQL says is asked once, for both pool modes


def of_postgresql(steps, pipelined, direct):
    said = (pipelined, shown(steps))
    if said not in ANSWERS:
        ANSWERS[said] = told(direct, steps, pipelined)
    return ANSWERS[said]


def compared(steps, pipelined, proxy, direct):
    """(the first answer that is another one, whether all were compared), twice: the second client finds what the first left on the server.
    Behind what the routes force the two tell of different sessions."""
    try:
        expected = of_postgresql(steps, pipelined, direct)
    except TimeoutError:  # a COPY that waits for data
        return None, False
    whole = True
    try:
        for _ in range(2):
            seen = described_alike(told(proxy, steps, pipelined), expected, steps)
            if seen == expected:
                continue
            place = next((i for i, pair in enumerate(zip(seen, expected)) if pair[0] != pair[1]), min(len(seen), len(expected)))
            if not any(is_forced_by_routes(message, steps) for message in seen[place:place + 1] + expected[place:place + 1]):
                return f"answer {place + 1}: {seen[place:place + 2]}\ninstead of {expected[place:place + 2]}\nbehind {seen[max(0, place - 3):place]}", False
            whole = False
    except TimeoutError:
        return "no answer", False
    return None, whole


def blocks():
    return [range(first, min(first + BLOCK, LAST)) for first in range(FIRST, LAST, BLOCK)]


@pytest.mark.parametrize("seeds", blocks(), ids=lambda seeds: f"{seeds.start}-{seeds.stop}")
@pytest.mark.parametrize("mode", ("transaction", "session"))
@pytest.mark.parametrize("hint", ("", HINT), ids=("one-route", "two-routes"))
def test_what_is_said_is_what_postgresql_says(hint, mode, seeds, talkers, direct):
    wrong, whole = [], 0
    for seed in seeds:
        for pipelined in (False, True):
            difference, to_the_end = compared(conversation(seed, hint), pipelined, talkers[mode], direct)
            whole += to_the_end
            if not difference:
                continue
            steps = shortened(conversation(seed, hint), lambda some: compared(some, pipelined, talkers[mode], direct)[0])
            wrong.append(f"seed {seed}{', pipelined' * pipelined}:\n{shown(steps)}\n{compared(steps, pipelined, talkers[mode], direct)[0]}")
    assert not wrong, "\n\n".join(wrong)
    assert whole >= WHOLE[hint] * 2 * len(seeds) or len(seeds) < BLOCK
