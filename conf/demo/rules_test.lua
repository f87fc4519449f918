-- Tests of the demo's rules: pgswitch test build/demo/pgswitch.ini conf/demo/rules_test.lua

for _, name in ipairs { "sales", "public.event", "users" } do
  test(name .. " is read in the analytics database", {
    sql = "SELECT count(*) FROM " .. name,
    expect = { route = "app.redshift", rule = "route", text = "SELECT count(*) FROM " .. name },
  })
end

test("everything else stays where the client is", {
  sql = "UPDATE customers SET name = 'x' WHERE id = 1",
  expect = { pass = true, rule = "default" },
})

test("each statement of a string is decided by itself", {
  sql = "SELECT 1; SELECT * FROM sales",
  expect = { { pass = true }, { route = "app.redshift" } },
})

test("the analytic tables are not written to", {
  sql = "DELETE FROM sales WHERE salesid = 1",
  expect = { reject = { sqlstate = "42501", message = "writes to sales are refused" } },
})

test("nor are both kinds of tables read by one statement", {
  sql = "SELECT * FROM customers JOIN sales ON buyerid = id",
  expect = { reject = { sqlstate = "0A000", hint = "Ask for them in two statements and join the results in the application." } },
})

test("sales_by_month is written out", {
  sql = "SELECT revenue FROM sales_by_month",
  expect = {
    route = "app.redshift",
    rule = "rewrite",
    text = "WITH sales_by_month AS (SELECT year, month, sum(qtysold) AS tickets, sum(pricepaid) AS revenue"
      .. " FROM sales JOIN date USING (dateid) GROUP BY year, month) SELECT revenue FROM sales_by_month",
  },
})

test("the demo introduces itself", {
  sql = "SELECT * FROM pgswitch_demo",
  expect = {
    answer = {
      columns = { "question", "answer" },
      rows = { { "who is speaking?", "rules.lua, line by line" }, { "which database was asked?", "none" } },
    },
  },
})
