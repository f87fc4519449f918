"""What Redshift lacks is SET by pgswitch alone: it takes the values that PostgreSQL takes, and refuses the others in its words."""
import psycopg
import pytest
from endpoint import Endpoint
from stand_in_proxy import databases, stand_in

pytestmark = pytest.mark.pgswitch

NAMES = ("work_mem", "maintenance_work_mem", "lock_timeout", "enable_seqscan", "jit", "client_min_messages", "synchronous_commit",
         "constraint_exclusion", "backslash_quote", "plan_cache_mode", "xmloption", "default_transaction_isolation", "default_toast_compression", "random_page_cost",
         "geqo_selection_bias", "vacuum_cost_delay", "recursive_worktable_factor", "from_collapse_limit", "min_parallel_table_scan_size", "backend_flush_after",
         "effective_cache_size", "tcp_keepalives_idle", "jit_above_cost", "hash_mem_multiplier", "bytea_output", "IntervalStyle", "gin_pending_list_limit")
VALUES = ("garbage", "-1", "0", "7", "1e3", "0x10", "12.7", " 64 kB ", "64kb", "1TB", "1MB", "99999999999", "3000000000kB", "2 min", "300us", "5parsecs", "kB", "on", "tr", "of",
          "YES", "t", "debug", "info", "partition", "read committed", "READ  COMMITTED", "1.5", "nan", "inf", "1e400", "-0.5", "postgres", "hex", "content")


@pytest.fixture(scope="module")
def redshift(analytics, place):
    with stand_in(analytics, place / "stand-in-values") as started:
        yield started


def told(connection, sql):
    try:
        connection.execute(sql)
    except psycopg.Error as error:
        return error.sqlstate, error.diag.message_primary, error.diag.message_hint
    return None


@pytest.mark.parametrize("factory", (psycopg.ClientCursor, psycopg.Cursor))
def test_values_are_judged_as_by_postgresql(start_proxy, analytics, redshift, factory):
    proxy = start_proxy(databases=databases(analytics, redshift), pool_mode="transaction", rules=None)
    wrong = []
    with proxy.connect(dbname="dw", cursor_factory=factory) as through, Endpoint(analytics.port).connect(cursor_factory=factory) as direct:
        for name in NAMES:
            for value in VALUES:
                sql = f"SET {name} = '{value}'"
                expected, seen = told(direct, sql), told(through, sql)
                kept_back = expected is None and seen and seen[0] == "0A000" and name in ("bytea_output", "IntervalStyle")
                if seen != expected and not kept_back:
                    wrong.append((sql, seen, expected))
            assert told(through, f"SET {name} TO DEFAULT") is None and told(through, f"RESET {name}") is None
    assert "\n".join(map(str, wrong)) == ""
