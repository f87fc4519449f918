-- BI tools, known by their application_name, read from the analytics cluster and write nowhere.
-- application_name is what the client says of itself: good for sorting out, not for protection.
-- Routes: app.redshift.
local tools = { "Tableau*", "Looker*", "Metabase*", "PowerBI*" }
local about_the_session = {
  "begin", "commit", "rollback", "savepoint", "release", "rollback_to", "set", "set_transaction", "reset", "discard", "execute",
  "deallocate", "fetch", "close_cursor",
}

rules {
  { name = "BI tools", when = { application_name = tools, read_only = true }, route = "app.redshift" },
  {
    name = "BI tools read only",
    when = { application_name = tools, not_kind = about_the_session },
    reject = { sqlstate = "25006", message = "BI tools may read only" },
  },
}
