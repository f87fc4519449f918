#pragma once
#include <string>

#include "proxy/replay/replay.hpp"

namespace pgswitch::replay {

/// A table for people, the most frequent shapes first, and a summary. `against` is the name of the other configuration, empty without one.
std::string to_text(const Replay& replay, const std::string& against);
/// One JSON object; the README lists its fields.
std::string to_json(const Replay& replay, const std::string& against);

}  // namespace pgswitch::replay
