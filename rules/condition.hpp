#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "rules/facts.hpp"
#include "rules/network.hpp"
#include "rules/patterns.hpp"
#include "rules/query_shape.hpp"
#include "rules/regex.hpp"
#include "rules/statement.hpp"

namespace pgswitch::rules {

/// What a condition looks at, in the order in which the conditions of a rule are asked: cheap ones and those of the
/// statement's shape first, so that a decision depends on as little as it can.
enum class Subject : std::uint8_t {
  kind, parsed, read_only, aggregate, window, group_by, distinct, limit, joins, subquery, for_update, returning, fingerprint,
  command, functions, tables, reads, writes, shape, in_transaction, tls, user, database, application_name, certificate, client_address,
  matches, wrote_within, hour,
};
/// The name of it in a rules file.
std::string_view to_string(Subject subject);
std::optional<Subject> subject_of(std::string_view name);
/// Is it true or false? All others but wrote_within and the hour are held against a list.
bool is_flag(Subject subject);
/// "kind, parsed, ...".
std::string subject_names();

/// A statement of a session that rules are held against, and what of it they have looked at so far.
struct Question {
  const Statement& statement;
  std::string_view text;
  const Facts& facts;
  const std::function<std::int64_t()>& unix_us;
  const std::function<std::int64_t()>& now_us;
  std::uint64_t budget = 0;  ///< what regular expressions and shapes may take, in instructions of Lua
  Dependencies read = bit(Dependency::shape);
  bool exhausted = false;    ///< the budget is used up: no answer holds
};

/// From the first hour of the day until the second, which is not among them; over midnight when it is the smaller one.
struct Hours {
  std::int8_t from = 0;
  std::int8_t until = 0;
  bool hold(int hour) const { return from < until ? hour >= from && hour < until : hour >= from || hour < until; }
};

/// A time that reaches back from now, in µs.
struct Within {
  std::int64_t us = 0;
};

/// One condition of a rule: any of its items holds, or none when it is negated. Compiled when the rules are loaded.
class Condition {
 public:
  Condition() = default;
  Condition(Subject subject, bool negated);

  Subject subject() const { return subject_; }
  bool comes_before(const Condition& other) const {
    return subject_ != other.subject_ ? subject_ < other.subject_ : !negated_ && other.negated_;
  }
  /// Takes one item of the list; false and `error` when it is none.
  bool add(std::string_view item, std::string& error);
  void set(Hours hours) { items_ = hours; }
  void set(Within within) { items_ = within; }

  bool holds(Question& question) const { return is_true(question) != negated_; }
  /// A statement whose name_bits() have none of these does not meet it.
  NameBits table_bits() const;
  /// Can it hold for a text that PostgreSQL's grammar refuses, and for no other?
  bool is_for_unparsed() const;
  /// How many parameters a statement has that meets it, if it is about shapes and all have as many.
  std::optional<std::uint16_t> parameters() const;

 private:
  using Names = std::vector<std::string>;
  using Fingerprints = std::vector<std::uint64_t>;
  using Networks = std::vector<Network>;
  using Regexes = std::vector<std::unique_ptr<Regex>>;
  using Shapes = std::vector<std::unique_ptr<QueryShape>>;

  NameBits shape_bits() const;
  bool is_true(Question& question) const;
  bool is_true_of_session(Question& question) const;
  bool has_written(const Question& question) const;
  bool matches(Question& question) const;
  bool has_shape(Question& question) const;
  bool add_kind(std::string_view item, std::string& error);
  bool add_fingerprint(std::string_view item, std::string& error);
  bool add_network(std::string_view item, std::string& error);
  bool add_regex(std::string_view item, std::string& error);
  bool add_shape(std::string_view item, std::string& error);
  bool add_name(std::string_view item, std::string& error);

  Subject subject_ = Subject::kind;
  bool negated_ = false;
  /// A set of kinds, or what else the subject is held against.
  std::variant<std::monostate, std::uint64_t, Names, Fingerprints, Networks, Regexes, Shapes, Hours, Within> items_;
};

}  // namespace pgswitch::rules
