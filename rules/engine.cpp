#include "rules/engine.hpp"

#include <algorithm>
#include <utility>

#include "rules/analyze.hpp"
#include "rules/cache.hpp"
#include "rules/chain.hpp"
#include "rules/edited_scripts.hpp"
#include "rules/explain.hpp"
#include "rules/misreading.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::rules {

namespace {

// The text of the only statement of `sql` as analyze() would cut it: without blanks and semicolons around it.
std::string_view only_statement(std::string_view sql, bool comments, const Facts& facts) {
  constexpr std::string_view around = " \t\n\r\f\v;";
  if (!comments) {
    const std::size_t begin = std::min(sql.find_first_not_of(around), sql.size());
    return sql.substr(begin, sql.find_last_not_of(around) + 1 - begin);
  }
  TokenReader reader(sql, {facts.standard_conforming_strings});
  std::uint32_t end = 0;
  for (Token token = reader.next(); token.type != TokenType::end; token = reader.next()) {
    if (token.type != TokenType::comment && token.type != TokenType::semicolon) end = token.begin + token.size;
  }
  const std::size_t begin = std::min<std::size_t>(sql.find_first_not_of(around), end);
  return sql.substr(begin, end - begin);
}

// An escape string or a Unicode one may be wrong inside, which makes the whole text one that does not parse: that says
// nothing of other texts of the shape.
bool may_be_wrong_inside(std::string_view shape) {
  constexpr char fragile[] = {shape_placeholder(TokenType::escape_string), shape_placeholder(TokenType::unicode_string),
                              shape_placeholder(TokenType::bit_string), shape_placeholder(TokenType::hex_string)};
  return shape.find_first_of(std::string_view(fragile, sizeof fragile)) != std::string_view::npos;
}

bool is_plain(const Script& script) {
  if (script.items.size() != 1 || script.oversized) return false;
  const Statement& statement = *script.items.front().statement;
  const Decision& decision = *script.items.front().decision;
  if (decision.verb != Decision::Verb::route || decision.rewritten || decision.limits.any()) return false;
  if (statement.effects != 0 || !statement.prepared.empty() || !statement.variables.empty() || statement.is_transaction_control()) return false;
  switch (statement.kind) {
    case Kind::empty:
    case Kind::set_transaction:
    case Kind::declare_cursor:
    case Kind::fetch: return false;
    default: return !shows_last_route(statement);
  }
}

/// What a lookup came to: the entries found, and the script if one of them has it.
struct Lookup {
  Scan scan;
  bool by_shape = false;  ///< the shape may be a key
  CacheEntry* shape = nullptr;
  CacheEntry* exact = nullptr;
  const ScriptPtr* script = nullptr;
  bool edited = false;     ///< the script has the text of another statement of the shape
};

class CachingEngine final : public Engine {
 public:
  CachingEngine(EngineOptions options, std::uint64_t generation)
      : options_(std::move(options)), generation_(generation), shapes_(options_.cache_bytes / 2), texts_(options_.cache_bytes / 2) {}

  bool load(std::string& error) {
    chain_ = Chain::create(options_, error);
    return chain_ != nullptr;
  }

  const ScriptPtr& decide(std::string_view sql, const Facts& facts) override {
    if (facts.ascii_in_characters && may_be_misread(sql, {facts.standard_conforming_strings})) return refuse_misreading();
    // What a rule binds into a statement is written for the encoding too, which no key of the cache has.
    const bool encoded = facts.ascii_in_characters && !options_.rules_file.empty();
    if (sql.size() > options_.parse_max_bytes || !facts.standard_conforming_strings || encoded) return decide_uncached(sql, facts);
    Lookup lookup = look_up(sql, facts);
    const ScriptPtr& script = lookup.script == nullptr ? decide_anew(sql, facts, lookup) : lookup.edited ? edited_.make(sql, *lookup.script) : *lookup.script;
    for (const ScriptItem& item : script->items) chain_->count(*item.decision);
    return script;
  }

  const Refusal* connect(const Facts& facts) override { return chain_->connect(facts); }
  Account account(std::string_view sql, const Facts& facts) override { return account_of(sql, facts, *chain_); }
  bool looks_at_sessions() const override { return !options_.rules_file.empty() || !options_.route_users.empty(); }
  bool is_strict() const override { return chain_->is_strict(); }
  std::uint64_t generation() const override { return generation_; }
  const std::vector<RuleStats>& rule_stats() const override { return std::as_const(*chain_).stats(); }

  const std::vector<Metric>& metrics() const override { return chain_->metrics(); }

  CacheStats cache_stats() const override {
    CacheStats stats = stats_;
    stats.evictions = shapes_.evictions() + texts_.evictions();
    stats.entries = shapes_.entries() + texts_.entries();
    stats.bytes = shapes_.bytes() + texts_.bytes();
    return stats;
  }

 private:
  // The shape comes first: statements that differ in literals only must not fill the level of exact texts.
  Lookup look_up(std::string_view sql, const Facts& facts) {
    Lookup found;
    if (scratch_.size() < shape_capacity(sql.size())) scratch_.resize(shape_capacity(sql.size()));
    found.scan = scan(sql, scratch_, {});
    found.by_shape = found.scan.has_shape && found.scan.statements <= 1 && !found.scan.danger.unterminated && !found.scan.danger.invalid;
    if (found.by_shape) found.shape = shapes_.find(found.scan.shape_hash, found.scan.shape);
    if (found.shape != nullptr) found.script = found.shape->find_variant(facts);
    if (found.script != nullptr) {
      ++stats_.shape_hits;
      found.edited = (*found.script)->items.front().decision->edits != nullptr;
      return found;
    }
    found.exact = texts_.find(hash_bytes(sql), sql);
    if (found.exact != nullptr) found.script = found.exact->find_variant(facts);
    ++(found.script != nullptr ? stats_.exact_hits : stats_.misses);
    return found;
  }

