-- hash("nina") % 100 is 6, hash("anna") % 100 is 87: the same on every machine and in every version.
test("most work on the old cluster", {
  sql = "SELECT * FROM sales", session = { user = "anna" }, expect = { route = "app.redshift", rule = "A: the old cluster" },
})

test("one in ten works on the new one", {
  sql = "SELECT * FROM sales", session = { user = "nina" }, expect = { route = "app.redshift2", rule = "B: the new cluster" },
})

test("what writes stays on the old one", { sql = "DELETE FROM events", session = { user = "nina" }, expect = { route = "app.redshift" } })

test("other tables are not split", { sql = "SELECT * FROM customers", session = { user = "nina" }, expect = { pass = true } })
