#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/tokens.hpp"

namespace pgswitch::rules {

/// Replaces `size` bytes at `begin` by `text`; a size of 0 inserts.
struct Edit {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
  std::string_view text;
};

/// `text` with the edits made, every other byte as it was. The edits are in the order of their places and do not overlap;
/// several insertions at one place come out in their order. nullopt when they overlap or reach behind the text.
std::optional<std::string> splice(std::string_view text, std::span<const Edit> edits);
/// The same into `result`, whose memory is used again. False: as nullopt, and nothing is said of `result`.
bool splice(std::string_view text, std::span<const Edit> edits, std::string& result);

/// Characters of UTF-8, as error positions count them; another encoding with more than one byte for a character has no ASCII of its own to
/// count.
std::uint32_t characters(std::string_view text);

/// An edit by tokens, comments among them: it can be made in each text of a shape, which has other literals and blanks.
struct TokenEdit {
  std::uint32_t token = 0;  ///< the first one replaced, or the one beside which is inserted
  std::uint32_t count = 0;  ///< of tokens replaced; 0 inserts
  bool behind = false;      ///< inserts behind the token and not in front of it
  std::string text;
};

/// Brings edits into the order of their places; what is inserted at one place keeps its order.
void sort_edits(std::vector<TokenEdit>& edits);

/// Edits in the order of their places as bytes of one text in `placed`; they refer to the texts of `edits`. False when there is no such token.
bool place_edits(std::span<const TokenEdit> edits, std::span<const Token> tokens, std::vector<Edit>& placed);

/// A place of an edited text, in characters, and the same in the text that it was made of.
class PositionMap {
 public:
  PositionMap() = default;
  PositionMap(std::string_view text, std::span<const Edit> edits);

  void assign(std::string_view text, std::span<const Edit> edits);

  /// From 1, as PostgreSQL counts: of the edited text, to that of the text as it was. Inside of an edit it is where that begins.
  std::uint32_t original(std::uint32_t position) const;

  std::size_t bytes() const { return pieces_.capacity() * sizeof(Piece); }

 private:
  struct Piece {
    std::uint32_t at;        ///< in the edited text, from 0
    std::uint32_t original;  ///< in the text as it was
    bool edited;
  };
  std::vector<Piece> pieces_;
};

}  // namespace pgswitch::rules
