#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "proxy/session/prepared.hpp"
#include "proxy/session/rare_map.hpp"
#include "proxy/session/server_kind.hpp"
#include "proxy/session/shared.hpp"
#include "rules/decision.hpp"

namespace pgswitch {
namespace redshift {
struct Sent;
}

/// A prepared statement as its client knows it. Immutable; shared by the names and portals that refer to it.
struct PreparedStatement {
  std::string text;             ///< as the client sent it: decided again when the rules change
  std::string parameter_types;  ///< oids as in the Parse message
  rules::ScriptPtr script;
  std::string sent_text;        ///< what servers get (the text, or what a rule made of it)
  /// SessionSettings::parsing() under which it was parsed: '01/02/2003'::date is what DateStyle makes of it then.
  Shared<std::string> settings;
  bool conforming_strings = true;  ///< standard_conforming_strings, under which it was decided
  PreparedKey key;              ///< of sent_text, parameter_types, settings and kind
  ServerName name{};            ///< server_name() of the key
  ServerKind kind = ServerKind::postgres;       ///< of the servers that sent_text is for
  std::shared_ptr<const redshift::Sent> sent;   ///< how sent_text differs for that kind; nullptr: it does not
  std::uint32_t serial = 0;     ///< of the client's Parse: tells names apart that have the same text
  std::uint32_t skipped = 0;    ///< of a DECLARE of which servers get the query alone: characters in front of that; else 0
  bool by_sql = false;          ///< SQL PREPARE made it: it is on the link of its route alone, by the client's name, and pins it
  bool client_copy = false;     ///< COPY between the client and a link of kind redshift: answered by the session, see CoreLoad
  std::uint32_t answered = 0;   ///< of a portal: rows that the client has, of its answer{} or of what is limited, or that it has asked for
  std::shared_ptr<const std::string> result_formats;  ///< of a portal that is a FETCH of kept rows: as in its Bind; nullptr: text
  /// Once sent_text, parameter_types and kind are what they are. `parsed_with`: what settings the text depends on.
  void set_key(std::string_view parsed_with) {
    key = prepared_key(sent_text, parameter_types, parsed_with);
    name = server_name(key);
  }
  /// Its statement; PostgreSQL refuses texts with more than one.
  const rules::ScriptItem& item() const { return script->items.front(); }
  /// It runs on its server as it is, and leaves nothing behind: nearly all do.
  bool is_plain() const { return script && script->plain && !client_copy && skipped == 0; }
};
/// PostgreSQL tells names apart by so many bytes (NAMEDATALEN).
inline constexpr std::size_t longest_name = 63;
using PreparedStatementPtr = std::shared_ptr<const PreparedStatement>;

/// What was decided by the moment: it holds for the Describe and the Bind that follow, and for a message that has to wait.
struct MomentaryDecision {
  PreparedStatementPtr asked, answer;
  PreparedStatementPtr parsing;  ///< made of a Parse that waits
};

/// Which names meet in a map is not for clients to choose.
inline const std::uint64_t name_hash_key = (std::uint64_t{std::random_device{}()} << 32) | std::random_device{}();

/// Looks names up without making a std::string of them. They are short: eight bytes at a time cost less than std::hash.
struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const {
    std::uint64_t hash = name_hash_key ^ name.size();
    while (!name.empty()) {
      std::uint64_t part = 0;
      const std::size_t size = std::min(name.size(), sizeof part);
      std::memcpy(&part, name.data(), size);
      hash = (hash ^ part) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 32;
      name.remove_prefix(size);
    }
    return hash;
  }
};
using PreparedNames = RareMap<std::string, PreparedStatementPtr, NameHash, std::equal_to<>>;

}  // namespace pgswitch
