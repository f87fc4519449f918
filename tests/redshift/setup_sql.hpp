#pragma once
#include <string_view>

namespace pgswitch::stand_in {

/// The text of setup.sql, which CMake puts into the program.
std::string_view setup_sql();

}  // namespace pgswitch::stand_in
