-- Small and repetitive queries from aggregates: sums by day are read from a small table on PostgreSQL, the rest from Redshift.
-- sales_by_day (day, total) is made anew by every load: SELECT day, sum(total) AS total FROM sales GROUP BY day.
-- Routes: app (PostgreSQL, with sales_by_day), app.redshift (with sales).
local sums_by_day = [[(?i)^select day, sum\(total\)( as \w+)? from sales( where day [^();]*)? group by day( order by day)?;?$]]

rules {
  {
    name = "sums by day",
    when = { tables = "sales", kind = "select", matches = sums_by_day },
    rewrite = { replace_table = { sales = "sales_by_day" } },
    route = "app",
  },
  { name = "other sales", when = { tables = "sales" }, route = "app.redshift" },
}
