-- Job tracking on PostgreSQL: jobs connect to Redshift alone, their bookkeeping of many small writes is kept on PostgreSQL.
-- Clients connect to the database app.redshift; a statement about both kinds of tables is told to be two.
-- Routes: app (PostgreSQL, with the tables job_*).
rules {
  {
    name = "job tracking",
    when = {
      tables = "job_*",
      where = function(stmt)
        for _, name in ipairs(stmt.tables) do
          if not name:find("^job_") and not name:find("%.job_") then return false end
        end
        return true
      end,
    },
    route = "app",
  },
  {
    name = "jobs and data",
    when = { tables = "job_*" },
    reject = { sqlstate = "0A000", message = "job tracking tables are in another database than the data", hint = "Use two statements." },
  },
}
