#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "rules/tokens.hpp"

namespace pgswitch::rules {

/// An identifier longer than 63 bytes (NAMEDATALEN), and what PostgreSQL makes of it. Without quotes, folded to lower case if it had none.
struct CutName {
  std::string whole, cut;
};

/// Those in `text`, which is UTF-8, in their order (truncate_identifier of PostgreSQL). Of those written U&"" nothing is told.
std::vector<CutName> cut_names(std::string_view text, TokenOptions options = {});

}  // namespace pgswitch::rules
