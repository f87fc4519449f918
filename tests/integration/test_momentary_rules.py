"""Rules whose answer depends on the moment are asked once for a statement, in each protocol."""
import pytest
from endpoint import WHO, failure, one
from test_observe import PROTOCOLS

pytestmark = pytest.mark.pgswitch
TURNS = """
function route(stmt, session)
  if stmt:calls("current_setting") then
    metric("asked")
    return shared.add("turn", 1, 86400) % 2 == 0 and "app" or "app.redshift"
  end
end
"""
QUOTA = """
function route(stmt, session)
  if stmt:touches("customers") and shared.add("quota " .. session.user, 1, 60) > 3 then return reject "enough" end
end
"""


@pytest.fixture(params=(1, 2), ids=("1-worker", "2-workers"))
def workers(request):
    return request.param


@pytest.mark.parametrize("protocol", ("simple", "extended"))
def test_clusters_take_turns(start_proxy, workers, protocol):
    proxy = start_proxy(rules=TURNS, workers=workers)
    with proxy.connect(**PROTOCOLS[protocol]) as connection:
        seen = [one(connection, f"SELECT {WHO} WHERE %s > 0", (n,)) for n in range(1, 11)]
    assert sorted(seen) == ["analytics"] * 5 + ["oltp"] * 5
    assert seen[0] != seen[1]
    assert [row["value"] for row in proxy.console("SHOW METRICS")] == [10]


def test_a_prepared_statement_is_decided_for_each_execution(start_proxy, workers):
    proxy = start_proxy(rules=TURNS, workers=workers)
    with proxy.connect(prepare_threshold=0) as connection:
        seen = [one(connection, f"SELECT {WHO} WHERE %s > 0", (n,)) for n in range(1, 11)]
        assert set(seen) == {"analytics", "oltp"}
        with connection.pipeline():
            cursors = [connection.execute(f"SELECT {WHO} WHERE %s > 0", (n,)) for n in range(1, 11)]
            assert {cursor.fetchone()[0] for cursor in cursors} <= {"analytics", "oltp"}


@pytest.mark.parametrize("protocol", ("simple", "extended"))
def test_a_quota_is_used_up_by_statements_and_not_by_messages(start_proxy, workers, protocol):
    proxy = start_proxy(rules=QUOTA, workers=workers)
    with proxy.connect(**PROTOCOLS[protocol]) as connection:
        for n in range(3):
            assert one(connection, "SELECT count(*) FROM customers WHERE id > %s", (n,)) > 0
            proxy.console("SHOW ROUTE 'SELECT * FROM customers' USER app DATABASE app")  # asks, and uses up nothing
        assert failure(connection, "SELECT count(*) FROM customers WHERE id > %s", (1,)).diag.message_primary == "enough"
