#include "rules/condition.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace pgswitch::rules {

namespace {

constexpr std::array<std::string_view, 29> names = {
    "kind",     "parsed",     "read_only", "aggregate",   "window",  "group_by",  "distinct",       "limit", "joins",
    "subquery", "for_update", "returning", "fingerprint", "command", "functions", "tables",         "reads", "writes", "shape",
    "in_transaction", "tls",  "user",      "database",  "application_name", "certificate", "client_address", "matches", "wrote_within", "hour"};
static_assert(names.size() == static_cast<std::size_t>(Subject::hour) + 1);

constexpr std::uint64_t bit_of(Kind kind) { return std::uint64_t{1} << static_cast<unsigned>(kind); }
static_assert(static_cast<unsigned>(Kind::utility) < 64);

int local_hour(std::int64_t unix_us) {
  const auto seconds = static_cast<std::time_t>(unix_us / 1'000'000);
  std::tm local{};
  localtime_r(&seconds, &local);
  return local.tm_hour;
}

template <class Items, class Test>
bool any(const Items& items, Test test) {
  return std::any_of(items.begin(), items.end(), test);
}

bool is_session_name(Subject subject) { return subject >= Subject::user && subject <= Subject::certificate; }

}  // namespace

std::string_view to_string(Subject subject) { return names[static_cast<std::size_t>(subject)]; }

std::optional<Subject> subject_of(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Subject>(found - names.begin());
}

bool is_flag(Subject subject) {
  return (subject >= Subject::parsed && subject <= Subject::returning) || subject == Subject::in_transaction || subject == Subject::tls;
}

std::string subject_names() {
  std::string all;
  for (const std::string_view name : names) all.append(all.empty() ? "" : ", ").append(name);
  return all;
}

Condition::Condition(Subject subject, bool negated) : subject_(subject), negated_(negated) {
  switch (subject) {
    case Subject::kind: items_ = std::uint64_t{0}; break;
    case Subject::fingerprint: items_ = Fingerprints(); break;
    case Subject::client_address: items_ = Networks(); break;
    case Subject::matches: items_ = Regexes(); break;
    case Subject::shape: items_ = Shapes(); break;
    default:
      if (!is_flag(subject)) items_ = Names();
  }
}

bool Condition::add(std::string_view item, std::string& error) {
  switch (subject_) {
    case Subject::kind: return add_kind(item, error);
    case Subject::fingerprint: return add_fingerprint(item, error);
    case Subject::client_address: return add_network(item, error);
    case Subject::matches: return add_regex(item, error);
    case Subject::shape: return add_shape(item, error);
    default: return add_name(item, error);
  }
}

bool Condition::add_kind(std::string_view item, std::string& error) {
  for (unsigned number = 0; number <= static_cast<unsigned>(Kind::utility); ++number) {
    const auto kind = static_cast<Kind>(number);
    if (kind == Kind::empty || to_string(kind) != item) continue;
    std::get<std::uint64_t>(items_) |= bit_of(kind);
    return true;
  }
  error = "there is no kind '" + std::string(item) + "'";
  return false;
}

bool Condition::add_fingerprint(std::string_view item, std::string& error) {
  std::uint64_t number = 0;
  const char* const end = item.data() + item.size();
  const auto [stop, failed] = std::from_chars(item.data(), end, number, 16);
  if (item.size() != 16 || failed != std::errc() || stop != end) {
    error = "'" + std::string(item) + "' is not a fingerprint, which has 16 hexadecimal digits";
    return false;
  }
  std::get<Fingerprints>(items_).push_back(number);
  return true;
}

bool Condition::add_network(std::string_view item, std::string& error) {
  const std::optional<Network> network = Network::parse(item);
  if (!network) {
    error = "'" + std::string(item) + "' is neither an address, nor a network like 10.0.0.0/8, nor unix";
    return false;
  }
  std::get<Networks>(items_).push_back(*network);
  return true;
}

bool Condition::add_regex(std::string_view item, std::string& error) {
  std::unique_ptr<Regex> regex = Regex::compile(item, error);
  if (regex == nullptr) {
    error = "the regular expression '" + std::string(item.substr(0, 100)) + "' is wrong: " + error;
    return false;
  }
  std::get<Regexes>(items_).push_back(std::move(regex));
  return true;
}

bool Condition::add_shape(std::string_view item, std::string& error) {
  std::unique_ptr<QueryShape> shape = QueryShape::compile(item, error);
  if (shape == nullptr) return false;
  auto& shapes = std::get<Shapes>(items_);
  if (!shapes.empty() && shapes.front()->statement().parameters != shape->statement().parameters) {
    error = "the shapes have different numbers of parameters";
    return false;
  }
  shapes.push_back(std::move(shape));
  return true;
}

bool Condition::add_name(std::string_view item, std::string& error) {
  if (item.empty() && !is_session_name(subject_)) {
    error = "an empty string is never found";
    return false;
  }
  std::get<Names>(items_).emplace_back(item);
  return true;
}

bool Condition::is_for_unparsed() const {
  if (subject_ == Subject::parsed) return negated_;
  return subject_ == Subject::kind && !negated_ && std::get<std::uint64_t>(items_) == bit_of(Kind::unparsed);
}

