#pragma once
#include <cstdint>

namespace pgswitch {

/// What the server behind a route can do. `automatic` stands in a configuration only: such a server tells by its version().
enum class ServerKind : std::uint8_t { postgres, redshift, automatic };

}  // namespace pgswitch
