-- sales and events live in app.redshift (the cluster "analytics"), everything else where the client connected to.
function route(stmt, session)
  if stmt:touches("nowhere") then
    return "no_such_route"
  end
  if stmt:touches("broken_rule") then
    return nil + 1
  end
  if stmt:touches("forbidden") then
    return reject { message = "forbidden is forbidden", sqlstate = "42501", detail = "by rules.lua", hint = "Ask for something else." }
  end
  if stmt:touches("local_answer") then
    return answer { columns = { "a", "b" }, rows = { { "1", "one" }, { "2", "two" } } }
  end
  if stmt:touches("sales", "events", "old_events") then
    return "app.redshift"
  end
end

function rewrite(stmt, session)
  if stmt.kind == "select" and stmt:touches("old_events") then
    return "WITH old_events AS (SELECT * FROM events WHERE id <= 10) " .. stmt.text
  end
end
