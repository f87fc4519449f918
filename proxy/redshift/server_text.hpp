#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/sql_error.hpp"
#include "proxy/session/server_kind.hpp"
#include "rules/rewrite.hpp"

namespace pgswitch::redshift {

/// A text that a server of one kind may be sent: whatever reaches Redshift's lexer has been spelled for it, or one literal could end where the
/// next begins. There is no other way to make one than of().
class ServerText {
 public:
  /// `text` must outlive it. nullopt: `fault` says why Redshift must not be sent it. `positions`: leads positions in errors of the server
  /// back to `text`; as it was where `text` is sent as it is. `conforming_strings`: as the client was told.
  static std::optional<ServerText> of(ServerKind kind, std::string_view text, bool conforming_strings, protocol::SqlError& fault,
                                      rules::PositionMap* positions = nullptr);

  std::string_view view() const { return spelled_ ? std::string_view(*spelled_) : text_; }
  ServerKind kind() const { return kind_; }
  /// It is another one than the client's.
  bool is_spelled() const { return spelled_.has_value(); }

 private:
  ServerText(ServerKind kind, std::string_view text) : kind_(kind), text_(text) {}

  ServerKind kind_;
  std::string_view text_;
  std::optional<std::string> spelled_;
};

}  // namespace pgswitch::redshift
