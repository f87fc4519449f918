#pragma once
#include <string_view>
#include <vector>

#include "rules/chain.hpp"

namespace pgswitch::rules {

/// A decision in the making.
struct Chain::Draft {
  StatementPtr statement;
  std::string_view text;
  std::string_view with_comments;
  const Facts& facts;
  std::vector<ChainStep>* steps;
  Decision decision;
  StatementPtr sent;
  bool decided = false;  ///< nobody is asked any more

  /// As if nobody had decided yet; what was read and observed stays.
  void take_back() {
    Decision anew;
    anew.depends_on = decision.depends_on;
    anew.observed = std::move(decision.observed);
    decision = std::move(anew);
    sent = statement;
  }
};

}  // namespace pgswitch::rules
