#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/sql_error.hpp"
#include "proxy/session/server_kind.hpp"

/// Settings that only one kind of server has: what the other kind is sent instead, and what SHOW tells there.
namespace pgswitch::redshift {

/// Who lacks a setting, and what stands for it there.
enum class Lack : std::uint8_t {
  on_redshift,       ///< kept in the session, never sent to Redshift
  on_redshift_but,   ///< the same, while its value is one of `values`: any other would be a promise that nobody keeps
  in_parts,          ///< Redshift has it with fewer values: as_redshift_takes_it()
  on_postgres,       ///< Redshift's own: kept in the session, never sent to PostgreSQL
  as_read_only,      ///< Redshift's `readonly`, which PostgreSQL calls default_transaction_read_only
};

/// One line of the table.
struct Setting {
  std::string_view name;    ///< lower case, as in pg_settings
  Lack lack;
  std::string_view value;   ///< what SHOW tells where it is lacking and nobody has set it
  std::string_view values;  ///< on_redshift_but: words with a blank between them, lower case
};

/// nullptr: both kinds have it, or a server without it says so itself. `name` in lower case. Never allocates.
const Setting* find_setting(std::string_view name);
/// The line is about servers of that kind: what they are sent is another thing than what the client says.
bool lacks(const Setting& setting, ServerKind kind);

/// What a server is sent for a change of a setting.
struct SettingChange {
  enum class How : std::uint8_t { as_it_is, instead, nothing, refused };
  How how = How::as_it_is;
  std::string text;           ///< instead: one statement for it, with PostgreSQL's literals
  protocol::SqlError error;   ///< refused
};

/// `value`: as the client says it, without quotes; "" for a RESET, SET ... TO DEFAULT, or when it cannot be told.
SettingChange change_for(ServerKind kind, std::string_view name, std::string_view value);

/// A time as PostgreSQL reads it ("30s", "500"), in ms; nullopt: it is none.
std::optional<std::int64_t> milliseconds(std::string_view value);

/// Redshift's text is UTF-8: why ordinary statements do not run there under another client_encoding; nullopt: it is UTF8, or none.
std::optional<protocol::SqlError> encoding_objection(std::string_view client_encoding);

/// The setting that SHOW `text` asks for, in lower case ("transaction_isolation" for SHOW TRANSACTION ISOLATION LEVEL); "" for none.
std::string shown_setting(std::string_view text);

/// "on", "off"; nullopt when `value` is not one of PostgreSQL's words for them.
std::optional<bool> truth_of(std::string_view value);

}  // namespace pgswitch::redshift
