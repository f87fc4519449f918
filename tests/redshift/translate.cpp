#include "tests/redshift/translate.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "tests/redshift/facts.hpp"
#include "tests/redshift/names.hpp"
#include "tests/redshift/refusals.hpp"
#include "tests/redshift/translate_writer.hpp"

namespace pgswitch::stand_in {
namespace {

constexpr std::string_view own_schema = "redshift.", absent_schema = "redshift_absent.";

/// The settings of SET, SHOW and RESET: Redshift's own are redshift.NAME behind; PostgreSQL's are unknown (facts 2.1 "SET query_group").
std::optional<std::string> setting(const Token& token, const TranslateOptions& options) {
  if (is_own_setting(token.value)) return "redshift." + token.value;
  const bool style = token.value == "intervalstyle" && options.knows_intervalstyle;
  if (is_shared_setting(token.value) || style) return token.value;
  static constexpr std::string_view words[] = {"session", "local",           "time",           "transaction",       "all",
                                               "names",   "characteristics", "server_version", "server_version_num"};
  if (std::find(std::begin(words), std::end(words), token.value) != std::end(words)) return std::nullopt;
  throw text_error("42704", "unrecognized configuration parameter \"" + token.value + "\"", token.begin);
}

/// Where the name stands in SET [SESSION | LOCAL] name, SHOW name, RESET name; 0: in none.
std::size_t setting_place(const Tokens& tokens) {
  if (tokens.size() > 2 && tokens[0].is("set") && (tokens[1].is("session") || tokens[1].is("local"))) return 2;
  return tokens.size() > 1 && (tokens[0].is("set") || tokens[0].is("show") || tokens[0].is("reset")) ? 1 : 0;
}

/// Facts 1.6 "extra_float_digits = 3": the maximum is 2.
void check_float_digits(const Tokens& tokens, std::size_t place) {
  if (tokens[place].value != "extra_float_digits" || !tokens[0].is("set")) return;
  const Token& value = tokens.back();
  const bool negative = tokens[tokens.size() - 2].is_mark("-");
  if ((value.type == TokenType::number || value.type == TokenType::string) && !negative && std::atoi(value.value.c_str()) > 2)
    throw text_error("22023", value.value + " is outside the valid range for parameter \"extra_float_digits\" (-15 .. 2)", value.begin);
}

bool translate_session(const Statement& statement, const TranslateOptions& options, Translation& out) {
  const Tokens& tokens = statement.tokens;
  if (out.kind == Kind::begin) {
    // Facts 1.6 "isolation": every level is accepted and processed as one.
    const bool read_only = matches("^ ... read only", tokens);
    out.sql = "BEGIN ISOLATION LEVEL " + options.isolation + (read_only ? " READ ONLY" : "");
    return true;
  }
  if (matches("^ reset session authorization", tokens) || matches("^ set session authorization default", tokens)) {
    out.sql = "SET SESSION AUTHORIZATION " + quote_identifier(options.user);
    return true;
  }
  const bool of_session = matches("^ set session characteristics", tokens);
  if (!of_session && !matches("^ set transaction", tokens)) return false;
  // The level is accepted and stays as it is.
  const bool read_only = matches("^ ... read only", tokens), read_write = matches("^ ... read write", tokens);
  if (of_session)
    out.sql = std::string("SET default_transaction_read_only = ") + (read_only ? "on" : read_write ? "off" : "DEFAULT");
  else
    out.sql = "SET TRANSACTION ISOLATION LEVEL " + options.isolation + (read_only ? ", READ ONLY" : read_write ? ", READ WRITE" : "");
  return true;
}

class Translator {
 public:
  Translator(std::string_view text, const Statement& statement, const TranslateOptions& options, Translation& out)
      : tokens_(statement.tokens), options_(options), writer_(text, out) {}

  void run() {
    const std::size_t place = setting_place(tokens_);
    for (std::size_t i = 0; i < tokens_.size();) {
      if (place > 0 && i == place) {
        check_float_digits(tokens_, place);
        const std::optional<std::string> name = setting(tokens_[i], options_);
        if (name) {
          writer_.write(tokens_[i], *name);
          ++i;
          continue;
        }
      }
      i = one(i, tokens_.size());
    }
    if (!limit_.empty()) writer_.add(" LIMIT " + limit_);
  }

