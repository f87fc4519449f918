#pragma once
#include <cstddef>
#include <optional>
#include <string>

#include "protocol/frame.hpp"

/// The formats that a Bind asks its result in (manual, 55.7). Pure functions.
namespace pgswitch::redshift {

/// Where in the body of a Bind their number stands; nullopt: the body is not as it should be.
std::optional<std::size_t> result_formats(protocol::ByteView body);
/// Their number, and each, as they stand there; "" where all of them are text.
std::string other_than_text(protocol::ByteView body);

}  // namespace pgswitch::redshift
