#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/config.hpp"

// The lines of [databases], [users] and [peers]: name = key=value key='value with '' and blanks' ...
namespace pgswitch {

using ConnectionPairs = std::vector<std::pair<std::string, std::string>>;

/// Splits a connection string; nullopt on a syntax error. Only blanks separate; a value is bare up to a blank, or in
/// '...' with '' for a quote; a bare value may not be empty.
std::optional<ConnectionPairs> split_connection_string(std::string_view text);

/// What was wrong with a line (`error`, no values in it) and what is accepted without effect (`warnings`).
struct EntryReport {
  std::optional<std::string> error;
  std::vector<std::string> warnings;
};

/// Parse the value of an entry into `database`, `user` or `peer`, whose name or id the caller has set.
EntryReport parse_database(std::string_view text, Database& database);
EntryReport parse_user(std::string_view text, User& user);
EntryReport parse_peer(std::string_view text, Peer& peer);

}  // namespace pgswitch
