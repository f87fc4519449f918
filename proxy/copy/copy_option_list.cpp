#include "proxy/copy/copy_option_list.hpp"

#include <algorithm>
#include <utility>

#include "proxy/copy/client_encoding.hpp"

namespace pgswitch::copy {

using protocol::Severity;
using rules::TokenType;

namespace {

constexpr std::string_view syntax_error = "42601", wrong_value = "22023", not_supported = "0A000", wrong_column = "42P10";

}  // namespace

bool OptionList::fail(std::string_view sqlstate, std::string message, std::string hint) {
  error_ = {Severity::error, std::string(sqlstate), std::move(message), "", std::move(hint), 0};
  return false;
}

bool OptionList::once(bool& seen) { return std::exchange(seen, true) ? fail(syntax_error, "conflicting or redundant options") : true; }

bool OptionList::set_once(std::optional<std::string>& option, CopyTokens& tokens) {
  if (option) return fail(syntax_error, "conflicting or redundant options");
  option.emplace();
  return take_value(tokens, *option);
}

/// A string, a word or a number.
bool OptionList::take_value(CopyTokens& tokens, std::string& value) {
  if (auto text = tokens.take_string()) return value = std::move(*text), true;
  if (auto name = tokens.take_name()) return value = std::move(*name), true;
  if (tokens.type() != TokenType::integer && tokens.type() != TokenType::decimal)
    return fail(syntax_error, "an option of COPY has no value");
  value = tokens.text();
  tokens.skip();
  return true;
}

bool OptionList::read(CopyTokens& tokens) {
  // DELIMITERS stands before WITH, as it did before 7.3.
  if (tokens.is("using") || tokens.is("delimiters")) {
    tokens.take("using");
    if (!tokens.take("delimiters") || !set_once(delimiter_, tokens))
      return error_.message.empty() ? fail(syntax_error, "syntax error in COPY") : false;
  }
  tokens.take("with");
  return tokens.take(TokenType::left_paren) ? read_modern(tokens) : read_old(tokens);
}

bool OptionList::read_modern(CopyTokens& tokens) {
  do {
    const auto name = tokens.take_name();
    if (!name) return fail(syntax_error, "syntax error in the options of COPY");
    if (!take_option(tokens, *name)) return false;
  } while (tokens.take(TokenType::comma));
  return tokens.take(TokenType::right_paren) || fail(syntax_error, "syntax error in the options of COPY");
}

bool OptionList::take_option(CopyTokens& tokens, std::string_view name) {
  if (name == "format") return take_format(tokens);
  if (name == "delimiter") return set_once(delimiter_, tokens);
  if (name == "null") return set_once(null_, tokens);
  if (name == "quote") return set_once(quote_, tokens);
  if (name == "escape") return set_once(escape_, tokens);
  if (name == "encoding") return set_once(encoding_, tokens);
  if (name == "header") return once(header_seen_) && take_header(tokens);
  if (name == "force_not_null") return once(not_null_seen_) && take_columns(tokens, options_.force_not_null, true);
  if (name == "force_null") return once(force_null_seen_) && take_columns(tokens, options_.force_null, true);
  if (name == "force_quote") return take_forced_quotes(tokens, true);
  if (name == "freeze") {
    std::string value;
    if (!once(freeze_seen_)) return false;
    return tokens.type() == TokenType::comma || tokens.type() == TokenType::right_paren || take_value(tokens, value);
  }
  return fail(syntax_error, "option \"" + std::string(name) + "\" not recognized");
}

bool OptionList::take_forced_quotes(CopyTokens& tokens, bool in_parentheses) {
  if (!once(force_quote_seen_)) return false;
  if (tokens.type() != TokenType::op || tokens.text() != "*") return take_columns(tokens, options_.force_quote, in_parentheses);
  tokens.skip();
  return options_.force_quote_all = true;
}

bool OptionList::take_format(CopyTokens& tokens) {
  std::string format;
  if (!once(format_seen_) || !take_value(tokens, format)) return false;
  if (format == "csv") return options_.format = Format::csv, true;
  if (format == "binary") return binary_ = true;
  return format == "text" || fail(wrong_value, "COPY format \"" + format + "\" not recognized");
}

/// A Boolean value, or "match".
bool OptionList::take_header(CopyTokens& tokens) {
  options_.header = Header::yes;
  if (tokens.type() == TokenType::comma || tokens.type() == TokenType::right_paren) return true;
  std::string value;
  if (!take_value(tokens, value)) return false;
  std::transform(value.begin(), value.end(), value.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (value == "match") return options_.header = Header::match, true;
  if (value == "true" || value == "on" || value == "1") return true;
  if (value != "false" && value != "off" && value != "0") return fail(syntax_error, "header requires a Boolean value or \"match\"");
  options_.header = Header::no;
  return true;
}

bool OptionList::take_columns(CopyTokens& tokens, std::vector<std::string>& columns, bool in_parentheses) {
  if (in_parentheses && !tokens.take(TokenType::left_paren)) return fail(syntax_error, "argument to option must be a list of column names");
  do {
    auto name = tokens.take_name();
    if (!name) return fail(syntax_error, "argument to option must be a list of column names");
    columns.push_back(std::move(*name));
  } while (tokens.take(TokenType::comma));
  return !in_parentheses || tokens.take(TokenType::right_paren) || fail(syntax_error, "syntax error in the options of COPY");
}

/// The syntax before 9.0: words in any order.
bool OptionList::read_old(CopyTokens& tokens) {
  while (!tokens.at_end() && !tokens.is("where")) {
    if (tokens.take("binary")) {
      if (!once(format_seen_)) return false;
      binary_ = true;
    } else if (tokens.take("csv")) {
      if (!once(format_seen_)) return false;
      options_.format = Format::csv;
    } else if (tokens.take("freeze")) {
      if (!once(freeze_seen_)) return false;
    } else if (tokens.take("header")) {
      if (!once(header_seen_)) return false;
      options_.header = Header::yes;
    } else if (tokens.take("force")) {
      if (tokens.take("not")) {
        if (!tokens.take("null") || !once(not_null_seen_) || !take_columns(tokens, options_.force_not_null, false)) return false;
      } else if (tokens.take("null")) {
        if (!once(force_null_seen_) || !take_columns(tokens, options_.force_null, false)) return false;
      } else if (tokens.take("quote")) {
        if (!take_forced_quotes(tokens, false)) return false;
      } else {
        return fail(syntax_error, "syntax error in COPY");
      }
    } else {
      const auto name = tokens.take_name();
      constexpr std::string_view known[] = {"delimiter", "null", "quote", "escape", "encoding"};
      if (!name || std::find(std::begin(known), std::end(known), *name) == std::end(known))
        return fail(syntax_error, "syntax error in COPY");
      if (*name != "encoding") tokens.take("as");
      if (!take_option(tokens, *name)) return false;
    }
  }
  return true;
}

bool OptionList::check() {
  if (binary_) return fail(not_supported, "COPY in the binary format cannot be run on Redshift", "Use the text or the CSV format.");
  const bool csv = options_.format == Format::csv;
  if (csv) options_.delimiter = ',', options_.null.clear();
  if (null_) options_.null = *null_;
  if (encoding_ && !find_client_encoding(*encoding_))
    return fail(wrong_value, "argument to option \"encoding\" must be a valid encoding name");
  if (encoding_) options_.encoding = *encoding_;
  return check_characters() && check_forced();
}

bool OptionList::check_characters() {
  const bool csv = options_.format == Format::csv;
  if (delimiter_ && delimiter_->size() != 1) return fail(not_supported, "COPY delimiter must be a single one-byte character");
  if (delimiter_) options_.delimiter = delimiter_->front();
  if (options_.delimiter == '\r' || options_.delimiter == '\n')
    return fail(wrong_value, "COPY delimiter cannot be newline or carriage return");
  if (options_.null.find_first_of("\r\n") != std::string::npos)
    return fail(wrong_value, "COPY null representation cannot use newline or carriage return");
  constexpr std::string_view escapes = "\\.abcdefghijklmnopqrstuvwxyz0123456789";
  if (!csv && escapes.find(options_.delimiter) != std::string_view::npos)
    return fail(wrong_value, "COPY delimiter cannot be \"" + std::string(1, options_.delimiter) + "\"");
  if (options_.header == Header::match && !copy_.from) return fail(not_supported, "cannot use \"match\" with HEADER in COPY TO");
  if (!csv && quote_) return fail(not_supported, "COPY quote available only in CSV mode");
  if (quote_ && quote_->size() != 1) return fail(not_supported, "COPY quote must be a single one-byte character");
  if (quote_) options_.quote = quote_->front();
  if (csv && options_.delimiter == options_.quote) return fail(wrong_value, "COPY delimiter and quote must be different");
  if (!csv && escape_) return fail(not_supported, "COPY escape available only in CSV mode");
  if (escape_ && escape_->size() != 1) return fail(not_supported, "COPY escape must be a single one-byte character");
  options_.escape = escape_ ? escape_->front() : options_.quote;
  return true;
}

bool OptionList::check_forced() {
  const bool csv = options_.format == Format::csv;
  if (!csv && force_quote_seen_) return fail(not_supported, "COPY force quote available only in CSV mode");
  if (force_quote_seen_ && copy_.from) return fail(not_supported, "COPY force quote only available using COPY TO");
  if (!csv && not_null_seen_) return fail(not_supported, "COPY force not null available only in CSV mode");
  if (not_null_seen_ && !copy_.from) return fail(not_supported, "COPY force not null only available using COPY FROM");
  if (!csv && force_null_seen_) return fail(not_supported, "COPY force null available only in CSV mode");
  if (force_null_seen_ && !copy_.from) return fail(not_supported, "COPY force null only available using COPY FROM");
  if (options_.null.find(options_.delimiter) != std::string::npos)
    return fail(not_supported, "COPY delimiter must not appear in the NULL specification");
  if (csv && options_.null.find(options_.quote) != std::string::npos)
    return fail(not_supported, "CSV quote character must not appear in the NULL specification");
  const auto unknown = [&](const std::vector<std::string>& names) {
    return std::find_if(names.begin(), names.end(), [&](const std::string& name) {
      return std::find(copy_.columns.begin(), copy_.columns.end(), name) == copy_.columns.end();
    });
  };
  if (copy_.columns.empty()) return true;  // the table's own are known later
  for (const auto& [names, option] : {std::pair{&options_.force_quote, "FORCE_QUOTE"},
                                      std::pair{&options_.force_not_null, "FORCE_NOT_NULL"}, std::pair{&options_.force_null, "FORCE_NULL"}})
    if (const auto name = unknown(*names); name != names->end())
      return fail(wrong_column, std::string(option) + " column \"" + *name + "\" not referenced by COPY");
  return true;
}

}  // namespace pgswitch::copy
