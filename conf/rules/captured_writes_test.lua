for _, sql in ipairs { "INSERT INTO sales VALUES (1)", "CREATE TABLE t (a int)", "COPY sales FROM STDIN" } do
  test("told and sent as it is: " .. sql, { sql = sql, expect = { pass = true, rule = "captured" } })
end

test("a query that writes is told as well", {
  sql = "WITH d AS (DELETE FROM sales RETURNING *) SELECT * FROM d", expect = { pass = true, rule = "captured, inside of a query" },
})

for _, sql in ipairs { "SELECT * FROM sales", "EXPLAIN DELETE FROM sales", "BEGIN", "SET work_mem = '8MB'" } do
  test("nothing to tell: " .. sql, { sql = sql, expect = { pass = true, rule = "default" } })
end
