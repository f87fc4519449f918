-- The two hooks of pgbouncer-rr, as its rule files have them: a routing table of patterns, first match wins, and a rewrite that
-- replaces known queries. Python's module becomes a Lua file; names, arguments and results of the hooks stay the same.
-- In the ini file: rules_file = pgbouncer_rr.lua, and routes "app" and "app.redshift" in [databases].

local routing_table = {
  route = {
    { username = ".*", query = "events", dbkey = "app.redshift" },
    { username = "^app$", query = "sales", dbkey = "app.redshift" },
  },
  default = nil,
}

function routing_rules(username, query, in_transaction)
  for _, route in ipairs(routing_table.route) do
    if username:find(route.username) and query:find(route.query) then
      return route.dbkey
    end
  end
  return routing_table.default
end

local replacements = {
  { from = "^SELECT sum%(price%) FROM sales WHERE customer_id = (%d+)$",
    to = "SELECT coalesce(sum(price), 0) FROM sales WHERE customer_id = %1 AND price > 0" },
}

function rewrite_query(username, query, in_transaction)
  for _, replacement in ipairs(replacements) do
    local new_query, count = query:gsub(replacement.from, replacement.to)
    if count > 0 then
      return new_query
    end
  end
  return query
end
