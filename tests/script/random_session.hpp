#pragma once
#include <string>
#include <string_view>

namespace pgswitch::script {

/// A session that `choices` makes up: requests of every kind, answers that a server could give (and now and then bytes that
/// none would), leases had and refused, servers lost; at the end all that was asked is answered. Checked like a script, but
/// for what it should say. The first failure, or "". `story` gets what happened.
std::string random_session(std::string_view choices, std::string* story = nullptr);

}  // namespace pgswitch::script
