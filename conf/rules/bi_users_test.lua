local tableau = { application_name = "Tableau Desktop 2023.1" }

test("a BI tool reads from the analytics cluster", {
  sql = "SELECT * FROM sales", session = tableau, expect = { route = "app.redshift", rule = "BI tools" },
})

test("and writes nowhere", {
  sql = "DELETE FROM sales", session = tableau, expect = { reject = { sqlstate = "25006", message = "BI tools may read only" } },
})

test("nor makes tables", { sql = "CREATE TABLE t (a int)", session = tableau, expect = { reject = true } })

test("applications stay", { sql = "SELECT * FROM sales", session = { application_name = "shop" }, expect = { pass = true } })

test("a function that may write is no reading", { sql = "SELECT a_function_of_ours()", session = tableau, expect = { reject = true } })

for _, sql in ipairs { "BEGIN", "SET extra_float_digits = 3", "FETCH 100 FROM c", "COMMIT" } do
  test("what is about the session passes: " .. sql, { sql = sql, session = tableau, expect = { pass = true } })
end

test("a cursor over a query is reading", {
  sql = "DECLARE c CURSOR FOR SELECT * FROM sales", session = tableau, expect = { route = "app.redshift" },
})
