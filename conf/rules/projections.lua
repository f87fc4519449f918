-- Projections: known reports read tables that were joined and summed beforehand; clients do not know of these tables.
-- A shape matches its statement in any spelling: case, blanks, comments, aliases of tables and values of literals do not count.
-- Routes: none; the tables store_sales and product_sales are beside the others.
rules {
  {
    name = "sales by store",
    when = { shape = "SELECT storename, SUM(total) FROM sales JOIN store USING (storeid) GROUP BY storename ORDER BY storename" },
    rewrite = "SELECT storename, SUM(total) FROM store_sales GROUP BY storename ORDER BY storename",
  },
  {
    name = "sales by product",
    when = { shape = "SELECT prodname, SUM(total) FROM sales JOIN product USING (productid) GROUP BY prodname ORDER BY prodname" },
    rewrite = "SELECT prodname, SUM(total) FROM product_sales GROUP BY prodname ORDER BY prodname",
  },
}
