#include "rules/analyze_tokens.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "rules/quoting.hpp"
#include "rules/redshift_words.hpp"
#include "rules/temporary.hpp"
#include "rules/token_tables.hpp"
#include "rules/volatility.hpp"

namespace pgswitch::rules {
namespace {

constexpr std::size_t most_words = 256;
constexpr std::size_t most_heads = 16;

/// Behind so many tokens literals and signs are passed over, and behind the second number nothing is looked at: the worker has others
/// to serve.
constexpr std::size_t most_thorough = 20'000;
constexpr std::size_t most_tokens = 4'000'000;

/// The first tokens of a statement: enough to tell its kind.
struct Heads {
  std::vector<std::string> words;  ///< in lower case; anything but a word is "" or, if punctuation, itself
  std::string_view at(std::size_t i) const { return i < words.size() ? std::string_view(words[i]) : std::string_view(); }
};

/// Effects of the functions called by name in a text.
void note_call(const std::string& name, Statement& out) {
  const FunctionFacts facts = function_facts("", name);
  if (!facts.known) return;
  out.aggregate |= facts.aggregate;
  if (std::find(out.functions.begin(), out.functions.end(), name) == out.functions.end()) out.functions.push_back(name);
  if (name == "set_config") out.effects |= bit(Effect::unknown_settings);
  if (name == "currval" || name == "lastval") out.effects |= bit(Effect::sequence_state);
  if (name == "pg_advisory_unlock_all") {
    out.effects |= bit(Effect::advisory_unlock_all);
  } else if (name.starts_with("pg_advisory_unlock")) {
    out.effects |= bit(Effect::advisory_unlock);
  } else if (name.starts_with("pg_advisory_lock") || name.starts_with("pg_try_advisory_lock")) {
    out.effects |= bit(Effect::advisory_lock);
  }
}

struct Verb {
  std::string_view word;
  Kind kind;
  std::string_view command;
  Effects effects;
};

/// Statements about the session whose first word says everything.
constexpr Verb session_verbs[] = {
    {"savepoint", Kind::savepoint, "SAVEPOINT", 0},
    {"release", Kind::release, "RELEASE SAVEPOINT", 0},
    {"begin", Kind::begin, "BEGIN", 0},
    {"end", Kind::commit, "COMMIT", 0},
    {"show", Kind::show, "SHOW", 0},
    {"execute", Kind::execute, "EXECUTE", 0},
    {"fetch", Kind::fetch, "FETCH", 0},
    {"move", Kind::fetch, "MOVE", 0},
    {"listen", Kind::listen, "LISTEN", bit(Effect::listen)},
    {"notify", Kind::notify, "NOTIFY", 0},
    {"lock", Kind::lock, "LOCK", 0},
    {"call", Kind::call, "CALL", bit(Effect::unknown_settings)},
    {"do", Kind::do_, "DO", bit(Effect::unknown_settings)},
    {"explain", Kind::explain, "EXPLAIN", 0},
};

/// First words of statements that change no setting of the session by themselves.
constexpr std::string_view keeps_settings[] = {"alter",  "analyze", "comment", "copy",   "create", "delete", "drop",
                                               "explain", "grant",  "insert",  "merge",  "revoke", "select", "table",
                                               "truncate", "unload", "update", "vacuum", "values", "with"};
static_assert(std::is_sorted(std::begin(keeps_settings), std::end(keeps_settings)));

constexpr std::string_view replication_verbs[] = {"base_backup", "create_replication_slot", "drop_replication_slot",
                                                  "identify_system", "read_replication_slot", "start_replication",
                                                  "timeline_history"};

void become(Statement& out, Kind kind, std::string_view command, Effects effects) {
  out.kind = kind;
  out.command = command;
  out.effects |= effects;
}

/// PREPARE TRANSACTION and PREPARE; COMMIT, ROLLBACK and their relatives.
bool transaction_kind(const Heads& h, Statement& out) {
  const std::string_view verb = h.at(0);
  const std::string_view next = h.at(1) == "work" || h.at(1) == "transaction" ? h.at(2) : h.at(1);
  if (verb == "start" && h.at(1) == "transaction") {
    become(out, Kind::begin, "START TRANSACTION", 0);
  } else if (verb == "commit") {
    become(out, next == "prepared" ? Kind::utility : Kind::commit, next == "prepared" ? "COMMIT PREPARED" : "COMMIT", 0);
  } else if (verb == "rollback" && next == "prepared") {
    become(out, Kind::utility, "ROLLBACK PREPARED", 0);
  } else if (verb == "rollback" && next == "to") {
    become(out, Kind::rollback_to, "ROLLBACK TO SAVEPOINT", 0);
  } else if (verb == "rollback" || verb == "abort") {
    become(out, Kind::rollback, "ROLLBACK", 0);
  } else if (verb == "prepare" && h.at(1) == "transaction") {
    become(out, Kind::prepare_transaction, "PREPARE TRANSACTION", 0);
  } else {
    return false;
  }
  return true;
}

/// What SET or RESET names, and how many words that takes.
struct VariableName {
  std::string name;
  std::size_t size = 0;
};

/// Names with dots in them are those of extensions and applications; some settings have a syntax of their own.
VariableName variable_name(const Heads& h, std::size_t i) {
  if (h.at(i) == "session" && h.at(i + 1) == "authorization") return {"session_authorization", 2};
  if (h.at(i) == "time" && h.at(i + 1) == "zone") return {"timezone", 2};
  if (h.at(i) == "names") return {"client_encoding", 1};
  if (h.at(i) == "schema") return {"search_path", 1};
  VariableName found{fold_name(h.at(i)), 1};
  for (; h.at(i + found.size) == "."; found.size += 2) found.name.append(".").append(fold_name(h.at(i + found.size + 1)));
  return found;
}

/// Those that are set without a sign.
bool has_own_syntax(const Heads& h, std::size_t i, const VariableName& variable) {
  return variable.size == 2 || h.at(i) == "names" || h.at(i) == "schema" || h.at(i) == "role";
}

bool reset_kind(const Heads& h, Statement& out) {
  const bool all = h.at(1) == "all";
  become(out, Kind::reset, "RESET", bit(all ? Effect::reset_all : Effect::set_variable));
  if (!all) out.variables.push_back({variable_name(h, 1).name, {}, {}});
  return true;
}

/// SET and RESET. The statement itself is the way to set the variable again.
bool variable_kind(const Heads& h, std::string_view text, Statement& out) {
  if (h.at(0) == "reset") return reset_kind(h, out);
  if (h.at(0) != "set") return false;
  become(out, Kind::set, "SET", 0);
  const bool scoped = h.at(1) == "local" || (h.at(1) == "session" && h.at(2) != "authorization");
  const std::size_t first = scoped ? 2 : 1;
  const VariableName variable = variable_name(h, first);
  const std::string_view sign = h.at(first + variable.size);
  const bool known = !variable.name.empty() && (sign == "=" || sign == "to" || has_own_syntax(h, first, variable));
  if (variable.name == "constraints") {
    out.effects |= bit(Effect::set_local);
  } else if (variable.name == "transaction") {
    become(out, Kind::set_transaction, "SET TRANSACTION", bit(Effect::set_local));
  } else if (known || h.at(1) == "local") {
    const bool local = h.at(1) == "local";
    out.effects |= bit(local ? Effect::set_local : Effect::set_variable);
    if (variable.name == "search_path" && names_temporary_schema(text)) out.effects |= bit(Effect::temp_table);
    out.variables.push_back({variable.name, std::string(text), {}, local});
  } else {
    out.effects |= bit(Effect::unknown_settings);
  }
  return true;
}

bool all_or_one(const Heads& h, std::string_view word, Effect all, Effect one, Statement& out) {
  const std::string_view name = h.at(1) == "prepare" ? h.at(2) : h.at(1);
  const bool every = name == word || name == "*";
  out.effects |= bit(every ? all : one);
  if (!every) out.object = name;
  return true;
}

bool object_kind(const Heads& h, Statement& out) {
  const std::string_view verb = h.at(0);
  if (verb == "unlisten") {
    become(out, Kind::unlisten, "UNLISTEN", 0);
    return all_or_one(h, "*", Effect::unlisten_all, Effect::unlisten, out);
  }
  if (verb == "deallocate") {
    become(out, Kind::deallocate, "DEALLOCATE", 0);
    return all_or_one(h, "all", Effect::deallocate_all, Effect::deallocate, out);
  }
  if (verb == "close") {
    become(out, Kind::close_cursor, "CLOSE", 0);
    return all_or_one(h, "all", Effect::close_all_cursors, Effect::close_cursor, out);
  }
  if (verb == "prepare") {
    become(out, Kind::prepare, "PREPARE", bit(Effect::prepare));
    out.object = h.at(1);
    return true;
  }
  if (verb == "declare") {
    become(out, Kind::declare_cursor, "DECLARE", 0);
    out.object = h.at(1);
    return true;
  }
  if (verb != "discard") return false;
  const std::string_view what = h.at(1);
  become(out, Kind::discard, "DISCARD", 0);
  if (what == "all") out.effects |= bit(Effect::discard_all);
  if (what == "plans") out.effects |= bit(Effect::discard_plans);
  if (what == "temp" || what == "temporary") out.effects |= bit(Effect::discard_temp);
  return true;
}

bool verb_kind(const Heads& h, Statement& out) {
  for (const Verb& verb : session_verbs) {
    if (verb.word != h.at(0)) continue;
    become(out, verb.kind, verb.command, verb.effects);
    const bool names_object = verb.kind == Kind::savepoint || verb.kind == Kind::listen || verb.kind == Kind::notify;
    if (names_object) out.object = h.at(1);
    if (verb.kind == Kind::release) out.object = h.at(1) == "savepoint" ? h.at(2) : h.at(1);
    return true;
  }
  return false;
}

bool is_temp(std::string_view word) { return word == "temp" || word == "temporary"; }

/// Effects of statements that keep the kind `unparsed`.
void other_effects(const Heads& h, Statement& out) {
  const std::string_view verb = h.at(0);
  const bool local = h.at(1) == "local" || h.at(1) == "global";
  if (verb == "create" && (is_temp(h.at(1)) || (local && is_temp(h.at(2))))) {
    out.effects |= bit(Effect::temp_table);
  }
  if (std::find(std::begin(replication_verbs), std::end(replication_verbs), verb) != std::end(replication_verbs)) {
    out.effects |= bit(Effect::replication);
  } else if (!std::binary_search(std::begin(keeps_settings), std::end(keeps_settings), verb)) {
    out.effects |= bit(Effect::unknown_settings);
  }
}

/// One pass over the tokens.
class Evidence {
 public:
  Evidence(std::string_view text, bool refused, TokenOptions options, Statement& out) : reader_(text, options), refused_(refused), out_(out) {}
  void gather();
  const Heads& heads() const { return heads_; }

