// SHOW COPIES: COPY between clients and Redshift servers that is under way.
#include "proxy/admin/show.hpp"
#include "proxy/client_session.hpp"
#include "proxy/session/core_load.hpp"
#include "proxy/session/relay.hpp"
#include "rules/route_names.hpp"

namespace pgswitch::admin {
namespace {

constexpr Field of_copy[] = {{"client_id", Type::int8},
                             {"user"},
                             {"database"},
                             {"route"},
                             {"direction"},
                             {"target"},
                             {"phase"},
                             {"rows", Type::int8},
                             {"bytes", Type::int8},
                             {"object"},
                             {"uploaded_bytes", Type::int8}};

Rows copies_of(Worker& worker) {
  Rows rows;
  for (const auto& session : worker.sessions()) {
    const Relay* const relay = session ? session->relay() : nullptr;
    const CoreLoad* const load = relay ? relay->core().load() : nullptr;
    if (!load) continue;
    const copy::ClientCopy& copy = load->copy();
    const std::string& target = copy.statement().target;
    const copy::Place* const place = load->place();
    rows.push_back(Row{number(session->id()), session->user(), session->database(), rules::route_name(relay->core().active_route()),
                       copy.is_from() ? "from" : "to", target.empty() ? "(query)" : target, std::string(to_string(copy.phase())),
                       number(copy.rows()), number(copy.bytes()), place ? place->name() : "", number(place ? place->uploaded_bytes() : 0)});
  }
  return rows;
}

}  // namespace

const std::span<const Field> copy_fields = of_copy;

boost::asio::awaitable<Rows> copy_rows(Console& console) { return gather_rows(console, copies_of); }

}  // namespace pgswitch::admin
