-- A/B test of two clusters with the same data: one user in ten works on the new one, and stays there.
-- Raise `percent` step by step; who was on the new cluster stays, since a user's number never changes.
-- Routes: app.redshift (old), app.redshift2 (new).
local percent = 10

local function chosen(stmt, session)
  return hash(session.user) % 100 < percent
end

rules {
  { name = "B: the new cluster", when = { tables = { "sales", "events" }, read_only = true, where = chosen }, route = "app.redshift2" },
  { name = "A: the old cluster", when = { tables = { "sales", "events" } }, route = "app.redshift" },
}
