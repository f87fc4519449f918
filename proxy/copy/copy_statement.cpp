#include "proxy/copy/copy_statement.hpp"

#include <algorithm>

#include "proxy/copy/copy_option_list.hpp"
#include "proxy/copy/copy_text.hpp"

namespace pgswitch::copy {

using protocol::SqlError;
using rules::TokenType;

namespace {

SqlError refused(std::string message, std::string hint) {
  return {protocol::Severity::error, std::string(protocol::sqlstate::feature_not_supported), std::move(message), "", std::move(hint), 0};
}

/// What stands between COPY and FROM or TO.
bool take_target(CopyTokens& tokens, std::string_view text, CopyStatement& copy) {
  if (tokens.type() == TokenType::left_paren) {
    const auto place = tokens.take_parenthesised();
    if (!place) return false;
    copy.query = text.substr(place->first, place->second - place->first);
    const std::string_view before = text.substr(0, place->first);
    copy.query_position =
        static_cast<std::uint32_t>(std::count_if(before.begin(), before.end(), [](char c) { return (c & 0xC0) != 0x80; }));
    return true;
  }
  do {
    if (!copy.target.empty()) copy.target += '.';
    auto name = tokens.take_name(&copy.target);
    if (!name) return false;
    copy.table = std::move(*name);
  } while (tokens.take(TokenType::dot));
  if (!tokens.take(TokenType::left_paren)) return true;
  copy.column_list = "(";
  do {
    if (!copy.columns.empty()) copy.column_list += ", ";
    auto name = tokens.take_name(&copy.column_list);
    if (!name) return false;
    copy.columns.push_back(std::move(*name));
  } while (tokens.take(TokenType::comma));
  copy.column_list += ')';
  return tokens.take(TokenType::right_paren);
}

/// The head up to STDIN or STDOUT; `binary`: COPY BINARY, as it was written before 9.0.
bool take_head(CopyTokens& tokens, std::string_view text, CopyStatement& copy, bool& binary) {
  if (!tokens.take("copy")) return false;
  if (tokens.is("binary")) {
    // A table may have that name.
    CopyTokens ahead = tokens;
    ahead.skip();
    binary = ahead.type() == TokenType::quoted_word || (ahead.type() == TokenType::word && !ahead.is("from") && !ahead.is("to"));
    if (binary) tokens = ahead;
  }
  if (!take_target(tokens, text, copy)) return false;
  copy.from = tokens.take("from");
  if (!copy.from && !tokens.take("to")) return false;
  return tokens.take("stdin") || tokens.take("stdout");  // the grammar takes either for both
}

}  // namespace

bool is_client_copy(std::string_view text, bool standard_conforming_strings) {
  CopyTokens tokens(text, standard_conforming_strings);
  CopyStatement copy;
  bool binary = false;
  return take_head(tokens, text, copy, binary);
}

std::optional<CopyStatement> parse_copy(std::string_view text, bool standard_conforming_strings, SqlError& error) {
  CopyTokens tokens(text, standard_conforming_strings);
  CopyStatement copy;
  bool binary = false;
  if (!take_head(tokens, text, copy, binary)) return error = refused("this form of COPY cannot be run on Redshift", "Write COPY table (columns) FROM STDIN or COPY (query) TO STDOUT, WITH options in parentheses."), std::nullopt;
  OptionList options(copy);
  if (binary) options.set_binary();
  if (!options.read(tokens) || !options.check()) return error = options.error(), std::nullopt;
  if (tokens.is("where"))
    return error = refused("COPY FROM ... WHERE cannot be run on Redshift", "Load a temporary table and INSERT from it."), std::nullopt;
  if (!tokens.at_end()) return error = refused("this form of COPY cannot be run on Redshift", "Write COPY table (columns) FROM STDIN or COPY (query) TO STDOUT, WITH options in parentheses."), std::nullopt;
  return copy;
}

}  // namespace pgswitch::copy
