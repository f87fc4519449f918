#include "proxy/redshift/server_text.hpp"

#include "rules/redshift/spelling.hpp"

namespace pgswitch::redshift {

std::optional<ServerText> ServerText::of(ServerKind kind, std::string_view text, bool conforming_strings, protocol::SqlError& fault,
                                         rules::PositionMap* positions) {
  ServerText made(kind, text);
  if (kind != ServerKind::redshift || !rules::redshift::needs_spelling(text)) return made;
  rules::redshift::SpellingFault why;
  made.spelled_ = rules::redshift::spell(text, conforming_strings, why, positions);
  if (made.spelled_) return made;
  fault.sqlstate = why.refusal.sqlstate;
  fault.message = why.refusal.message;
  fault.detail = why.refusal.detail;
  fault.hint = why.refusal.hint;
  fault.position = why.position;
  return std::nullopt;
}

}  // namespace pgswitch::redshift
