test("sales by store", {
  sql = "SELECT storename, SUM(total) FROM sales JOIN store USING (storeid) GROUP BY storename ORDER BY storename",
  expect = { rule = "sales by store", text = "SELECT storename, SUM(total) FROM store_sales GROUP BY storename ORDER BY storename" },
})

test("blanks and the case of words do not matter", {
  sql = "select prodname, sum(total)\nfrom sales join product using (productid)\ngroup by prodname order by prodname",
  expect = { rule = "sales by product", text = "SELECT prodname, SUM(total) FROM product_sales GROUP BY prodname ORDER BY prodname" },
})

test("nor do comments and aliases of tables", {
  sql = "SELECT s.storename, SUM(f.total) /* 7 */ FROM sales f JOIN store s USING (storeid) GROUP BY s.storename ORDER BY s.storename",
  expect = { rule = "sales by store" },
})

test("another report is not touched", {
  sql = "SELECT storename, SUM(total) FROM sales JOIN store USING (storeid) WHERE total > 5 GROUP BY storename ORDER BY storename",
  expect = { pass = true },
})
