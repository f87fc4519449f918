#pragma once
#include <string>
#include <string_view>

#include "rules/chain.hpp"

namespace pgswitch::rules {

/// What `pgswitch explain` prints: for each statement of `sql` what was understood, what each rule and hook said and what was
/// decided. Lines of at most one fact, aligned, the same for the same input.
std::string explain(std::string_view sql, const Facts& facts, const EngineOptions& options, Chain& chain);

}  // namespace pgswitch::rules
