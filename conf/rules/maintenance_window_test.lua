test("closed at 3", {
  sql = "SELECT * FROM sales", hour = 3, expect = { reject = { sqlstate = "57P03", hint = "They are back at 4 o'clock." } },
})

for _, hour in ipairs { 1, 4, 12 } do
  test("open at " .. hour, { sql = "SELECT * FROM sales", hour = hour, expect = { pass = true } })
end

test("the load itself works at 3", {
  sql = "DELETE FROM sales", hour = 3, session = { user = "loader" }, expect = { pass = true, rule = "the load itself" },
})

test("other tables are not concerned", { sql = "SELECT * FROM customers", hour = 3, expect = { pass = true } })
