-- Several clusters with the same data: a query goes to the one that has the fewest running and waiting.
-- The numbers are those of pgswitch's own pools, of all its workers, a fraction of a second old.
-- Routes: app.redshift, app.redshift2.
local clusters = { "app.redshift", "app.redshift2" }

local function load_of(cluster)
  local state = routes[cluster]
  return state.healthy and state.active + state.waiting or math.huge
end

function route(stmt, session)
  if not stmt:touches("sales", "events") then return nil end
  local best = clusters[1]
  if not stmt.read_only then return best end
  for _, cluster in ipairs(clusters) do
    if load_of(cluster) < load_of(best) then best = cluster end
  end
  return best
end
