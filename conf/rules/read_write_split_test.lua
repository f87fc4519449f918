for _, sql in ipairs { "SELECT * FROM customers", "WITH c AS (SELECT 1) SELECT * FROM c", "COPY customers TO STDOUT", "VALUES (1)" } do
  test("read from the replica: " .. sql, { sql = sql, expect = { route = "app.replica", rule = "reads" } })
end

for _, sql in ipairs {
  "UPDATE customers SET name = 'x'", "SELECT * FROM customers FOR UPDATE", "SELECT nextval('s')", "SELECT a_function_that_may_write()",
  "WITH d AS (DELETE FROM customers RETURNING *) SELECT * FROM d", "EXPLAIN ANALYZE DELETE FROM customers", "SHOW server_version",
} do
  test("stays: " .. sql, { sql = sql, expect = { pass = true } })
end

test("a transaction stays where it began", { sql = "SELECT 1", session = { in_transaction = true }, expect = { pass = true } })

test("who has just written sees it", {
  sql = "SELECT * FROM customers", session = { since_write = 2 }, expect = { pass = true, rule = "its own writes" },
})

test("and reads from the replica later", {
  sql = "SELECT * FROM customers", session = { since_write = 6 }, expect = { route = "app.replica" },
})

test("so does everything without a replica", {
  sql = "SELECT 1", routes = { ["app.replica"] = { healthy = false } }, expect = { pass = true },
})
