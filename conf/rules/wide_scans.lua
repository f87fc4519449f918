-- Scans that are too wide are answered with a warning instead of being run: at most 30 days of v_all_sales.
-- What the statement lets saletime be is found in WHERE and ON, BETWEEN, AND, OR and subqueries; a parameter is an open end.
-- Routes: app.redshift, where the view is.
local function too_wide(stmt)
  local bounds = stmt:where("v_all_sales", "saletime")
  return bounds == nil or days(bounds.min, bounds.max) > 30
end

rules {
  {
    name = "scans that are too wide",
    when = { tables = "v_all_sales", kind = "select", where = too_wide },
    answer = {
      columns = { "alert" },
      rows = { { "WARNING: scans against v_all_sales must be limited to no more than 30 days" } },
    },
  },
  { name = "analytics", when = { tables = "v_all_sales" }, route = "app.redshift" },
}
