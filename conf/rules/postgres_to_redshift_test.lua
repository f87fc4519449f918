test("a report is translated", {
  sql = "SELECT count(*) FILTER (WHERE total > 10) FROM sales",
  expect = { route = "app.redshift", rule = "reports", text = "SELECT count( CASE WHEN (  total > 10) THEN TRUE END)  FROM sales" },
})

test("what both read stays as it is", {
  sql = "SELECT sum(total) FROM sales GROUP BY storeid -- by store",
  expect = { route = "app.redshift", rule = "reports", text = "SELECT sum(total) FROM sales GROUP BY storeid -- by store" },
})

test("Redshift's own SQL is not touched", {
  sql = "SELECT TOP 3 total FROM sales", expect = { route = "app.redshift", rule = "Redshift's own SQL", text = "SELECT TOP 3 total FROM sales" },
})

test("a function of Redshift tells it, too", {
  sql = "SELECT dateadd(month, 1, d), now() FROM sales", expect = { rule = "Redshift's own SQL", text = "SELECT dateadd(month, 1, d), now() FROM sales" },
})

test("a statement that only Redshift has", {
  sql = "UNLOAD ('select 1') TO 's3://bucket/p' IAM_ROLE default", expect = { route = "app.redshift", rule = "Redshift's statements" },
})

test("what Redshift has not is refused by name", {
  sql = "SELECT array_agg(total) FROM sales",
  expect = { reject = { sqlstate = "0A000", message = "Redshift has no function array_agg", hint = "LISTAGG() makes a list as text." } },
})

test("locks are refused", { sql = "SELECT * FROM sales FOR UPDATE", expect = { reject = { sqlstate = "0A000" } } })

test("and left out for the loader", {
  sql = "SELECT * FROM sales FOR UPDATE", session = { application_name = "etl" }, expect = { rule = "the loader", text = "SELECT * FROM sales  " },
})

test("other tables stay at home", { sql = "SELECT now() FROM customers", expect = { pass = true, text = "SELECT now() FROM customers" } })
