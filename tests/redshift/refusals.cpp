#include "tests/redshift/refusals.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace pgswitch::stand_in {
namespace {

/// A pattern is words with blanks between: `^` the statement's beginning, `$` its end, `'` a string, `#` a number, `@` a name, `?` any
/// token, `...` any tokens, `~` any tokens up to the parenthesis that closes around them, `a|b` one of them, `!a|b` a token that is none
/// of them; anything else is that word or mark. A token marked with `>` is the one that the message is about, the first one if none is.
/// No message: a syntax error at that token. Messages: `{statement}` is the statement's text, `{}` that of the marked token.
struct Refusal {
  std::string_view pattern;
  std::string_view sqlstate;
  std::string_view message;
  std::string_view source;  ///< section of the facts; [?]: that it is refused is documented, the words are not
};

constexpr Refusal table[] = {
    // 1.6 "DISCARD ALL", "DEALLOCATE ALL", "CLOSE ALL, LISTEN/UNLISTEN/NOTIFY"
    {"^ >discard", "42601", "", "1.6 [I]"},
    {"^ deallocate >all", "42601", "", "1.6 [C]"},
    {"^ deallocate prepare >all", "42601", "", "1.6 [C]"},
    {"^ close >all", "42601", "", "1.6 [C]"},
    {"^ listen|unlisten|notify", "0A000", "SQL command \"{statement}\" not supported.", "1.6 [?] words"},
    // 1.6 "SAVEPOINT / ROLLBACK TO SAVEPOINT"
    {"^ savepoint|release", "0A000", "SQL command \"{statement}\" not supported.", "1.6 [?] words"},
    {"^ rollback|abort to", "0A000", "SQL command \"{statement}\" not supported.", "1.6 [?] words"},
    {"^ rollback|abort work|transaction to", "0A000", "SQL command \"{statement}\" not supported.", "1.6 [?] words"},
    // 1.6 "COPY FROM STDIN / TO STDOUT"
    {"^ copy ... from >stdin", "0A000", "LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)",
     "1.6 [?] words"},
    {"^ copy ... to >stdout|'", "0A000", "UNLOAD destination is not supported. (Hint: only S3 based unload is allowed)", "1.6 [?] words"},
    // 1.6 Cursors
    {"^ declare @ ... >scroll ... cursor", "0A000", "DECLARE CURSOR ... SCROLL is not supported", "1.6 [?] words"},
    {"^ declare @ ... cursor >with hold", "0A000", "DECLARE CURSOR ... WITH HOLD is not supported", "1.6 [?] words"},
    {"^ >move", "42601", "", "1.6 MOVE [?]"},
    {"^ fetch >backward|prior|first|last|absolute|relative", "0A000", "FETCH {} is not supported", "1.6 [?] words"},
    // 2.2: statements
    {"on >conflict", "42601", "", "2.2 [C]"},
    {"^ insert|update|delete|with ... >returning", "42601", "", "2.2 [C]"},
    {"select distinct >on (", "0A000", "SELECT DISTINCT ON is not supported", "2.2 [?] words"},
    {") filter >(", "42601", "", "2.2 [C]"},
    {"from|,|join lateral >(|@", "42601", "", "2.2 [C]"},
    {"( >values", "42601", "", "2.2 [C]"},
    {"^ >values", "42601", "", "2.2 [C]"},
    {"union|all >values", "42601", "", "2.2 [C]"},
    {"window >@ as (", "42601", "", "2.2 [C]"},
    {"fetch >first|next #|row|rows", "42601", "", "2.2 [C]"},
    {"fetch >first|next ( # ) rows", "42601", "", "2.2 [C]"},
    {"for >update|share|no|key", "0A000", "SELECT FOR UPDATE/SHARE is not supported", "2.2 [?] words"},
    {"is >distinct from", "42601", "", "2.2 [C]"},
    {"is not >distinct from", "42601", "", "2.2 [C]"},
    {">except|intersect all", "0A000", "{} ALL is not supported", "2.2 [?] words"},
    {"minus >all", "0A000", "MINUS ALL is not supported", "2.2 [?] words"},
    {">tablesample @ (", "42601", "", "2.2 [C]"},
    {"with >ordinality", "42601", "", "2.2 [C]"},
    {"over ( ~ nulls >first|last", "0A000", "NULLS clause in Window functions is not supported", "2.2 [?] words"},
    {"as >materialized (", "42601", "", "2.2 [C]"},
    {"as not >materialized (", "42601", "", "2.2 [C]"},
    // 2.2: arrays
    {"array >[", "42601", "", "2.2 [?] words"},
    {":: @ >[", "0A000", "array types are not supported", "2.2 [?] words"},
    {"any|all >( !select|(|with", "0A000", "ANY and ALL of an array are not supported", "2.2 [?] words"},
    // 1.6 isolation: no DEFERRABLE in the synopsis of BEGIN
    {"^ begin|start ... >deferrable", "42601", "", "1.6 [C]"},
    {"^ set session characteristics ... >deferrable", "42601", "", "1.6 [C]"},
    {"^ set transaction ... >snapshot|deferrable", "42601", "", "1.6 [C]"},
    {"^ prepare >transaction", "42601", "", "1.6 [?]"},
    {"^ commit >prepared|and", "42601", "", "1.6 [?]"},
    {"^ rollback >prepared|and", "42601", "", "1.6 [?]"},
    // 1.4: SHOW server_version
    {"^ show >server_version|server_version_num", "42501", "must be superuser to examine \"server_version\"", "1.4 [C]"},
    // 2.2: indexes, triggers, sequences, partitions
    {"^ create index", "0A000", "SQL command \"{statement}\" not supported on Redshift tables.", "2.2 [?] words"},
    {"^ create unique index", "0A000", "SQL command \"{statement}\" not supported on Redshift tables.", "2.2 [?] words"},
    {"^ create|drop|alter >trigger|rule|sequence|extension|domain|tablespace|aggregate|operator|server|type|index", "0A000",
     "SQL command \"{statement}\" not supported.", "2.2 [?] words"},
    {"^ create >foreign", "42601", "", "2.2 [C]"},
    {"^ create table ... ) >partition by", "42601", "", "2.2 [C]"},
    {"^ create table ... >inherits (", "0A000", "INHERITS is not supported", "2.2 [?] words"},
    {"^ >do '", "42601", "", "2.2 [?]"},
    {"^ >reindex|cluster|checkpoint|load|reassign", "42601", "", "2.2 [?]"},
};

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(at), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

bool is_one(std::string_view word, const Token& token) {
  if (word == "?") return true;
  if (word == "'") return token.type == TokenType::string || token.type == TokenType::body;
  if (word == "#") return token.type == TokenType::number || token.type == TokenType::parameter;
  if (word == "@") return token.is_name();
  return token.is(word) || token.is_mark(word);
}

bool is_one_of(std::string_view words, const Token& token) {
  const bool wanted = !words.starts_with('!') || words == "!";
  if (!wanted) words.remove_prefix(1);
  for (const std::string_view word : split(words, '|'))
    if (is_one(word, token)) return wanted;
  return !wanted;
}

/// `marked`: the index of the token marked with `>`.
bool matches(std::span<const std::string_view> words, const Tokens& tokens, std::size_t at, std::size_t* marked) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (word == "^") {
      if (at != 0) return false;
      continue;
    }
    if (word == "$") return at == tokens.size();
    if (word == "..." || word == "~") {
      for (int depth = 0; at <= tokens.size(); ++at) {
        if (matches(words.subspan(i + 1), tokens, at, marked)) return true;
        if (at == tokens.size()) break;
        depth += tokens[at].is_mark("(") ? 1 : tokens[at].is_mark(")") ? -1 : 0;
        if (word == "~" && depth < 0) break;
      }
      return false;
    }
    if (at >= tokens.size()) return false;
    if (word.starts_with('>') && word.size() > 1) {
      word.remove_prefix(1);
      if (marked) *marked = at;
    }
    if (!is_one_of(word, tokens[at])) return false;
    ++at;
  }
  return true;
}