 private:
  void on_token(const Token& token);
  void on_word(const std::string& word, bool quoted);
  void note_temporary(const std::string& word, bool quoted);

  TokenReader reader_;
  const bool refused_;
  Statement& out_;
  Heads heads_;
  RedshiftWords redshift_;
  TableFinder tables_;
  std::string previous_;  ///< the last token if it is an unquoted word
  std::string called_;    ///< or a quoted one
  bool after_paren_ = false;  ///< the last token opens a parenthesis
};

void Evidence::gather() {
  Token t = reader_.next();
  std::size_t n = 0;
  for (; t.type != TokenType::end && n < most_tokens; ++n, t = reader_.next()) {
    if (t.type == TokenType::comment) continue;
    if (n < most_thorough || !is_literal(t.type)) on_token(t);
  }
  if (n > most_thorough) out_.effects |= bit(Effect::unknown_settings);
  out_.unread = t.type != TokenType::end;
  tables_.finish(out_);
  out_.redshift_keyword = redshift_.keyword();
}

void Evidence::on_token(const Token& token) {
  const bool word = token.type == TokenType::word, quoted = token.type == TokenType::quoted_word;
  std::string text = quoted ? unquote_name(reader_.text(token)) : word ? fold_name(reader_.text(token)) : std::string();
  if (heads_.words.size() < most_heads) {
    const bool mark = !word && !quoted && !is_literal(token.type);
    heads_.words.push_back(mark ? std::string(reader_.text(token)) : text);
  }
  redshift_.on_token(token, word ? std::string_view(text) : reader_.text(token));
  tables_.on_token(token, text);
  if (token.type == TokenType::left_paren && !called_.empty()) note_call(called_, out_);
  called_ = text;
  if (token.type == TokenType::parameter) {
    unsigned number = 0;
    for (char c : reader_.text(token).substr(1)) number = std::min(number * 10 + static_cast<unsigned>(c - '0'), 65535u);
    out_.parameters = std::max(out_.parameters, static_cast<std::uint16_t>(number));
  }
  // Redshift: a table whose name begins with # is a temporary one.
  const bool names_table = previous_ == "into" || previous_ == "table" || previous_ == "exists";
  if (names_table && reader_.text(token).starts_with('#')) out_.effects |= bit(Effect::temp_table);
  if (word || quoted) on_word(text, quoted);
  previous_ = word ? std::move(text) : std::string();
  after_paren_ = token.type == TokenType::left_paren;
}

void Evidence::on_word(const std::string& word, bool quoted) {
  if (out_.words.size() < most_words) out_.words.push_back(quoted ? fold_name(word) : word);
  note_temporary(word, quoted);
  if (quoted) return;
  if (word == "hold" && previous_ == "with") out_.effects |= bit(Effect::hold_cursor);
  if (word == "returning") out_.returning = true;
  if (word == "limit") out_.limit = true;
  if (word == "distinct" && previous_ == "select") out_.distinct = true;
  if (word == "by" && previous_ == "group") out_.group_by = true;
  if (word == "join") ++out_.joins;
  if (word == "over") out_.window = true;
  if (word == "select" && after_paren_) out_.subquery = true;
  if (previous_ == "for" && (word == "update" || word == "share")) out_.for_update = true;
}

/// Of a text that the server will take, the words may be anything but are rarely that; one that it refuses is rarely about it.
void Evidence::note_temporary(const std::string& word, bool quoted) {
  const bool surely = !refused_ || previous_ == "into";
  if (is_temporary_schema(word) || (quoted && word.starts_with('#')) || (!quoted && surely && is_temp(word))) out_.effects |= bit(Effect::temp_table);
}

/// UNLOAD ('SELECT ...') ...: the query, as Redshift reads it, where a backslash escapes in every string.
std::string unloaded_query(std::string_view text) {
  TokenReader reader(text, {false});
  Token token;
  do token = reader.next();
  while (token.type == TokenType::comment || token.type == TokenType::word || token.type == TokenType::left_paren);
  std::string_view quoted = reader.text(token);
  if (token.unterminated || (token.type != TokenType::string && token.type != TokenType::dollar_string)) return {};
  if (token.type == TokenType::dollar_string) {
    const std::size_t tag = quoted.find('$', 1) + 1;
    return std::string(quoted.substr(tag, quoted.size() - 2 * tag));
  }
  std::string query;
  quoted = quoted.substr(1, quoted.size() - 2);
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    if ((quoted[i] == '\\' || quoted[i] == '\'') && i + 1 < quoted.size()) ++i;
    query.push_back(quoted[i]);
  }
  return query;
}

}  // namespace

void describe_by_tokens(std::string_view text, bool refused, TokenOptions options, Statement& out) {
  out.kind = Kind::unparsed;
  out.parsed = false;
  out.read_only = false;
  out.literal_sensitive = true;
  Evidence evidence(text, refused, options, out);
  evidence.gather();
  const Heads& heads = evidence.heads();
  if (heads.at(0) == "unload" && heads.at(1) == "(") {
    Statement query;
    const std::string text_of_query = unloaded_query(text);
    Evidence(text_of_query, refused, {false}, query).gather();
    out.reads = std::move(query.reads);
    out.functions = std::move(query.functions);
    out.aggregate = query.aggregate;
  }
  if (heads.at(0) != "declare") out.effects &= ~bit(Effect::hold_cursor);
  const bool session = transaction_kind(heads, out) || variable_kind(heads, text, out) || object_kind(heads, out) || verb_kind(heads, out);
  if (!session) return other_effects(heads, out);
  if (!refused) return;
  out.kind = Kind::unparsed;
  out.command.clear();
}

}  // namespace pgswitch::rules
