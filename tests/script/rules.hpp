#pragma once
#include <memory>

#include "rules/engine.hpp"

namespace pgswitch::script {

/// The rules of all scripts (see Script), loaded once.
rules::Engine& engine();
/// The same rules, loaded anew: another generation.
std::unique_ptr<rules::Engine> new_engine(std::uint64_t generation);

/// What the rules see of the client of a script.
rules::Facts facts_of_tests();

}  // namespace pgswitch::script
