#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "rules/decision.hpp"

namespace pgswitch::rules {

/// What a rule may know about the session. Plain values; owned by the session, read by the engine during a call only.
/// `identity` changes whenever one of the strings does (drawn from next_identity()), so that the engine can compare facts
/// without comparing strings.
struct Facts {
  std::string user;
  std::string database;
  std::string application_name;
  std::string client_address;  ///< "127.0.0.1" or "unix"
  bool in_transaction = false;
  /// The session's setting: off makes a backslash in '...' escape. Such statements are understood one by one, never cached.
  bool standard_conforming_strings = true;
  /// The session's client_encoding is one of those that misreading.hpp is about.
  bool ascii_in_characters = false;
  RouteId default_route = no_route;
  std::uint64_t identity = 0;  ///< 0: none drawn; the strings are compared then
};

/// A number that no other call returned. Thread-safe.
std::uint64_t next_identity();

}  // namespace pgswitch::rules
