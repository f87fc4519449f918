#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rules/rewrite.hpp"
#include "rules/statement.hpp"

namespace pgswitch::rules {

/// A Route name, interned for the life of the process (see route_names.hpp). 0 is the first interned name.
using RouteId = std::uint32_t;
inline constexpr RouteId no_route = std::numeric_limits<RouteId>::max();

/// What the client is told instead of an answer.
struct Refusal {
  std::string sqlstate = "42501";
  std::string message;
  std::string detail;
  std::string hint;
  std::uint32_t position = 0;  ///< in the client's text, characters from 1; 0: none
};

/// Rows a rule returns without a server. Every value is text; nullopt is NULL.
struct Answer {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
};

/// How a statement may run, beside where. Only those that go to a server have any.
struct StatementLimits {
  std::int64_t delay_us = 0;    ///< waited before it is sent
  std::int64_t timeout_us = 0;  ///< running longer it is cancelled (57014); 0: as long as it takes
  std::uint64_t max_rows = 0;   ///< a result with more is an error (54000); 0: any number
  bool operator==(const StatementLimits&) const = default;
  bool any() const { return *this != StatementLimits(); }
  /// "delay 0.2 s, timeout 5 s, max_rows 1000"; "" for none.
  std::string describe() const;
  /// Those of `more` that are set, in place of these.
  void add(const StatementLimits& more);
};

/// What a rule counts for each statement that it is asked about. `metric`: place in Engine::metrics().
struct MetricCount {
  std::uint32_t metric = 0;
  double amount = 0;
};

/// What a decision was made from. It may be reused for another statement only while none of these differs.
enum class Dependency : std::uint32_t {
  shape = 1u << 0,            ///< literal-blind facts: always
  text = 1u << 1,             ///< text or literals: good for this exact text only
  user = 1u << 2,
  database = 1u << 3,
  application_name = 1u << 4,
  client_address = 1u << 5,
  in_transaction = 1u << 6,
  volatile_ = 1u << 7,        ///< time, randomness, load: not cacheable
  tls = 1u << 8,              ///< and the client's certificate
  search_path = 1u << 9,
  wished_route = 1u << 10,
};
using Dependencies = std::uint32_t;
constexpr Dependencies bit(Dependency d) { return static_cast<Dependencies>(d); }
constexpr bool has(Dependencies all, Dependency d) { return (all & bit(d)) != 0; }
/// "app", "none": a route's name where no_route means that there is none.
std::string describe_fallback(RouteId route);
/// In words: "the statement's shape, the user".
std::string describe(Dependencies dependencies);

/// What a rule that only observes would have made of a statement, or all rules when they only observe.
struct Observation {
  std::string rule;                 ///< as Decision::rule
  std::string would;                ///< "route app.redshift", "reject 42501 \"no\"", "answer", "pass"; with ", rewrite" behind it
  std::uint32_t rule_index = 0;     ///< places in RuleStats, as those of a Decision
  std::uint32_t rewrite_index = 0;
  std::uint64_t fingerprint = 0;    ///< of the statement
  bool refusal = false;
  bool answer = false;
  bool rewrite = false;
};

/// What the rules said of one statement. Immutable, shared inside a worker.
struct Decision {
  enum class Verb : std::uint8_t { route, reject, answer };
  Verb verb = Verb::route;
  RouteId route = no_route;              ///< no_route: the client's own database
  std::optional<std::string> rewritten;  ///< text to send instead
  /// The edits that it was made by, good for every text of the shape; null when a rule wrote it as a whole.
  std::shared_ptr<const std::vector<TokenEdit>> edits;
  PositionMap positions;                 ///< of `rewritten` in the text as it came, with `edits`
  Refusal refusal;
  Answer answer;
  StatementLimits limits;
  std::vector<MetricCount> metrics;
  std::string rule;                      ///< who decided: "rules.lua:12 route", "rules.lua:30 analytics" of the table, or "default"
  std::uint32_t rule_index = 0;          ///< place of the rule in RuleStats
  std::uint32_t rewrite_index = 0;       ///< place of the rule that rewrote, with `rewritten`
  Dependencies depends_on = bit(Dependency::shape);
  std::vector<Observation> observed;     ///< counted and logged, of no effect
  /// Route that is asked what the leader node of Redshift refuses; no_route: nobody is; nullopt: the fallback_route of the database.
  std::optional<RouteId> fallback;
};
using DecisionPtr = std::shared_ptr<const Decision>;

/// One statement of a query string with its decision. `statement` is what the server will be sent: the analysis of the
/// rewritten text when the rules rewrote it. `begin`, `size`: its bytes in the text as it came;
/// for a Script of one statement they are 0 and npos, meaning the whole text.
struct ScriptItem {
  StatementPtr statement;
  DecisionPtr decision;
  std::uint32_t begin = 0;
  std::uint32_t size = std::numeric_limits<std::uint32_t>::max();
  std::uint64_t fingerprint = 0;  ///< of the statement as it came
};

/// Some statements of a query string, in their order.
using ScriptItems = std::span<const ScriptItem>;

/// A query string, understood and decided: what SessionCore works from. Immutable, shared inside a worker.
struct Script {
  std::vector<ScriptItem> items;   ///< one per statement; one item of Kind::empty for an empty string
  std::uint64_t generation = 0;    ///< of the rules that decided
  /// One statement, Verb::route, no rewrite, no effects, no transaction control, names no prepared statement: the path of nearly every query.
  bool plain = false;
  /// Over a limit of the analysis: decided by its tokens.
  bool oversized = false;
};
using ScriptPtr = std::shared_ptr<const Script>;

}  // namespace pgswitch::rules
