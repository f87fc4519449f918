#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/config.hpp"

// Text of a setting <-> value. pgbouncer's rules: integers in any C base, durations in fractional seconds, names of enums
// in any case.
namespace pgswitch {

/// Integer in C notation: 10, -1, 0x10, 010 (octal). Nothing may follow it.
std::optional<std::int64_t> parse_integer(std::string_view text);
/// "1", "yes", "on", "true", "t", "y" and their opposites, in any case.
std::optional<bool> parse_bool(std::string_view text);
/// Fractional seconds, not negative: "1.5" is 1'500'000.
std::optional<Microseconds> parse_seconds(std::string_view text);
/// Bytes with an optional unit: 65536, 64kB, 16MB, 1GB (powers of 1024).
std::optional<std::size_t> parse_bytes(std::string_view text);
/// "10.0.0.0/8", "::1/128", or an address alone.
bool is_network(std::string_view text);

/// "1.5" for 1'500'000: the inverse of parse_seconds().
std::string format_seconds(Microseconds value);

/// ASCII only, as pgbouncer compares names of enum values.
bool equal_ignoring_case(std::string_view a, std::string_view b);
std::string_view trim(std::string_view text);

template <class E, std::size_t N>
using EnumNames = std::array<std::pair<std::string_view, E>, N>;

constexpr EnumNames<AuthType, 10> names_of(AuthType) {
  return {{{"any", AuthType::any}, {"trust", AuthType::trust}, {"plain", AuthType::plain}, {"md5", AuthType::md5},
           {"cert", AuthType::cert}, {"hba", AuthType::hba}, {"ldap", AuthType::ldap}, {"pam", AuthType::pam},
           {"scram-sha-256", AuthType::scram_sha_256}, {"peer", AuthType::peer}}};
}
constexpr EnumNames<PoolMode, 3> names_of(PoolMode) {
  return {{{"session", PoolMode::session}, {"transaction", PoolMode::transaction}, {"statement", PoolMode::statement}}};
}
constexpr EnumNames<SslMode, 6> names_of(SslMode) {
  return {{{"disable", SslMode::disable}, {"allow", SslMode::allow}, {"prefer", SslMode::prefer},
           {"require", SslMode::require}, {"verify-ca", SslMode::verify_ca}, {"verify-full", SslMode::verify_full}}};
}
constexpr EnumNames<LoadBalanceHosts, 2> names_of(LoadBalanceHosts) {
  return {{{"disable", LoadBalanceHosts::disable}, {"round-robin", LoadBalanceHosts::round_robin}}};
}
constexpr EnumNames<ServerKind, 3> names_of(ServerKind) {
  return {{{"postgres", ServerKind::postgres}, {"redshift", ServerKind::redshift}, {"auto", ServerKind::automatic}}};
}
constexpr EnumNames<rules::redshift::Translate, 3> names_of(rules::redshift::Translate) {
  using rules::redshift::Translate;
  return {{{"off", Translate::off}, {"auto", Translate::automatic}, {"drop_locks", Translate::drop_locks}}};
}
constexpr EnumNames<RouteConflict, 2> names_of(RouteConflict) {
  return {{{"pin", RouteConflict::pin}, {"error", RouteConflict::error}}};
}
constexpr EnumNames<rules::OnError, 2> names_of(rules::OnError) {
  return {{{"reject", rules::OnError::reject}, {"default", rules::OnError::use_default}}};
}

constexpr EnumNames<rules::RulesMode, 2> names_of(rules::RulesMode) {
  return {{{"enforce", rules::RulesMode::enforce}, {"observe", rules::RulesMode::observe}}};
}

template <class E>
std::optional<E> parse_enum(std::string_view text) {
  for (const auto& [name, value] : names_of(E{}))
    if (equal_ignoring_case(name, text)) return value;
  return std::nullopt;
}

/// "session, transaction or statement"
template <class E>
std::string list_names() {
  const auto names = names_of(E{});
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) list += i + 1 == names.size() ? " or " : ", ";
    list += names[i].first;
  }
  return list;
}

}  // namespace pgswitch
