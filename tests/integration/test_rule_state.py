"""What rules know beside the statement and the session: the state of routes, and what they have told each other."""
import json

import pytest
from endpoint import WHO, failure, one
from launch import eventually
from test_cancel import in_background, sleeping

pytestmark = pytest.mark.pgswitch
STATE = """
function route(stmt, session)
  if stmt:touches("route_state") then
    local rows = {}
    for i, name in ipairs{ "app", "app.redshift" } do
      local r = routes[name]
      rows[i] = { name, r.kind, tostring(r.healthy), r.active, r.waiting, r.pool_size, r.median, r.p99 }
    end
    return answer{ columns = { "name", "kind", "healthy", "active", "waiting", "pool_size", "median", "p99" }, rows = rows }
  end
end
"""
QUOTA = """
function route(stmt, session)
  if not stmt:touches("sales") then return nil end
  local count = shared.add("sales by " .. session.user, 1, 3600)
  if count > 10 then return reject{ sqlstate = "53400", message = "that were 10 queries about sales in an hour" } end
  return "app.redshift"
end
"""
LEAST_BUSY = """
function route(stmt, session)
  if not stmt.read_only or stmt:touches("customers") then return nil end
  if routes["app"].active > routes["app.redshift"].active then return "app.redshift" end
end
"""


def states(connection):
    cursor = connection.execute("SELECT * FROM route_state")
    names = [column.name for column in cursor.description]
    return {row[0]: dict(zip(names, row)) for row in cursor.fetchall()}


@pytest.mark.parametrize("workers", (1, 2))
def test_rules_see_who_is_busy_on_whatever_worker(start_proxy, oltp, workers):
    proxy = start_proxy(rules=STATE, workers=workers, pool_mode="transaction", default_pool_size=2)
    with proxy.many(4) as clients, proxy.connect() as asking:
        assert states(asking)["app"]["pool_size"] == "2"
        eventually(lambda: int(states(asking)["app"]["active"]) == 0, what="nobody is busy")
        waits = [in_background(lambda c=c: failure(c, "SELECT pg_sleep(60)")) for c in clients[:3]]
        eventually(lambda: sleeping(oltp) == 2, what="two queries run")
        eventually(lambda: (states(asking)["app"]["active"], states(asking)["app"]["waiting"]) == ("2", "1"), what="and one waits")
        assert states(asking)["app.redshift"]["active"] == "0"
        for client in clients[:3]:
            client.cancel()
        for wait in waits:
            wait()
        eventually(lambda: (states(asking)["app"]["active"], states(asking)["app"]["waiting"]) == ("0", "0"), what="they have ended")


def test_rules_see_how_long_requests_take(start_proxy):
    proxy = start_proxy(rules=STATE, pool_mode="transaction")
    with proxy.connect() as client:
        for _ in range(20):
            one(client, "SELECT pg_sleep(0.02)")
        eventually(lambda: int(states(client)["app"]["median"]) >= 20_000, what="the median is known")
        assert int(states(client)["app"]["p99"]) >= int(states(client)["app"]["median"])
        assert states(client)["app.redshift"]["median"] == "0"


def test_a_route_whose_server_is_away_is_not_healthy(start_proxy, oltp):
    proxy = start_proxy(rules=STATE, pool_mode="transaction", databases={"app.redshift": "host=127.0.0.1 port=1 dbname=app"},
                        query_wait_timeout=2, server_login_retry=1)
    with proxy.connect() as client:
        assert states(client)["app.redshift"]["healthy"] == "true"
        with pytest.raises(Exception):
            proxy.connect(dbname="app.redshift").execute("SELECT 1")
        eventually(lambda: states(client)["app.redshift"]["healthy"] == "false", what="it is known to be away")
        assert states(client)["app"]["healthy"] == "true"
        proxy.console("PAUSE app")
        eventually(lambda: states(client)["app"]["healthy"] == "false", what="it is paused")
        proxy.console("RESUME app")
        eventually(lambda: states(client)["app"]["healthy"] == "true", what="it goes on")


@pytest.mark.parametrize("workers", (1, 2))
def test_a_quota_holds_over_workers_sessions_and_reloads(start_proxy, workers):
    proxy = start_proxy(rules=QUOTA, workers=workers, pool_mode="transaction")
    answers = []
    for number in range(14):
        with proxy.connect() as client:
            if number == 7:
                proxy.console("RELOAD")
            try:
                answers.append(one(client, f"SELECT {WHO} FROM sales WHERE id = {number + 1}"))
            except Exception as error:
                answers.append(error.sqlstate)
    assert answers == ["analytics"] * 10 + ["53400"] * 4, json.dumps(answers)
    with proxy.connect(user="other") as other:
        assert one(other, f"SELECT {WHO} FROM sales WHERE id = 1") == "analytics"


def test_the_least_busy_cluster_gets_what_any_can_do(start_proxy, oltp):
    proxy = start_proxy(rules=LEAST_BUSY, pool_mode="transaction")
    with proxy.many(2) as clients:
        assert one(clients[1], f"SELECT {WHO}") == "oltp"
        wait = in_background(lambda: failure(clients[0], "SELECT pg_sleep(60) FROM customers LIMIT 1"))
        eventually(lambda: sleeping(oltp) == 1 or one(clients[1], f"SELECT {WHO}") == "analytics", what="a query runs")
        eventually(lambda: one(clients[1], f"SELECT {WHO}") == "analytics", what="the other cluster is less busy")
        clients[0].cancel()
        wait()
        eventually(lambda: one(clients[1], f"SELECT {WHO}") == "oltp", what="it is not any more")