  const ScriptPtr& decide_anew(std::string_view sql, const Facts& facts, Lookup& found) {
    auto script = std::make_shared<Script>();
    bool cacheable = true;
    if (found.shape != nullptr) {
      script->items = found.shape->items;
    } else if (found.exact != nullptr) {
      script->items = found.exact->items;
    } else {
      cacheable = understand(sql, facts, *script);
      if (cacheable && found.by_shape && fits_shape(*script, found.scan)) {
        found.shape = shapes_.insert(found.scan.shape_hash, found.scan.shape, script->items);
      }
    }
    const std::vector<ScriptItem> analysis = script->items;
    const Dependencies read = decide_items(sql, facts, found.scan.comments, *script);
    current_ = std::move(script);
    if (cacheable) keep(sql, facts, found, analysis, read);
    return current_;
  }

  const ScriptPtr& refuse_misreading() {
    auto statement = std::make_shared<Statement>();
    statement->kind = Kind::unparsed;
    statement->parsed = false;
    auto decision = std::make_shared<Decision>();
    decision->verb = Decision::Verb::reject;
    decision->refusal = misreading_refusal();
    decision->rule = "default";
    auto script = std::make_shared<Script>();
    script->items.push_back({std::move(statement), std::move(decision)});
    finish(*script);
    current_ = std::move(script);
    chain_->count(*current_->items.front().decision);
    return current_;
  }

  const ScriptPtr& decide_uncached(std::string_view sql, const Facts& facts) {
    auto script = std::make_shared<Script>();
    understand(sql, facts, *script);
    decide_items(sql, facts, true, *script);
    current_ = std::move(script);
    ++stats_.misses;
    for (const ScriptItem& item : current_->items) chain_->count(*item.decision);
    return current_;
  }

  /// Analyses `sql`. False when the result should not be kept.
  bool understand(std::string_view sql, const Facts& facts, Script& script) {
    const AnalyzedScript analyzed = analyze(sql, chain_->analysis(facts));
    script.oversized = analyzed.oversized();
    for (const AnalyzedStatement& one : analyzed.statements) {
      if (!one.statement->parsed) ++stats_.parse_failures;
      script.items.push_back({one.statement, nullptr, one.begin, one.size});
    }
    if (script.items.size() == 1) {  // the whole text is sent
      script.items.front().begin = 0;
      script.items.front().size = std::numeric_limits<std::uint32_t>::max();
    }
    return !script.oversized;
  }

  static bool fits_shape(const Script& script, const Scan& scan) {
    if (script.items.size() != 1) return false;
    const Statement& statement = *script.items.front().statement;
    if (statement.literal_sensitive) return false;
    return statement.parsed || scan.literals == 0 || !may_be_wrong_inside(scan.shape);
  }

  /// Asks the rules about each statement; what the decisions depend on.
  Dependencies decide_items(std::string_view sql, const Facts& facts, bool comments, Script& script) {
    if (script.items.size() == 1) {
      const Dependencies read = decide_item({only_statement(sql, comments, facts), without_blanks(sql), sql}, facts, script.items.front());
      finish(script);
      return read;
    }
    Facts now = facts;
    Dependencies read = 0;
    for (ScriptItem& item : script.items) {
      now.before = ScriptItems(script.items).first(static_cast<std::size_t>(&item - script.items.data()));
      const StatementPtr statement = item.statement;
      const std::string_view text = sql.substr(item.begin, item.size);
      read |= decide_item({text, text, text}, now, item);
      step_over(*statement, now);
    }
    finish(script);
    return read;
  }

  Dependencies decide_item(StatementText text, const Facts& facts, ScriptItem& item) {
    item.fingerprint = item.statement->fingerprint;
    Outcome outcome = chain_->decide(item.statement, text, facts);
    item.decision = std::move(outcome.decision);
    item.statement = std::move(outcome.sent);
    return item.decision->depends_on;
  }

  void finish(Script& script) const {
    script.generation = generation_;
    script.plain = is_plain(script);
  }

  /// Memoises current_ where what it depends on allows.
  void keep(std::string_view sql, const Facts& facts, Lookup& found, const std::vector<ScriptItem>& analysis, Dependencies read) {
    const bool lasts = !has(read, Dependency::volatile_);
    if (found.shape != nullptr && !has(read, Dependency::text)) {
      if (lasts) shapes_.add_variant(*found.shape, read, facts, current_);
      return;
    }
    if (found.shape != nullptr && !lasts) return;  // the analysis is with the shape already
    if (found.exact == nullptr) found.exact = texts_.insert(hash_bytes(sql), sql, analysis);
    if (found.exact != nullptr && lasts) texts_.add_variant(*found.exact, read, facts, current_);
  }

  EngineOptions options_;
  std::uint64_t generation_;
  std::unique_ptr<Chain> chain_;
  CacheLevel shapes_;
  CacheLevel texts_;
  CacheStats stats_;
  std::vector<char> scratch_;
  EditedScripts edited_;
  ScriptPtr current_;  ///< the last script that was decided anew
};

}  // namespace

std::unique_ptr<Engine> Engine::create(EngineOptions options, std::uint64_t generation, std::string& error) {
  auto engine = std::make_unique<CachingEngine>(std::move(options), generation);
  if (!engine->load(error)) return nullptr;
  return engine;
}

}  // namespace pgswitch::rules
