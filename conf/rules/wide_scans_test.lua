local warning = { columns = { "alert" }, rows = { { "WARNING: scans against v_all_sales must be limited to no more than 30 days" } } }
local query = "SELECT sum(pricepaid) FROM v_all_sales WHERE saletime >= '%s' AND saletime < '%s'"

test("30 days are fine", { sql = query:format("2008-02-15", "2008-03-16"), expect = { route = "app.redshift" } })

test("so are 30 days in other words", {
  sql = "SELECT 1 FROM v_all_sales AS s WHERE s.saletime BETWEEN '2008-01-01' AND DATE '2008-01-31' AND (storeid = 1 OR storeid = 2)",
  expect = { route = "app.redshift" },
})

test("31 are not", { sql = query:format("2008-12-15", "2009-01-15"), expect = { answer = warning } })

test("nor is an open end", { sql = "SELECT * FROM v_all_sales WHERE saletime >= '2008-01-01'", expect = { answer = warning } })

test("nor days that an OR takes back", {
  sql = query:format("2008-02-15", "2008-03-16") .. " OR pricepaid > 0", expect = { answer = warning },
})

test("nor is the whole view", { sql = "SELECT count(*) FROM v_all_sales", expect = { answer = warning, rule = "scans that are too wide" } })

test("other tables are not asked for days", { sql = "SELECT * FROM sales", expect = { pass = true } })
