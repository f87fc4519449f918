// SHOW CONFIG, VERSION, STATE and DNS_HOSTS.
#include "proxy/admin/show.hpp"
#include "proxy/log.hpp"
#include "proxy/router.hpp"

namespace pgswitch::admin {
namespace {

using boost::asio::awaitable;

constexpr Field of_config[] = {{"key"}, {"value"}, {"default"}, {"changeable"}};
constexpr Field of_version[] = {{"version"}};
constexpr Field of_state[] = {{"key"}, {"value"}};
constexpr Field of_dns_host[] = {{"hostname"}, {"ttl", Type::int8}, {"addrs"}};
constexpr Field of_dns_zone[] = {{"zonename"}, {"serial", Type::int8}, {"count", Type::int4}};

/// Settings in which a password may stand: the bind password of an LDAP string, or a query that calls a function with one.
bool may_hold_secret(const ConfigRow& row, ConsoleRights rights) {
  if (!row.value || row.value == row.default_value) return false;
  return row.key == "auth_ldap_options" || (row.key == "auth_query" && rights != ConsoleRights::admin);
}

Row row_of(ConfigRow&& row, ConsoleRights rights) {
  if (may_hold_secret(row, rights)) row.value = "(hidden)";
  return Row{std::move(row.key), std::move(row.value), std::move(row.default_value), row.changeable ? "yes" : "no"};
}

std::string join(const DnsCache::Addresses& addresses) {
  std::string text;
  for (const auto& address : addresses) text += (text.empty() ? "" : ",") + address.to_string();
  return text;
}

Rows dns_hosts_of(Worker& worker) {
  Rows rows;
  for (const auto& [host, entry] : worker.router().dns().entries()) {
    const std::int64_t left_us = std::max<std::int64_t>(entry.expires_us - worker.now_us(), 0);
    rows.push_back(Row{host, number(left_us / one_second), join(entry.addresses)});
  }
  return rows;
}

/// How long our certificate of one side is good.
void add_certificate(Rows& rows, const std::string& name, const TlsContextPtr& tls) {
  const auto expires = tls ? tls->expires() : std::nullopt;
  if (!expires) return;
  rows.push_back(Row{name + "_expires", timestamp(*expires * one_second)});
  rows.push_back(Row{name + "_days_left", number(days_until(*expires))});
}

}  // namespace

const std::span<const Field> config_fields = of_config;
const std::span<const Field> version_fields = of_version;
const std::span<const Field> state_fields = of_state;
const std::span<const Field> dns_host_fields = of_dns_host;
const std::span<const Field> dns_zone_fields = of_dns_zone;

awaitable<Rows> config_rows(Console& console) {
  const ConfigPtr config = console.worker().config_ptr();
  Rows rows;
  for (ConfigRow& row : show_config(*config)) rows.push_back(row_of(std::move(row), console.session().console_rights()));
  co_return rows;
}

awaitable<Rows> version_rows(Console&) {
  Rows rows;
  rows.push_back(Row{"pgswitch " PGSWITCH_VERSION " (PgBouncer 1.25.2 compatible)"});
  co_return rows;
}

awaitable<Rows> state_rows(Console& console) {
  const bool paused = console.worker().router().paused().contains(rules::no_route);
  Rows rows;
  const bool suspended = console.worker().proxy().is_suspended();
  rows.push_back(Row{"active", paused || suspended ? "no" : "yes"});
  rows.push_back(Row{"paused", paused ? "yes" : "no"});
  rows.push_back(Row{"suspended", suspended ? "yes" : "no"});
  const protocol::LargeMemory& large = protocol::LargeMemory::of_process();
  rows.push_back(Row{"query_total_bytes", number(large.used())});
  rows.push_back(Row{"queries_without_room", number(large.refused())});
  rows.push_back(Row{"log_lines_lost", number(lost_log_lines())});
  add_certificate(rows, "client_tls_cert_file", console.worker().client_tls());
  add_certificate(rows, "server_tls_cert_file", console.worker().server_tls());
  const Proxy::LastReload reload = console.worker().proxy().last_reload();
  rows.push_back(Row{"reload", reload.unix_us == 0 ? "none" : reload.error.empty() ? "done" : "failed, the old configuration stays in force: " + reload.error});
  rows.push_back(Row{"reload_time", reload.unix_us == 0 ? "" : timestamp(reload.unix_us)});
  const std::string error = console.worker().proxy().rules_error();
  rows.push_back(Row{"rules", error.empty() ? "loaded" : "not loaded, the old ones stay in force: " + error});
  co_return rows;
}

// Each worker asks for itself; the rows of the one that serves the console tell enough.
awaitable<Rows> dns_host_rows(Console& console) { co_return dns_hosts_of(console.worker()); }
awaitable<Rows> dns_zone_rows(Console&) { co_return Rows(); }

}  // namespace pgswitch::admin
