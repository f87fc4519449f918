-- Two clusters with the same data share the queries: each takes its turn, and who is away is left out.
-- What writes goes to the first of the clusters alone; the load that keeps the others equal is not the business of this file.
-- Routes: app.redshift, app.redshift2.
local clusters = { "app.redshift", "app.redshift2" }

local function next_cluster()
  local turn = shared.add("balanced clusters: turn", 1, 86400)
  for i = 0, #clusters - 1 do
    local cluster = clusters[(turn + i) % #clusters + 1]
    if routes[cluster].healthy then return cluster end
  end
  return clusters[1]
end

function route(stmt, session)
  if not stmt:touches("sales", "events") then return nil end
  if not stmt.read_only then return clusters[1] end
  return next_cluster()
end
