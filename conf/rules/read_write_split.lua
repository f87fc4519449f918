-- Read/write split: queries that provably change nothing are read from a replica, as long as it is there.
-- A replica is late: who has written reads from the first server for some seconds, and a transaction stays where it began.
-- Routes: app.replica.
local late = 5  -- seconds

local function is_there()
  return routes["app.replica"].healthy
end

rules {
  { name = "its own writes", when = { wrote_within = late }, pass = true },
  {
    name = "reads",
    when = { kind = { "select", "copy_out" }, read_only = true, in_transaction = false, where = is_there },
    route = "app.replica",
  },
}
