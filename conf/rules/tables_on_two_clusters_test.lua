for _, name in ipairs { "sales", "events", "analytics.visits" } do
  test(name .. " is on the second cluster", { sql = "SELECT * FROM " .. name, expect = { route = "app.redshift", rule = "analytics" } })
end

test("a name in a string or an alias is no table", { sql = "SELECT 'sales' AS events FROM customers sales", expect = { pass = true } })

test("nor is a query of WITH", { sql = "WITH sales AS (SELECT 1) SELECT * FROM sales", expect = { pass = true } })

test("a subquery is seen through", { sql = "SELECT * FROM (SELECT 1 FROM sales) AS s", expect = { route = "app.redshift" } })

test("both kinds in one statement are refused", {
  sql = "SELECT * FROM customers JOIN sales ON customer_id = customers.id",
  expect = { reject = { sqlstate = "0A000", message = "one statement cannot read tables of both clusters" } },
})
