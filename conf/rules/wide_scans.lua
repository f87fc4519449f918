-- Scans that are too wide are answered with a warning instead of being run: at most 30 days of v_all_sales.
-- The days are read from saletime >= 'YYYY-MM-DD' AND saletime < 'YYYY-MM-DD'; a query that says less, or OR, is too wide.
-- Routes: app.redshift, where the view is.
local most_days = 30

local function day(year, month, day_of_month)  -- days since some day, as the Gregorian calendar counts them
  local y, m = tonumber(year), tonumber(month)
  if m <= 2 then y, m = y - 1, m + 12 end
  return 365 * y + y // 4 - y // 100 + y // 400 + (153 * m - 457) // 5 + tonumber(day_of_month)
end

local function bound(text, operator)
  local year, month, day_of_month = text:match("saletime%s*" .. operator .. "%s*'(%d%d%d%d)%-(%d%d)%-(%d%d)")
  return year and day(year, month, day_of_month)
end

local function too_wide(stmt)
  local text = stmt.text:lower()
  local first, last = bound(text, ">=?"), bound(text, "<=?")
  return not (first and last) or last - first > most_days or text:find("%Wor%W") ~= nil
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
