test("a query", {
  sql = "SELECT * FROM orders o WHERE total > 5", session = { user = "acme" },
  expect = { text = "SELECT * FROM (SELECT * FROM orders WHERE (orders.tenant = 'acme')) o WHERE total > 5" },
})

test("every table of a join", {
  sql = "SELECT * FROM orders JOIN invoices USING (id)", session = { user = "o'hara" },
  expect = {
    text = "SELECT * FROM (SELECT * FROM orders WHERE (orders.tenant = 'o''hara')) AS orders"
      .. " JOIN (SELECT * FROM invoices WHERE (invoices.tenant = 'o''hara')) AS invoices USING (id)",
  },
})

test("what deletes", {
  sql = "DELETE FROM orders", session = { user = "acme" }, expect = { text = "DELETE FROM orders WHERE (orders.tenant = 'acme')" },
})

test("INSERT of filtered rows is refused", { sql = "INSERT INTO orders VALUES (1)", expect = { reject = { sqlstate = "0A000" } } })

test("the owner sees all", {
  sql = "SELECT * FROM orders", session = { user = "admin" }, expect = { pass = true, rule = "the owner sees all" },
})