std::string text_of(std::string_view message, std::string_view statement, std::string_view marked) {
  std::string result(message);
  for (const auto& [mark, value] : {std::pair<std::string_view, std::string_view>{"{statement}", statement}, {"{}", marked}}) {
    const std::size_t place = result.find(mark);
    if (place != std::string::npos) result.replace(place, mark.size(), value);
  }
  return result;
}

std::optional<TextError> find(std::string_view text, const Statement& statement, bool by_parser) {
  for (const Refusal& refusal : table) {
    if ((refusal.sqlstate == "42601") != by_parser) continue;
    const std::vector<std::string_view> words = split(refusal.pattern, ' ');
    const std::size_t last = refusal.pattern.starts_with('^') ? 1 : statement.tokens.size();
    for (std::size_t at = 0; at < last; ++at) {
      std::size_t marked = at;
      if (!matches(words, statement.tokens, at, &marked)) continue;
      const Token& token = statement.tokens[marked];
      TextError error = syntax_error(text, token);
      if (!refusal.message.empty())
        error.error.message = text_of(refusal.message, text.substr(statement.begin, statement.end - statement.begin), token.value);
      error.error.sqlstate = refusal.sqlstate;
      return error;
    }
  }
  return std::nullopt;
}

}  // namespace

bool matches(std::string_view pattern, const Tokens& tokens, std::size_t at) { return matches(split(pattern, ' '), tokens, at, nullptr); }
std::optional<TextError> refused_by_parser(std::string_view text, const Statement& statement) { return find(text, statement, true); }
std::optional<TextError> refused(std::string_view text, const Statement& statement) { return find(text, statement, false); }

}  // namespace pgswitch::stand_in
