-- Allow-list: only statements whose fingerprints are in allow_list_known.lua are run. In three steps, by `mode`:
-- "learn" lets everything pass and logs each new fingerprint, "observe" counts and logs what would be refused, "enforce" refuses.
-- Routes: none. Statements about transactions, settings and cursors are not asked for.
local mode = "enforce"
local known = require "allow_list_known"
local free = {
  "begin", "commit", "rollback", "savepoint", "release", "rollback_to", "set", "set_transaction", "reset", "show", "discard",
  "deallocate", "fetch", "close_cursor",
}

if mode == "learn" then
  local is_known = {}
  for _, fingerprint in ipairs(known) do is_known[fingerprint] = true end

  local function is_new(fingerprint)
    local has_room, times = pcall(shared.add, "learned " .. fingerprint, 1, 30 * 86400)
    return has_room and times == 1
  end

  function route(stmt, session)
    if not is_known[stmt.fingerprint] and is_new(stmt.fingerprint) then
      log("new statement: \"" .. stmt.fingerprint .. "\",  -- " .. stmt.text)
    end
  end
else
  rules {
    {
      name = "allow-list",
      mode = mode,
      when = { not_fingerprint = known, not_kind = free },
      reject = { sqlstate = "42501", message = "this statement is not on the allow-list" },
    },
  }
end
