for user, route in pairs { acme_web = "app.redshift", initech_jobs = "app.redshift", globex_web = "app.redshift2", admin = "app" } do
  test(user .. " works on " .. route, { sql = "SELECT * FROM orders", session = { user = user }, expect = { route = route } })
end

test("everybody else is told", { sql = "SELECT 1", session = { user = "umbrella_web" }, expect = { reject = { sqlstate = "28000" } } })