std::optional<std::uint16_t> Condition::parameters() const {
  if (subject_ != Subject::shape || negated_) return std::nullopt;
  return std::get<Shapes>(items_).front()->statement().parameters;
}

NameBits Condition::table_bits() const {
  if (!negated_ && subject_ == Subject::shape) return shape_bits();
  if (negated_ || subject_ < Subject::tables || subject_ > Subject::writes) return any_name;
  NameBits bits = 0;
  for (const std::string& pattern : std::get<Names>(items_)) bits |= name_bits(pattern);
  return bits;
}

/// Of one table of each shape.
NameBits Condition::shape_bits() const {
  NameBits bits = 0;
  for (const std::unique_ptr<QueryShape>& shape : std::get<Shapes>(items_)) {
    const Statement& statement = shape->statement();
    const auto& tables = statement.reads.empty() ? statement.writes : statement.reads;
    const bool plain = !tables.empty() && tables.front().name.find('.') == std::string::npos;  // else a pattern would read it otherwise
    bits |= plain ? name_bits(tables.front().name) : any_name;
  }
  return bits;
}

bool Condition::is_true(Question& question) const {
  const Statement& s = question.statement;
  switch (subject_) {
    case Subject::kind: return (std::get<std::uint64_t>(items_) & bit_of(s.kind)) != 0;
    case Subject::parsed: return s.parsed;
    case Subject::read_only: return s.read_only;
    case Subject::aggregate: return s.aggregate;
    case Subject::window: return s.window;
    case Subject::group_by: return s.group_by;
    case Subject::distinct: return s.distinct;
    case Subject::limit: return s.limit;
    case Subject::joins: return s.joins > 0;
    case Subject::subquery: return s.subquery;
    case Subject::for_update: return s.for_update;
    case Subject::returning: return s.returning;
    case Subject::fingerprint: return any(std::get<Fingerprints>(items_), [&](std::uint64_t one) { return one == s.fingerprint; });
    case Subject::command: return any(std::get<Names>(items_), [&](const std::string& one) { return glob(s.command, one); });
    case Subject::functions: return any(std::get<Names>(items_), [&](const std::string& one) { return calls(s, one); });
    case Subject::tables: return any(std::get<Names>(items_), [&](const std::string& one) { return touches(s, one, Access::any, question.facts, question.read); });
    case Subject::reads: return any(std::get<Names>(items_), [&](const std::string& one) { return touches(s, one, Access::reads, question.facts, question.read); });
    case Subject::writes: return any(std::get<Names>(items_), [&](const std::string& one) { return touches(s, one, Access::writes, question.facts, question.read); });
    case Subject::shape: return has_shape(question);
    default: return is_true_of_session(question);
  }
}

bool Condition::is_true_of_session(Question& question) const {
  const Facts& facts = question.facts;
  const auto named = [&](std::string_view name, Dependency dependency) {
    question.read |= bit(dependency);
    return any(std::get<Names>(items_), [&](const std::string& one) { return glob(name, one); });
  };
  switch (subject_) {
    case Subject::in_transaction:
      question.read |= bit(Dependency::in_transaction);
      return facts.in_transaction;
    case Subject::tls:
      question.read |= bit(Dependency::tls);
      return facts.tls;
    case Subject::certificate: return named(facts.certificate, Dependency::tls);
    case Subject::user: return named(facts.user, Dependency::user);
    case Subject::database: return named(facts.database, Dependency::database);
    case Subject::application_name: return named(facts.application_name, Dependency::application_name);
    case Subject::client_address:
      question.read |= bit(Dependency::client_address);
      return hold(std::get<Networks>(items_), facts.client_address);
    case Subject::matches:
      question.read |= bit(Dependency::text);
      return matches(question);
    case Subject::wrote_within:
      question.read |= bit(Dependency::volatile_);
      return has_written(question);
    default:
      question.read |= bit(Dependency::volatile_);
      return std::get<Hours>(items_).hold(local_hour(question.unix_us ? question.unix_us() : 0));
  }
}

/// Of any table: a view, or a function, may show what was written to another.
bool Condition::has_written(const Question& question) const {
  const SessionState* const state = question.facts.state;
  if (state == nullptr || state->last_write_us() == 0 || !question.now_us) return false;
  return question.now_us() - state->last_write_us() <= std::get<Within>(items_).us;
}

bool Condition::has_shape(Question& question) const {
  return any(std::get<Shapes>(items_), [&](const std::unique_ptr<QueryShape>& shape) {
    if (question.exhausted || !shape->may_match(question.statement)) return false;
    question.read |= shape->reads();
    const std::uint64_t cost = QueryShape::cost(question.text);
    question.exhausted = cost > question.budget;
    if (question.exhausted) return false;
    question.budget -= cost;
    return shape->matches(question.text, question.facts.standard_conforming_strings);
  });
}

bool Condition::matches(Question& question) const {
  return any(std::get<Regexes>(items_), [&](const std::unique_ptr<Regex>& regex) {
    const std::uint64_t cost = regex->cost(question.text);
    if (question.exhausted || cost > question.budget) {
      question.exhausted = true;
      return false;
    }
    question.budget -= cost;
    return regex->found_in(question.text);
  });
}

}  // namespace pgswitch::rules
