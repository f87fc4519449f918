-- Projections: known reports read tables that were joined and summed beforehand; clients do not know of these tables.
-- A report is known by its fingerprint, which is the same for every literal, blank and letter case: `pgswitch explain --json` tells it.
-- Routes: none; the tables store_sales and product_sales are beside the others.
rules {
  {
    -- SELECT storename, SUM(total) FROM sales JOIN store USING (storeid) GROUP BY storename ORDER BY storename
    name = "sales by store",
    when = { fingerprint = "9856846f2c22eb61" },
    rewrite = "SELECT storename, SUM(total) FROM store_sales GROUP BY storename ORDER BY storename",
  },
  {
    -- SELECT prodname, SUM(total) FROM sales JOIN product USING (productid) GROUP BY prodname ORDER BY prodname
    name = "sales by product",
    when = { fingerprint = "eceba10517494eff" },
    rewrite = "SELECT prodname, SUM(total) FROM product_sales GROUP BY prodname ORDER BY prodname",
  },
}
