test("sums by day come from the small table", {
  sql = "SELECT day, sum(total) FROM sales WHERE day >= '2008-01-01' GROUP BY day ORDER BY day",
  expect = {
    route = "app",
    rule = "sums by day",
    text = "SELECT day, sum(total) FROM sales_by_day AS sales WHERE day >= '2008-01-01' GROUP BY day ORDER BY day",
  },
})

for _, sql in ipairs {
  "SELECT day, count(*) FROM sales GROUP BY day",
  "SELECT day, avg(total) FROM sales GROUP BY day",
  "SELECT day, sum(total) FROM sales WHERE day >= '2008-01-01' AND store = 5 AND (x = 1) GROUP BY day",
  "SELECT day, sum(total) FROM sales JOIN store USING (storeid) GROUP BY day",
} do
  test("it cannot answer " .. sql, { sql = sql, expect = { route = "app.redshift", rule = "other sales" } })
end

test("what has nothing to do with sales stays", { sql = "SELECT 1", expect = { pass = true } })
