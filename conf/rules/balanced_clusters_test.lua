local turn = "balanced clusters: turn"

test("the clusters take turns", {
  sql = "SELECT * FROM sales; SELECT * FROM sales; SELECT * FROM sales",
  expect = { { route = "app.redshift2" }, { route = "app.redshift" }, { route = "app.redshift2" } },
})

test("the turn is the same for all workers", { sql = "SELECT * FROM sales", shared = { [turn] = 41 }, expect = { route = "app.redshift" } })

test("a cluster that is away is left out", {
  sql = "SELECT * FROM sales", routes = { ["app.redshift2"] = { healthy = false } }, expect = { route = "app.redshift" },
})

test("when all are away the first one says so", {
  sql = "SELECT * FROM sales",
  routes = { ["app.redshift"] = { healthy = false }, ["app.redshift2"] = { healthy = false } },
  expect = { route = "app.redshift" },
})

test("what writes goes to the first", { sql = "DELETE FROM sales", expect = { route = "app.redshift" } })

test("other tables are not balanced", { sql = "SELECT 1", expect = { pass = true } })
