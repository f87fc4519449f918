-- Maintenance window: between 2 and 4 o'clock, while tables are loaded, they are neither read nor written by others.
-- The hour is that of the machine's time zone. Try it with mode = "observe" first: SHOW ROUTES counts what would be refused.
-- Routes: none.
rules {
  { name = "the load itself", when = { user = "loader" }, pass = true },
  {
    name = "maintenance window",
    when = { tables = { "sales", "events" }, hour = { 2, 4 } },
    reject = {
      sqlstate = "57P03",
      message = "sales and events are being loaded",
      hint = "They are back at 4 o'clock.",
    },
  },
}
