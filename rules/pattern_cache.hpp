#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pgswitch::rules {

/// The patterns that hooks have asked for, each compiled once by Pattern::compile(text, error); the one that was compiled first goes
/// when there are too many.
template <class Pattern>
class PatternCache {
 public:
  static constexpr std::size_t max_patterns = 64;

  /// What is kept of `text`, or nullptr.
  const Pattern* find(std::string_view text) const {
    const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.text == text; });
    return found == kept_.end() ? nullptr : found->pattern.get();
  }
  /// Compiles and keeps it; nullptr and `error` when it is wrong. Valid until the next add().
  const Pattern* add(std::string_view text, std::string& error) {
    std::unique_ptr<Pattern> pattern = Pattern::compile(text, error);
    if (pattern == nullptr) return nullptr;
    const Pattern* const added = pattern.get();
    Kept kept{std::string(text), std::move(pattern)};
    if (kept_.size() < max_patterns) {
      kept_.push_back(std::move(kept));
    } else {
      kept_[next_] = std::move(kept);
      next_ = (next_ + 1) % max_patterns;
    }
    return added;
  }

 private:
  struct Kept {
    std::string text;
    std::unique_ptr<Pattern> pattern;
  };
  std::vector<Kept> kept_;
  std::size_t next_ = 0;  ///< to be replaced when it is full
};

}  // namespace pgswitch::rules
