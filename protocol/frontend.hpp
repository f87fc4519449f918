#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <span>
#include <string_view>

#include "protocol/frame.hpp"

/// Views of the messages a client sends (manual, 55.7), read from a frame's body where it lies. Every reader returns
/// nullopt for a body that PostgreSQL would answer with 08P01; none allocates, none throws.
namespace pgswitch::protocol::frontend {

inline constexpr char bind = 'B', close = 'C', copy_data = 'd', copy_done = 'c', copy_fail = 'f', describe = 'D',
                      execute = 'E', flush = 'H', function_call = 'F', parse = 'P', password = 'p', query = 'Q', sync = 'S',
                      terminate = 'X';

/// True for every type byte that a client may send after the start-up packet.
bool is_known(char type);

struct Query {
  std::string_view text;
};
struct Parse {
  std::string_view statement;
  std::string_view text;
  std::uint16_t parameter_type_count = 0;
  ByteView parameter_types;  ///< parameter_type_count oids, 4 bytes each, network order
};
/// Names only: what follows them is not looked at. `names_size` = bytes of the body taken by both names with their NULs.
/// Works on a prefix of the body; nullopt also when a name is not complete within the prefix.
struct BindNames {
  std::string_view portal;
  std::string_view statement;
  std::size_t names_size = 0;
};
struct Execute {
  std::string_view portal;
  std::int32_t max_rows = 0;
};
/// Describe and Close: `target` is 'S' (statement) or 'P' (portal).
struct Target {
  char target = 'S';
  std::string_view name;
};

/// Longest length word that PostgreSQL takes for the type (SocketBackend, CopyGetData).
std::uint32_t longest(char type);

/// What PostgreSQL says of a body that its reader refuses; of a Bind only where its names are wrong.
std::string fault(char type, ByteView body);

std::optional<Query> read_query(ByteView body);
std::optional<Parse> read_parse(ByteView body);
std::optional<BindNames> read_bind_names(ByteView body);
/// Checks the whole of a complete Bind body: format codes, parameter lengths, result formats add up.
bool is_valid_bind(ByteView body);
/// What PostgreSQL says of a Bind for a statement that has so many parameters, "" when it is satisfied. Only the counts are
/// looked at.
std::string bind_fault(ByteView body, std::size_t parameters);
/// The same of what follows the counts. `columns`: of the result, where there is one.
std::string bind_values_fault(ByteView body, std::optional<std::size_t> columns = std::nullopt);
std::optional<Execute> read_execute(ByteView body);
std::optional<Target> read_describe(ByteView body);
std::optional<Target> read_close(ByteView body);

/// Whether `bytes`, which begin with a message, end with a Terminate: who closes behind it leaves in good order.
bool ends_with_terminate(ByteView bytes);

}  // namespace pgswitch::protocol::frontend
