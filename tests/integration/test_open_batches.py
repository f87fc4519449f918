"""Batches that are not ended as drivers end them: what is not synced is not committed, and nothing waits for ever."""
import pytest
from conftest import TEST_RULES
from endpoint import WHO, one
from launch import eventually
from raw import RawClient, error_fields

pytestmark = pytest.mark.pgswitch


@pytest.fixture
def proxy(start_proxy):
    return start_proxy(rules=TEST_RULES, auth_type="trust", pool_mode="transaction", default_pool_size=2)


@pytest.fixture
def raw(proxy):
    with RawClient(proxy.port) as client:
        client.startup(user="app", database="app")
        assert client.read_until(b"Z")[-1][0] == b"Z"
        yield client


def execute(client, sql):
    client.message(b"P", b"\0" + sql.encode() + b"\0\0\0")
    client.message(b"B", b"\0\0\0\0\0\0\0\0")
    client.message(b"E", b"\0\0\0\0\0")


def query(client, sql):
    client.message(b"Q", sql.encode() + b"\0")


def kinds(messages):
    return b"".join(kind or b"?" for kind, _ in messages)


def sqlstates(messages):
    return [error_fields(body)["C"] for kind, body in messages if kind == b"E"]


@pytest.mark.parametrize("ending", (b"", b"H", b"X", b"HX"))
def test_what_was_not_synced_is_not_committed_when_the_client_goes(raw, proxy, ending):
    execute(raw, f"INSERT INTO written (what) VALUES ('unsynced {ending.decode()}')")
    for kind in ending:
        raw.message(bytes([kind]))
    if b"H" in ending:
        raw.read_until(b"C")
    raw.close()
    with proxy.connect() as watcher:
        eventually(lambda: one(watcher, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'INSERT INTO written%'"
                                        " AND state NOT IN ('idle')") == 0)
        assert one(watcher, "SELECT count(*) FROM written WHERE what LIKE 'unsynced%'") == 0


@pytest.mark.parametrize("sql", ("commit", "begin; select 3; commit", "select 1; select count(*) from sales", "select 1"))
def test_a_query_behind_an_open_batch_is_answered(raw, sql):
    execute(raw, "SELECT 1")
    query(raw, sql)
    seen = raw.read_until(b"Z")
    assert kinds(seen).startswith(b"12DC") and seen[-1][0] == b"Z"


@pytest.mark.parametrize("sql", ("commit", "begin", "discard all", "deallocate all", "select count(*) from sales", "select 1"))
def test_a_query_behind_a_failed_batch_is_skipped_up_to_the_sync(raw, sql):
    execute(raw, "SELECT nonsense")
    query(raw, sql)
    raw.message(b"S")
    query(raw, "SELECT 7")
    assert kinds(raw.read_until(b"Z")) == b"EZ"
    assert kinds(raw.read_until(b"Z")) == b"TDCZ"


def test_a_sync_with_a_body_is_an_error_and_a_sync(raw):
    raw.message(b"S", b"x")
    assert sqlstates(raw.read_until(b"Z")) == ["08P01"]
    query(raw, "SELECT 1")
    assert kinds(raw.read_until(b"Z")) == b"TDCZ"


def test_what_follows_a_commit_in_a_query_string_goes_where_it_belongs(raw):
    query(raw, f"begin; select 1; commit; select {WHO}, count(*) from sales")
    seen = raw.read_until(b"Z")
    assert sqlstates(seen) == []
    assert b"analytics" in seen[-3][1]


def test_the_next_statement_is_told_that_its_transaction_lost_the_server(raw, proxy, oltp):
    query(raw, "begin")
    raw.read_until(b"Z")
    query(raw, "select pg_backend_pid()")
    pid = int(raw.read_until(b"Z")[1][1][6:])
    assert oltp.sql(f"SELECT pg_terminate_backend({pid})") == "t"
    with proxy.connect() as watcher:
        eventually(lambda: not any(row[0] == pid for row in watcher.execute("SELECT pid FROM pg_stat_activity")))
    query(raw, "select 1")
    seen = raw.read_until(b"Z")
    assert sqlstates(seen)[0] in ("57P01", "08006") and seen[-1][1] == b"E"
    query(raw, "select 1")
    assert sqlstates(raw.read_until(b"Z")) == ["25P02"]
    query(raw, "rollback")
    assert kinds(raw.read_until(b"Z")) == b"CZ"


def test_an_update_of_pg_settings_reaches_nobody_else(proxy):
    with proxy.connect() as author:
        author.execute("UPDATE pg_settings SET setting = '17408' WHERE name = 'work_mem'")
    with proxy.many(4) as others:
        assert {one(other, "SELECT current_setting('work_mem')") for other in others} == {"4MB"}
