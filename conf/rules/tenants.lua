-- Tenants on clusters of their own: the first part of the user's name says which.
-- Move a tenant by moving its data and its name here; RELOAD, and the next statement goes there.
-- Routes: app.redshift, app.redshift2; users: TENANT_name.
rules {
  { name = "operators", when = { user = "admin" }, pass = true },
  { name = "first cluster", when = { user = { "acme_*", "initech_*" } }, route = "app.redshift" },
  { name = "second cluster", when = { user = { "globex_*" } }, route = "app.redshift2" },
  { name = "nobody's", reject = { sqlstate = "28000", message = "this user belongs to no tenant that has a cluster" } },
}