 private:
  const Token& at(std::size_t i) const {
    static const Token none{TokenType::punctuation, 0, 0, ""};
    return i < tokens_.size() ? tokens_[i] : none;
  }
  /// Index of the parenthesis that closes the one at `open`.
  std::size_t closing(std::size_t open) const {
    int depth = 0;
    for (std::size_t i = open; i < tokens_.size(); ++i) {
      depth += at(i).is_mark("(") ? 1 : at(i).is_mark(")") ? -1 : 0;
      if (depth == 0) return i;
    }
    return tokens_.size();
  }
  /// First and behind-last index of each argument of the call whose parenthesis is at `open`.
  std::vector<std::pair<std::size_t, std::size_t>> arguments(std::size_t open) const {
    std::vector<std::pair<std::size_t, std::size_t>> list;
    const std::size_t close = closing(open);
    std::size_t begin = open + 1;
    for (std::size_t i = open + 1, depth = 0; i <= close; ++i) {
      if (depth == 0 && (i == close || at(i).is_mark(","))) {
        list.emplace_back(begin, i);
        begin = i + 1;
      }
      if (at(i).is_mark("(")) ++depth;
      if (at(i).is_mark(")") && i < close) --depth;
    }
    return list;
  }
  void range(std::size_t begin, std::size_t end) {
    while (begin < end) begin = one(begin, end);
  }
  void copy(std::size_t i) { writer_.write(at(i)); }

  /// Writes what begins at token `i`; returns the token behind it.
  std::size_t one(std::size_t i, std::size_t end) {
    const Token& token = at(i);
    if (token.type == TokenType::op && is_absent_operator(token.value)) {
      writer_.write(token, "OPERATOR(" + std::string(absent_schema) + token.value + ")");
      return i + 1;
    }
    if (token.type == TokenType::quoted_word && token.value.starts_with('#') && i > 0 && at(i - 1).is("into"))
      return writer_.write(token, "TEMP \"" + token.value + '"'), i + 1;
    if (token.type != TokenType::word) {
      copy(i);
      return i + 1;
    }
    if (token.value == "pg_catalog" && at(i + 1).is_mark(".") && moves(i + 2)) return one(i + 2, end);
    if (i > 0 && at(i - 1).is_mark(".")) {
      if (!(i > 1 && at(i - 2).is("pg_catalog"))) {
        copy(i);
        return i + 1;
      }
    }
    // Facts 1.6 "E'..' strings": a type named e.
    if (token.value == "e" && at(i + 1).type == TokenType::string && at(i + 1).begin == token.end) {
      writer_.write(token, std::string(absent_schema) + "e ");
      return i + 1;
    }
    if (at(i + 1).is_mark("(") && !defines(i)) {
      if (const std::size_t next = call(i)) return next;
    }
    if (const std::size_t next = word(i)) return next;
    copy(i);
    return i + 1;
  }

  bool defines(std::size_t i) const {
    return i > 0 && (at(i - 1).is("function") || at(i - 1).is("procedure") || at(i - 1).is("into") || at(i - 1).is("table"));
  }
  bool stands_for_relation(std::size_t i) const {
    if (i == 0 || at(i + 1).is_mark("(") || at(i + 1).is_mark(".")) return false;
    for (const char* word : {"from", "join", "into", "update", "table", ","})
      if (at(i - 1).is(word) || at(i - 1).is_mark(word)) return true;
    return at(i - 1).is_mark(".") && at(i - 2).is("pg_catalog");
  }
  /// Is the name at `i`, which stands behind "pg_catalog.", in a schema of ours?
  bool moves(std::size_t i) const {
    const std::string& name = at(i).value;
    return at(i + 1).is_mark("(") ? function_name(name) != Name::ordinary : relation_name(name) != Name::ordinary || is_absent_type(name);
  }

