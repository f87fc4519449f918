-- Reports written for PostgreSQL run on Redshift: they are translated on their way, what is written for Redshift goes as it is, and what Redshift has not is
-- refused by name. FOR UPDATE is left out for the tool "etl". `translate = auto` in a line of [databases] does the same for all that goes to that route.
-- Routes: app.redshift.
rules {
  { name = "Redshift's own SQL", when = { tables = { "sales", "events" }, where = function(stmt) return stmt.dialect == "redshift" end }, route = "app.redshift" },
  { name = "Redshift's statements", when = { parsed = false, where = function(stmt) return stmt.dialect == "redshift" end }, route = "app.redshift" },
  { name = "the loader", when = { tables = { "sales", "events" }, application_name = "etl" }, rewrite = { translate = "drop_locks" }, route = "app.redshift" },
  { name = "reports", when = { tables = { "sales", "events" } }, rewrite = { translate = true }, route = "app.redshift" },
}
