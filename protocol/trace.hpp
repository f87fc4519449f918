#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/frame.hpp"

namespace pgswitch::protocol {

/// Who sent it: 'F' and 'B' in the line, as in libpq's PQtrace.
enum class Direction : std::uint8_t { from_frontend, from_backend };

/// "Query", "DataRow", ... as the manual's 55.7 has it; "Unknown" for any other type byte.
std::string_view message_name(Direction direction, char type);

/// No line is much longer than this, whatever the message.
inline constexpr std::size_t max_trace_line = 2000;

/// Appends one line without a line feed, in the manner of PQtrace: direction, tab, length word, tab, name, tab, fields.
///   F	14	Query	 "select 1"
/// Passwords, SASL data, MD5 salts, cancel keys and texts with the word "password" are shown as `<n bytes>`, never as they are;
/// other SQL text and values are shown, so a trace is as confidential as the data. `body` may be a prefix of the real one: the line then ends in "...".
/// Control characters and bytes outside ASCII are escaped as \xNN.
void trace(std::string& out, Direction direction, const FrameHeader& header, ByteView body);

}  // namespace pgswitch::protocol
