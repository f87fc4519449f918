#pragma once
#include <functional>

namespace pgswitch {

/// Runs `body` on a thread with the stack that the SQL parser may need (16 MB), waits for it and returns what it returns. Throws
/// std::system_error when there is no such thread; `body` must not throw.
int on_parser_stack(std::function<int()> body);

/// Of a thread that parses SQL, bytes.
inline constexpr std::size_t parser_stack_size = 16 * 1024 * 1024;

}  // namespace pgswitch
