test("a statement of the list", { sql = "SELECT name FROM customers WHERE id = $1", expect = { pass = true } })

test("in whatever spelling", { sql = "select  name from CUSTOMERS where ID = $1", expect = { pass = true } })

test("another one", {
  sql = "SELECT * FROM customers", expect = { reject = { sqlstate = "42501", message = "this statement is not on the allow-list" } },
})

test("each statement of a string", {
  sql = "BEGIN; DELETE FROM customers; COMMIT", expect = { { pass = true }, { reject = true }, { pass = true } },
})
