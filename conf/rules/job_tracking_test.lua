local job = { database = "app.redshift" }

test("bookkeeping is kept on PostgreSQL", {
  sql = "UPDATE job_runs SET state = 'done' WHERE id = 7", session = job, expect = { route = "app", rule = "job tracking" },
})

test("data are on Redshift", { sql = "SELECT * FROM sales", session = job, expect = { pass = true } })

test("both at once are refused", {
  sql = "INSERT INTO job_runs SELECT count(*) FROM sales", session = job, expect = { reject = { sqlstate = "0A000" } },
})
