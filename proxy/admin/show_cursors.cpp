// SHOW CURSORS: of Redshift, whose rows a session keeps.
#include "proxy/admin/show.hpp"
#include "proxy/session/relay.hpp"

namespace pgswitch::admin {
namespace {

constexpr Type int4 = Type::int4, int8 = Type::int8;
constexpr Field of_cursor[] = {{"user"}, {"database"}, {"client_id", int4}, {"name"}, {"kind"}, {"hold", int4}, {"rows", int8}, {"position", int8},
                               {"complete", int4}, {"memory", int8}, {"file", int8}};

Rows cursors_of(Worker& worker) {
  Rows rows;
  for (const auto& session : worker.sessions()) {
    const Relay* const relay = session ? session->relay() : nullptr;
    const redshift::Cursors* const cursors = relay ? relay->core().cursors() : nullptr;
    if (!cursors) continue;
    for (const auto& [name, cursor] : cursors->all())
      rows.push_back(Row{session->user(), session->database(), number(session->id()), name, cursor->portal ? "portal" : "cursor",
                         cursor->hold ? "1" : "0", number(cursor->rows.rows()), number(cursor->position), cursor->complete ? "1" : "0",
                         number(cursor->rows.bytes_in_memory()), number(cursor->rows.bytes_in_file())});
  }
  return rows;
}

}  // namespace

const std::span<const Field> cursor_fields = of_cursor;

boost::asio::awaitable<Rows> cursor_rows(Console& console) { return gather_rows(console, cursors_of); }

}  // namespace pgswitch::admin
