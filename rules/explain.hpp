#pragma once
#include <string_view>
#include <vector>

#include "rules/account.hpp"
#include "rules/chain.hpp"

namespace pgswitch::rules {

/// For each statement of `sql` what was understood, what each rule and hook said and what was decided. Nothing is counted or logged.
Account account_of(std::string_view sql, const Facts& facts, Chain& chain);

/// In words, one for each effect: "temporary table", "LISTEN".
std::vector<std::string_view> effect_names(Effects effects);

}  // namespace pgswitch::rules
