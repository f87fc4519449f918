-- Row filters: everybody sees the rows of their own tenant only, in queries, subqueries, joins, UPDATE and DELETE.
-- Row-level security in the server is the real boundary; this saves a column of conditions in every application.
-- Routes: none. `$user` becomes the session's user as a literal; see "Edits" in rules/README.md for what is refused.
rules {
  { name = "the owner sees all", when = { user = "admin" }, pass = true },
  {
    name = "rows of the tenant",
    when = { tables = { "orders", "invoices" } },
    rewrite = { add_filter = { orders = "tenant = $user", invoices = "tenant = $user" } },
  },
}
