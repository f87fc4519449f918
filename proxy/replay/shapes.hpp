#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rules/decision.hpp"

namespace pgswitch::replay {

/// What becomes of a statement, as far as a summary tells.
struct Verdict {
  rules::DecisionPtr decision;
  std::string route;  ///< its name; that of the client's own database where no rule names one. Empty unless it is routed
};

/// Statements of one shape that were decided alike.
struct ShapeRow {
  std::uint64_t fingerprint = 0;
  std::string text;        ///< of the first one, without literals
  std::uint64_t count = 0;
  Verdict verdict;
  Verdict against;         ///< by the other rules; no decision when there are none
};

/// Counts of statements by shape and decision, of at most max_rows of them: a log of whatever length needs bounded memory.
class Shapes {
 public:
  static constexpr std::size_t max_rows = 10'000;
  static constexpr std::size_t max_text = 2'000;

  /// `against` may be empty.
  void add(std::uint64_t fingerprint, std::string_view text, std::uint64_t count, const Verdict& verdict, const Verdict& against);
  /// The most frequent first.
  std::vector<const ShapeRow*> sorted() const;
  /// Statements that found no room.
  std::uint64_t others() const { return others_; }

 private:
  std::unordered_map<std::uint64_t, ShapeRow> rows_;
  std::uint64_t others_ = 0;
};

/// Would the client, or the server, notice the difference?
bool is_same(const Verdict& one, const Verdict& other);

/// "route app.redshift, rewritten", "refused 42501 no", "answered here".
std::string in_words(const Verdict& verdict);

}  // namespace pgswitch::replay
