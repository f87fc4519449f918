-- Captured writes: every statement that may change tables, and all DDL, is told in the log, to be run again on another cluster.
-- now() makes the rule speak each time: what a rule says of a statement is remembered otherwise, and it is not asked again.
-- Routes: none. Put it behind the rules that decide, for the first that matches is the last that is asked.
local function tell(stmt, session)
  log(("captured %.3f %s: %s"):format(now(), session.user, stmt.text))
  return true
end

rules {
  {
    name = "captured",
    when = { kind = { "insert", "update", "delete", "merge", "copy_in", "utility", "unparsed" }, where = tell },
    pass = true,
  },
  {
    name = "captured, inside of a query",
    when = { kind = { "select", "explain", "copy_out" }, writes = "*", read_only = false, where = tell },
    pass = true,
  },
}
