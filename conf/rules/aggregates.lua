-- Small and repetitive queries from aggregates: sums by day are read from a small table on PostgreSQL, the rest from Redshift.
-- sales_by_day (day, total) is made anew by every load: SELECT day, sum(total) AS total FROM sales GROUP BY day.
-- Routes: app (PostgreSQL, with sales_by_day), app.redshift (with sales).
local sums_by_day = {
  "SELECT day, sum(total) FROM sales GROUP BY day ORDER BY day",
  "SELECT day, sum(total) FROM sales WHERE day >= '2020-01-01' GROUP BY day ORDER BY day",
  "SELECT day, sum(total) FROM sales WHERE day >= '2020-01-01' AND day < '2020-02-01' GROUP BY day ORDER BY day",
  "SELECT sum(total) FROM sales WHERE day = '2020-01-01'",
}

rules {
  {
    name = "sums by day",
    when = { shape = sums_by_day },
    rewrite = { replace_table = { sales = "sales_by_day" } },
    route = "app",
  },
  { name = "other sales", when = { tables = "sales" }, route = "app.redshift" },
}
