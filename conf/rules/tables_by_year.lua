-- Tables by a filter: a query that asks for one year of sales reads the table of that year instead of the whole.
-- Only what is sure to stay in the year, as the pattern says: one table, `year = N`, more conditions by AND. The rest reads sales itself.
-- Routes: none; the tables sales_2019 to sales_2021 are beside sales.
local column = [[\w+( (asc|desc))?]]
local columns = column .. "(, *" .. column .. ")*"
local one_year = [[(?i)^select [^;]+ from sales where year = (2019|2020|2021)( and \w+ *[<=>]+ *('[^']*'|[\w.$]+))*]]
  .. "( group by " .. columns .. ")?( order by " .. columns .. [[)?( limit \d+)?;?$]]

rules {
  {
    name = "sales of one year",
    when = { tables = "sales", kind = "select", joins = false, subquery = false, matches = one_year },
    rewrite = function(stmt)
      return stmt:replace_table("sales", "sales_" .. stmt.text:lower():match(".*where year = (%d+)"))
    end,
  },
}
