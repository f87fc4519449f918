"""Rules that loop, allocate, throw, and answer nonsense: each statement that meets them is refused or passed, as the policy says, and nobody else notices."""
import pytest
from endpoint import failure, one
from faults import is_unhurt, resident_kb

pytestmark = [pytest.mark.pooler, pytest.mark.pgswitch]
RULES = """
local wrong = {
  loops = function() while true do end end,
  recurses = function() local function again() return 1 + again() end return again() end,
  allocates = function() return ("x"):rep(1e8) end,
  throws = function() error("thrown on purpose") end,
  throws_a_table = function() error({}) end,
  is_nonsense = function() return 5 end,
  goes_nowhere = function() return "no_such_route" end,
  survives_its_budget = function() while true do pcall(function() while true do end end) end end,
}
function route(stmt, session)
  for table, act in pairs(wrong) do
    if stmt:touches(table) then return act() end
  end
  if stmt:touches("sales") then return "app.redshift" end
end
"""
WRONG = {"loops": "instruction budget is used up", "recurses": "instruction budget is used up", "allocates": "memory", "throws": "thrown on purpose",
         "throws_a_table": "error object is a table value", "is_nonsense": "not a number", "goes_nowhere": "no route named",
         "survives_its_budget": "instruction budget is used up"}
TIMES = 5


def errors(proxy):
    return sum(row["errors"] for row in proxy.console("SHOW ROUTES") if row["kind"] == "rule")


@pytest.mark.parametrize("policy", ("reject", "default"))
def test_a_rule_that_fails_in_any_way_is_refused_or_passed_counted_and_told_and_hurts_nobody(start_proxy, oltp, analytics, policy):
    proxy = start_proxy(rules=RULES, rules_on_error=policy, pool_mode="transaction", default_pool_size=2, workers=1)
    with proxy.connect() as client, proxy.connect() as other:
        one(client, "SELECT 1")
        before = resident_kb(proxy.pooler.pid)
        for number, (name, reason) in enumerate(WRONG.items(), 1):
            for time in range(TIMES):
                error = failure(client, f"SELECT {time} FROM {name}")  # no such table: where the statement is passed its server says so
                assert error.sqlstate == ("XX000" if policy == "reject" else "42P01")
                assert policy == "default" or reason in error.diag.message_detail
                assert one(other, f"SELECT current_setting('cluster_name') || {time} FROM sales LIMIT 1") == f"analytics{time}"
            assert errors(proxy) == number * TIMES
        proxy.pooler.expect_log("rule failed")
        assert resident_kb(proxy.pooler.pid) - before < 64 * 1024, "a Lua state has rules_memory (16 MB) at most"
    is_unhurt(proxy, oltp, analytics)


def test_a_rule_that_fails_in_a_transaction_fails_that_and_no_other(start_proxy):
    proxy = start_proxy(rules=RULES, pool_mode="transaction", default_pool_size=1)
    with proxy.connect() as client, proxy.connect() as other:
        client.execute("BEGIN")
        client.execute("INSERT INTO written (what) VALUES ('lost')")
        assert failure(client, "SELECT * FROM loops").sqlstate == "XX000"
        assert failure(client, "SELECT 1").sqlstate == "25P02"
        client.execute("COMMIT")
        assert one(other, "SELECT count(*) FROM written") == 0
