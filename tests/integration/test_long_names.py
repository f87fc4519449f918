"""Names longer than 63 bytes: cut, and told of (42622), where and as PostgreSQL does."""
import pytest
from endpoint import USERS
from messages import SYNC, bind, close, describe, execute, parse, query
from oracle import answers, both_modes, converse
from raw import RawClient

pytestmark = pytest.mark.pgswitch

LONG = "long_" * 14               # 70 bytes
WIDE = "x" + "\u00e4" * 34        # 63 bytes end inside no character
ODD = "\u00e4" * 35               # 63 bytes would end inside one
NAMES = {"long": LONG, "quoted": f'"{LONG}"', "wide": WIDE, "odd": ODD}


def bare(name):
    return name.strip('"')


def conversations(name):
    """Each step ends with one ReadyForQuery."""
    raw = bare(name)
    yield "prepare", [query(f"PREPARE {name} AS SELECT 1"), query(f"EXECUTE {name}"), query(f"PREPARE {name} AS SELECT 2"),
                      query(f"DEALLOCATE {name}"), query(f"EXECUTE {name}"), query(f"DEALLOCATE {name}")]
    yield "statement of the protocol", [
        parse("SELECT 1", raw) + SYNC, bind(statement=raw) + execute() + SYNC, query(f"EXECUTE {name}"), query(f"EXECUTE {name}; SELECT 2"),
        parse(f"EXECUTE {name}") + bind() + describe("P") + execute() + SYNC, parse("SELECT 2", raw) + SYNC,
        parse(f"DEALLOCATE {name}") + bind() + execute() + SYNC, query(f"EXECUTE {name}")]
    yield "deallocate of the protocol's", [parse("SELECT 1", raw) + SYNC, query(f"DEALLOCATE {name}"), bind(statement=raw) + SYNC]
    yield "close", [parse("SELECT 1", raw) + SYNC, close("S", raw) + SYNC, bind(statement=raw) + SYNC, describe("S", raw) + SYNC]
    yield "cut by the client", [parse("SELECT 1", raw) + SYNC, bind(statement=raw.encode()[:63].decode(errors="ignore")) + execute() + SYNC]
    yield "portal", [
        query("BEGIN"), parse("SELECT generate_series(1, 5)") + bind(portal=raw) + execute(raw, 2) + SYNC, query(f"FETCH 1 FROM {name}"),
        query(f"CLOSE {name}"), execute(raw) + SYNC, query("ROLLBACK")]
    yield "portal of nothing", [parse("") + bind(portal=raw) + execute(raw) + bind(portal=raw) + SYNC]
    yield "cursor", [
        query("BEGIN"), query(f"DECLARE {name} CURSOR FOR SELECT generate_series(1, 5)"), execute(raw, 1) + SYNC,
        query(f"MOVE 1 IN {name}"), query(f"CLOSE {name}"), query(f"CLOSE {name}"), query("ROLLBACK")]
    yield "held cursor", [
        query(f"DECLARE {name} CURSOR WITH HOLD FOR SELECT generate_series(1, 5)"), query(f"FETCH 1 FROM {name}"), execute(raw, 1) + SYNC,
        close("P", raw) + SYNC, query(f"FETCH 1 FROM {name}")]
    yield "savepoint", [
        query("BEGIN"), query(f"SAVEPOINT {name}"), query("SELECT 1"), query(f"SAVEPOINT {name}"), query(f"ROLLBACK TO {name}"),
        query(f"RELEASE {name}"), query("COMMIT")]
    yield "savepoint first", [query("BEGIN"), query(f"SAVEPOINT {name}"), query(f"ROLLBACK TO {name}"), query(f"RELEASE {name}"), query("COMMIT")]
    yield "savepoint extended", [
        query("BEGIN"), parse(f"SAVEPOINT {name}") + bind() + execute() + SYNC, parse(f"RELEASE {name}") + bind() + execute() + SYNC,
        query("COMMIT")]
    yield "unknown", [query(f"EXECUTE {name}"), query(f"DEALLOCATE {name}"), bind(statement=raw) + SYNC, execute(raw) + SYNC,
                      query("BEGIN"), query(f"FETCH {name}"), query("ROLLBACK")]
    yield "listen", [query(f"LISTEN {name}"), query(f"UNLISTEN {name}")]
    yield "setting", [query(f"SET {name} = 1"), query(f"SET my.{name} = 'x'"), query(f"SHOW my.{name}"), query(f"RESET my.{name}"), query(f"SHOW {name}")]
    yield "column", [query(f"SELECT 1 AS {name}"), parse(f"SELECT 2 AS {name}") + describe("S") + bind() + execute() + SYNC]
    yield "prepared transaction", [query("BEGIN"), query(f"PREPARE TRANSACTION '{raw}'"), query(f"ROLLBACK PREPARED '{raw}'")]
    yield "transaction", [query(f"BEGIN; SAVEPOINT {name}; COMMIT"), query(f"SET SESSION AUTHORIZATION {name}"), query(f"SET ROLE {name}")]


CASES = {f"{kind}: {what}": steps for kind, name in NAMES.items() for what, steps in conversations(name)}


@pytest.fixture(scope="module")
def proxies(make_pooler):
    with both_modes(make_pooler, rules=None) as both:
        yield both


@pytest.fixture(autouse=True)
def tidy():
    """Nothing to put in order: no conversation writes."""


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("mode", ("transaction", "session"))
def test_what_is_told_is_what_postgresql_tells(mode, name, proxies, direct):
    for pipelined in (False, True, False):
        seen, expected = (answers(endpoint, CASES[name], pipelined) for endpoint in (proxies[mode], direct))
        assert seen == expected, pipelined


@pytest.mark.parametrize("kind", NAMES)
def test_what_a_server_has_prepared_already_is_told_once(kind, proxies, direct):
    """A row of tests/README.md."""
    sql = f"SELECT 5 AS {NAMES[kind]}"
    steps = [parse(sql, "s") + describe("S", "s") + bind(statement="s") + execute() + SYNC]
    with RawClient(proxies["transaction"].port) as client:
        client.login("app", USERS["app"], database="app")
        first, second = (converse(client, steps + [close("S", "s") + SYNC])[0] for _ in range(2))
    expected = answers(direct, steps, False)[0]
    assert first == expected and expected[0][1]["C"] == "42622"
    assert second == expected[1:]
