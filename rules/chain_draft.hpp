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
  std::string_view whole;
  const Facts& facts;
  std::vector<ChainStep>* steps;
  Decision decision;
  StatementPtr sent;
  bool decided = false;  ///< nobody is asked any more
  std::vector<Observation> observed;  ///< goes into the decision when that is made
};

}  // namespace pgswitch::rules
