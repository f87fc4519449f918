#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What the texts of DECLARE, FETCH and MOVE say beside the cursor's name (PostgreSQL's grammar, gram.y: DeclareCursorStmt, FetchStmt).
/// Pure functions.
namespace pgswitch::redshift {

struct Declaration {
  std::size_t query = 0;   ///< where the text of the query begins
  bool binary = false;
  bool no_scroll = false;
  bool hold = false;
};
/// nullopt: it is none. `conforming_strings`: how the text is read (standard_conforming_strings).
std::optional<Declaration> read_declaration(std::string_view text, bool conforming_strings);

/// FETCH and MOVE, as PostgreSQL keeps them: NEXT is FORWARD 1, FIRST is ABSOLUTE 1, LAST is ABSOLUTE -1, PRIOR is BACKWARD 1.
struct Fetch {
  enum class Direction : std::uint8_t { forward, backward, absolute, relative };
  static constexpr std::int64_t all = INT64_MAX;
  Direction direction = Direction::forward;
  std::int64_t count = 1;
  bool moves = false;  ///< MOVE: no rows are sent
};
/// nullopt: it is none, or its count is no number that fits.
std::optional<Fetch> read_fetch(std::string_view text, bool conforming_strings);

/// UPDATE and DELETE ... WHERE CURRENT OF: the row of a cursor, which only a server has that runs the cursor.
bool uses_current_of(std::string_view text, bool conforming_strings);

}  // namespace pgswitch::redshift
