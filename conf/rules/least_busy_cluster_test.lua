local function busy(first, second)
  return { ["app.redshift"] = { active = first[1], waiting = first[2] }, ["app.redshift2"] = { active = second[1], waiting = second[2] } }
end

test("the one with fewer running queries", {
  sql = "SELECT * FROM sales", routes = busy({ 3, 0 }, { 2, 0 }), expect = { route = "app.redshift2" },
})

test("those that wait count as well", {
  sql = "SELECT * FROM sales", routes = busy({ 3, 0 }, { 2, 2 }), expect = { route = "app.redshift" },
})

test("the first of equals", { sql = "SELECT * FROM sales", routes = busy({ 1, 0 }, { 1, 0 }), expect = { route = "app.redshift" } })

test("one that is away has nothing to do and still gets nothing", {
  sql = "SELECT * FROM events",
  routes = { ["app.redshift"] = { healthy = false }, ["app.redshift2"] = { active = 9 } },
  expect = { route = "app.redshift2" },
})

test("what writes goes to the first", { sql = "DELETE FROM sales", routes = busy({ 5, 5 }, { 0, 0 }), expect = { route = "app.redshift" } })

test("other tables stay", { sql = "SELECT * FROM customers", expect = { pass = true } })
