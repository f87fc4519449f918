-- The demo's rules. pgswitch asks route() and rewrite() about every statement it has not seen before and remembers the answer.
-- nil always means: leave it alone; it goes to the database the client connected to.

-- The analytic tables, all of them in the route "app.redshift", and the transactional ones.
local analytic = { "sales", "event", "date", "users", "venue", "category", "listing", "sales_by_month" }
local transactional = { "customers", "orders", "tickets" }

local function writes_to(stmt, names)
  for _, written in ipairs(stmt.writes) do
    for _, name in ipairs(names) do
      if written == name or written == "public." .. name then
        return name
      end
    end
  end
end

function route(stmt, session)
  -- Answered here, without any database.
  if stmt:touches("pgswitch_demo") then
    return answer {
      columns = { "question", "answer" },
      rows = {
        { "who is speaking?", "rules.lua, line by line" },
        { "which database was asked?", "none" },
      },
    }
  end

  if not stmt:touches(table.unpack(analytic)) then
    return nil
  end

  local written = writes_to(stmt, analytic)
  if written then
    return reject {
      sqlstate = "42501",
      message = "writes to " .. written .. " are refused",
      detail = "The analytic tables are loaded every night and are read-only in between.",
      hint = "Change the orders in the transactional tables; they arrive here with the next load.",
    }
  end

  if stmt:touches(table.unpack(transactional)) then
    return reject {
      sqlstate = "0A000",
      message = "one statement cannot read transactional and analytic tables",
      hint = "Ask for them in two statements and join the results in the application.",
    }
  end

  return "app.redshift"
end

-- sales_by_month is no table anywhere: its definition is put in front of the statement.
function rewrite(stmt, session)
  if stmt.kind == "select" and stmt:touches("sales_by_month") then
    return "WITH sales_by_month AS (SELECT year, month, sum(qtysold) AS tickets, sum(pricepaid) AS revenue"
      .. " FROM sales JOIN date USING (dateid) GROUP BY year, month) " .. stmt.text
  end
end
