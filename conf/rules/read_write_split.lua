-- Read/write split: queries that provably change nothing are read from a replica, as long as it is there.
-- A replica is late: what has to see its own writes at once belongs into a transaction, which stays where it began.
-- Routes: app.replica.
local function is_there()
  return routes["app.replica"].healthy
end

rules {
  {
    name = "reads",
    when = { kind = { "select", "copy_out" }, read_only = true, in_transaction = false, where = is_there },
    route = "app.replica",
  },
}
