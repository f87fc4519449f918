#pragma once
#include <cstddef>
#include <optional>

#include "protocol/frame.hpp"

/// The formats that a Bind asks its result in (manual, 55.7). Pure functions.
namespace pgswitch::redshift {

/// Where in the body of a Bind their number stands; nullopt: the body is not as it should be.
std::optional<std::size_t> result_formats(protocol::ByteView body);
/// Whether one of them is binary.
bool asks_binary(protocol::ByteView body);

}  // namespace pgswitch::redshift