  std::size_t call(std::size_t i) {
    const std::string& name = at(i).value;
    const auto list = arguments(i + 1);
    const std::size_t close = closing(i + 1);
    if (name == "nvl") return writer_.write(at(i), "coalesce"), i + 1;
    if (name == "nvl2" && list.size() == 3) {
      writer_.write(at(i), "CASE WHEN (");
      range(list[0].first, list[0].second);
      writer_.add(") IS NOT NULL THEN ");
      range(list[1].first, list[1].second);
      writer_.add(" ELSE ");
      range(list[2].first, list[2].second);
      writer_.add(" END");
      return close + 1;
    }
    if (name == "decode" && list.size() > 2) return decode(i, list, close);
    if (name == "convert" && list.size() == 2) {
      writer_.write(at(i), "CAST(");
      range(list[1].first, list[1].second);
      writer_.add(" AS ");
      range(list[0].first, list[0].second);
      writer_.add(")");
      return close + 1;
    }
    if (name == "listagg") return listagg(i, close);
    if ((name == "dateadd" || name == "datediff" || name == "date_part" || name == "date_trunc") && !list.empty() &&
        list[0].second == list[0].first + 1 && at(list[0].first).type == TokenType::word) {
      writer_.write(at(i), (name.starts_with("date_") ? "" : std::string(own_schema)) + name);
      copy(i + 1);
      writer_.write(at(list[0].first), quote_literal(at(list[0].first).value));
      return list[0].second;
    }
    switch (function_name(name)) {
      case Name::absent: return writer_.write(at(i), std::string(absent_schema) + name), i + 1;
      case Name::provided: return writer_.write(at(i), std::string(own_schema) + name), i + 1;
      case Name::ordinary: break;
    }
    // The length of VARCHAR(MAX) (facts 2.1 "VARCHAR(MAX)").
    if ((name == "varchar" || name == "nvarchar" || name == "varying") && at(i + 2).is("max")) {
      writer_.write(at(i), name == "varying" ? "varying(65535)" : "varchar(65535)");
      return i + 4;
    }
    if (name == "varbyte") return writer_.write(at(i), std::string(own_schema) + name), close + 1;
    if (name == "nvarchar" || name == "nchar") return writer_.write(at(i), name.substr(1) == "char" ? "char" : "varchar"), i + 1;
    return 0;
  }

  /// NULL equals NULL in DECODE.
  std::size_t decode(std::size_t i, const std::vector<std::pair<std::size_t, std::size_t>>& list, std::size_t close) {
    writer_.write(at(i), "CASE");
    std::size_t pair = 1;
    for (; pair + 1 < list.size(); pair += 2) {
      writer_.add(" WHEN (");
      range(list[0].first, list[0].second);
      writer_.add(") IS NOT DISTINCT FROM (");
      range(list[pair].first, list[pair].second);
      writer_.add(") THEN ");
      range(list[pair + 1].first, list[pair + 1].second);
    }
    if (pair < list.size()) {
      writer_.add(" ELSE ");
      range(list[pair].first, list[pair].second);
    }
    writer_.add(" END");
    return close + 1;
  }

  /// LISTAGG(x [, 'd']) [WITHIN GROUP (ORDER BY o)] (facts 2.2 "string_agg").
  std::size_t listagg(std::size_t i, std::size_t close) {
    writer_.write(at(i), std::string(own_schema) + "listagg(");
    range(i + 2, close);
    if (arguments(i + 1).size() == 1) writer_.add(", ''");
    if (!(at(close + 1).is("within") && at(close + 2).is("group") && at(close + 3).is_mark("("))) {
      writer_.add(")");
      return close + 1;
    }
    const std::size_t group_end = closing(close + 3);
    writer_.add(" ");
    range(close + 4, group_end);
    writer_.add(")");
    return group_end + 1;
  }

  /// Words that are no calls. 0: an ordinary one.
  std::size_t word(std::size_t i) {
    const std::string& name = at(i).value;
    if (stands_for_relation(i)) {
      const Name relation = relation_name(name);
      if (relation != Name::ordinary)
        return writer_.write(at(i), std::string(relation == Name::absent ? absent_schema : own_schema) + name), i + 1;
    }
    if (name == "sysdate" || name == "current_user_id") return writer_.write(at(i), std::string(own_schema) + name + "()"), i + 1;
    if (name == "minus" && (at(i + 1).is("select") || at(i + 1).is_mark("("))) return writer_.write(at(i), "EXCEPT"), i + 1;
    if (name == "top" && i > 0 && at(i - 1).is("select") && at(i + 1).type == TokenType::number) {
      limit_ = at(i + 1).value;
      return i + 2;
    }
    if (is_absent_type(name) && stands_for_type(i)) return writer_.write(at(i), std::string(absent_schema) + name), i + 1;
    if (stands_for_type(i)) {
      if (name == "datetime") return writer_.write(at(i), "timestamp"), i + 1;
      if (name == "super" || name == "varbyte") return writer_.write(at(i), std::string(own_schema) + name), i + 1;
      // Facts 2.2 "text": VARCHAR(256) where a column is defined.
      if (name == "text") return writer_.write(at(i), in_table() ? "varchar(256)" : "varchar"), i + 1;
    }
    return in_table() ? table_attribute(i) : 0;
  }

