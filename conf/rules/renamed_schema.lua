-- A new schema behind old names: clients go on with the names they know while tables, columns and functions have new ones.
-- Take a rule out when SHOW ROUTES no longer counts hits of it.
-- Routes: none. Aliases and everything else in the client's text stay as they are.
rules {
  {
    name = "names of the first version",
    when = { tables = { "shop_v1.*", "clients" } },
    rewrite = {
      replace_schema = { shop_v1 = "shop" },
      replace_table = { clients = "customers" },
      rename_column = { clients = { fullname = "name" } },
    },
  },
}
