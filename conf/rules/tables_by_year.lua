-- Tables by a filter: a query that asks for one year of sales reads the table of that year instead of the whole.
-- Only where every reference of sales is sure to stay in the year: what is not understood is no bound, and reads sales itself.
-- Routes: none; the tables sales_2019 to sales_2021 are beside sales.
local tables = { [2019] = "sales_2019", [2020] = "sales_2020", [2021] = "sales_2021" }

local function table_of(stmt)
  local bounds = stmt:where("sales", "year")
  if bounds and bounds.min == bounds.max and bounds.min then return tables[bounds.min] end
end

rules {
  {
    name = "sales of one year",
    when = { tables = "sales", kind = "select", where = function(stmt) return table_of(stmt) ~= nil end },
    rewrite = function(stmt) return stmt:replace_table("sales", table_of(stmt)) end,
  },
}
