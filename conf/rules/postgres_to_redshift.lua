-- Reports written for PostgreSQL run on Redshift: what asks for sales and is PostgreSQL's SQL, or both's, is translated on its way; what is written
-- for Redshift goes as it is. What has no equivalent is refused with its name and place, before Redshift sees it.
-- FOR UPDATE is left out for the tool "etl", which locks what nobody else writes.
-- Routes: app.redshift (`kind = redshift`). `translate = auto` in its line of [databases] does the same for all that goes there.
rules {
  { name = "Redshift's own SQL", when = { tables = { "sales", "events" }, where = function(stmt) return stmt.dialect == "redshift" end }, route = "app.redshift" },
  { name = "Redshift's statements", when = { parsed = false, where = function(stmt) return stmt.dialect == "redshift" end }, route = "app.redshift" },
  { name = "the loader", when = { tables = { "sales", "events" }, application_name = "etl" }, rewrite = { translate = "drop_locks" }, route = "app.redshift" },
  { name = "reports", when = { tables = { "sales", "events" } }, rewrite = { translate = true }, route = "app.redshift" },
}
