#pragma once
#include "tests/redshift/translate.hpp"

namespace pgswitch::stand_in {

/// What a statement touches, found by its tokens: fills the fields of `translation` behind `moved`, and `kind`.
void find_facts(const Statement& statement, Translation& translation);

}  // namespace pgswitch::stand_in