  bool in_table() const {
    return matches("^ create table", tokens_) || matches("^ create ? table", tokens_) || matches("^ alter table", tokens_) ||
           matches("^ create local temp|temporary table", tokens_);
  }

  bool stands_for_type(std::size_t i) const {
    if (i == 0) return false;
    if (at(i - 1).is_mark("::")) return true;
    if (at(i - 1).is("as") && (at(i + 1).is_mark(")") || at(i + 1).is_mark("("))) return true;
    if (at(i + 1).type == TokenType::string && !at(i - 1).is_mark(".")) return true;
    return in_table() && at(i - 1).is_name() && i > 1 &&
           (at(i - 2).is_mark("(") || at(i - 2).is_mark(",") || at(i - 2).is("column") || at(i - 2).is("add"));
  }

  /// DISTKEY, SORTKEY, DISTSTYLE, ENCODE, IDENTITY, BACKUP NO, in CREATE TABLE and ALTER TABLE: how Redshift stores is not emulated.
  std::size_t table_attribute(std::size_t i) {
    const std::string& name = at(i).value;
    if (i == 0 || at(i - 1).is_mark("(") || at(i - 1).is_mark(",")) return 0;
    if (name == "distkey" || name == "sortkey") return at(i + 1).is_mark("(") ? closing(i + 1) + 1 : i + 1;
    if (name == "compound" || name == "interleaved") return at(i + 1).is("sortkey") ? i + 1 : 0;
    if (name == "diststyle" || name == "encode" || name == "backup") return i + 2;
    if (name == "identity" && at(i + 1).is_mark("(")) {
      const auto list = arguments(i + 1);
      const bool by_default = at(i - 1).is("as");
      if (list.size() != 2) return 0;
      writer_.write(at(i), by_default ? "IDENTITY" : "GENERATED ALWAYS AS IDENTITY");
      writer_.add(" (START WITH " + at(list[0].first).value + " MINVALUE " + at(list[0].first).value + " INCREMENT BY " +
                  at(list[1].first).value + ")");
      return closing(i + 1) + 1;
    }
    return 0;
  }

  const Tokens& tokens_;
  const TranslateOptions& options_;
  TokenWriter writer_;
  std::string limit_;
};

}  // namespace

Translation translate(std::string_view text, const Statement& statement, const TranslateOptions& options) {
  Translation out;
  find_facts(statement, out);
  if (!translate_session(statement, options, out)) Translator(text, statement, options, out).run();
  // A # names a temporary table.
  const Tokens& tokens = statement.tokens;
  const std::size_t name = tokens.size() > 5 && tokens[2].is("if") ? 5 : 2;  // IF NOT EXISTS
  if (tokens.size() > name && tokens[0].is("create") && tokens[1].is("table") && tokens[name].value.starts_with('#'))
    out.sql.insert(tokens[0].value.size(), " temp");
  return out;
}

std::string quote_literal(std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\0') continue;
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  return quoted + "'";
}

std::string quote_identifier(std::string_view value) {
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::size_t place_before(const Translation& translation, std::size_t place) {
  const auto behind = std::upper_bound(translation.moved.begin(), translation.moved.end(), place,
                                       [](std::size_t value, const auto& pair) { return value < pair.first; });
  return behind == translation.moved.begin() ? place : std::prev(behind)->second;
}

std::string without_own_schemas(std::string message) {
  for (const std::string_view schema : {absent_schema, own_schema})
    for (std::size_t at; (at = message.find(schema)) != std::string::npos;) message.erase(at, schema.size());
  return message;
}

}  // namespace pgswitch::stand_in
