-- Tables on two clusters: each statement goes where its tables are, a statement that needs both is told so.
-- Write down the tables of the second cluster; all others are those of the database that clients connect to.
-- Routes: app.redshift. Name patterns are allowed: "analytics.*", "fact_*".
local analytic = { "sales", "events", "analytics.*" }
local transactional = { "customers", "orders" }

rules {
  {
    name = "tables of both clusters",
    when = {
      tables = analytic,
      where = function(stmt) return stmt:touches(table.unpack(transactional)) end,
    },
    reject = {
      sqlstate = "0A000",
      message = "one statement cannot read tables of both clusters",
      hint = "Ask for them in two statements and join the results in the application.",
    },
  },
  { name = "analytics", when = { tables = analytic }, route = "app.redshift" },
}
