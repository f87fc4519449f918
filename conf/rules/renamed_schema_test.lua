test("the schema", {
  sql = "SELECT * FROM shop_v1.orders WHERE note = 'shop_v1'", expect = { text = "SELECT * FROM shop.orders WHERE note = 'shop_v1'" },
})

test("a table and its column", {
  sql = "SELECT fullname FROM clients WHERE clients.fullname <> ''",
  expect = { text = "SELECT name AS fullname FROM customers AS clients WHERE clients.name <> ''" },
})

test("names of the new version are left alone", { sql = "SELECT name FROM customers", expect = { pass = true } })
