test("one year reads its table", {
  sql = "SELECT sum(total) FROM sales WHERE year = 2020 AND storeid = 7",
  expect = { text = "SELECT sum(total) FROM sales_2020 AS sales WHERE year = 2020 AND storeid = 7", rule = "sales of one year" },
})

test("groups, order and limit do not matter", {
  sql = "SELECT storeid, sum(total) FROM sales WHERE year = 2019 GROUP BY storeid ORDER BY storeid DESC LIMIT 5",
  expect = {
    text = "SELECT storeid, sum(total) FROM sales_2019 AS sales WHERE year = 2019 GROUP BY storeid ORDER BY storeid DESC LIMIT 5",
  },
})

test("a year in a string is none", {
  sql = "SELECT 'where year = 2019' FROM sales WHERE year = 2021",
  expect = { text = "SELECT 'where year = 2019' FROM sales_2021 AS sales WHERE year = 2021" },
})

for _, sql in ipairs {
  "SELECT sum(total) FROM sales",
  "SELECT sum(total) FROM sales WHERE year = 2018",
  "SELECT sum(total) FROM sales WHERE year = 2020 OR year = 2021",
  "SELECT sum(total) FROM sales WHERE year = 2020 UNION SELECT sum(total) FROM sales",
  "SELECT sum(total) FROM sales WHERE year = 2020 GROUP BY storeid UNION SELECT total FROM sales",
  "SELECT (SELECT max(total) FROM sales) FROM sales WHERE year = 2020",
  "SELECT sum(total) FROM sales WHERE year = 2020.5",
  "SELECT sum(total) FROM sales JOIN store USING (storeid) WHERE store.year = 2020",
  "DELETE FROM sales WHERE year = 2020",
} do
  test("all of them for " .. sql, { sql = sql, expect = { pass = true } })
end
