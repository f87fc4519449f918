#include "rules/rewrite.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <tuple>

namespace pgswitch::rules {

// Eight bytes at once: those that go on a character have the highest bit and not the one behind it.
std::uint32_t characters(std::string_view text) {
  std::size_t going_on = 0, i = 0;
  for (; i + sizeof(std::uint64_t) <= text.size(); i += sizeof(std::uint64_t)) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, text.data() + i, sizeof bytes);
    if (bytes & 0x8080808080808080) going_on += static_cast<std::size_t>(std::popcount(bytes & ~(bytes << 1) & 0x8080808080808080));
  }
  for (; i < text.size(); ++i) going_on += (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80;
  return static_cast<std::uint32_t>(text.size() - going_on);
}

std::optional<std::string> splice(std::string_view text, std::span<const Edit> edits) {
  std::string result;
  return splice(text, edits, result) ? std::optional(std::move(result)) : std::nullopt;
}

bool splice(std::string_view text, std::span<const Edit> edits, std::string& result) {
  std::size_t size = text.size();
  std::size_t end = 0;
  for (const Edit& edit : edits) {
    if (edit.begin < end || edit.begin > text.size() || edit.size > text.size() - edit.begin) return false;
    end = edit.begin + std::size_t{edit.size};
    size += edit.text.size();
    size -= edit.size;
  }
  result.clear();
  result.reserve(size);
  std::size_t at = 0;
  for (const Edit& edit : edits) {
    result.append(text.substr(at, edit.begin - at)).append(edit.text);
    at = edit.begin + std::size_t{edit.size};
  }
  result.append(text.substr(at));
  return true;
}

void sort_edits(std::vector<TokenEdit>& edits) {
  const auto place = [&](std::size_t i) { return std::tuple(edits[i].token, edits[i].behind ? 2 : edits[i].count > 0 ? 1 : 0, i); };
  std::vector<std::size_t> order(edits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t one, std::size_t other) { return place(one) < place(other); });
  std::vector<TokenEdit> sorted;
  sorted.reserve(edits.size());
  for (const std::size_t i : order) sorted.push_back(std::move(edits[i]));
  edits = std::move(sorted);
}

bool place_edits(std::span<const TokenEdit> edits, std::span<const Token> tokens, std::vector<Edit>& placed) {
  placed.clear();
  placed.reserve(edits.size());
  for (const TokenEdit& edit : edits) {
    if (edit.token >= tokens.size() || edit.count > tokens.size() - edit.token) return false;
    const Token& token = tokens[edit.token];
    const Token& last = tokens[edit.token + (edit.count > 0 ? edit.count - 1 : 0)];
    const std::uint32_t begin = token.begin + (edit.behind ? token.size : 0);
    placed.push_back({begin, edit.count > 0 ? last.begin + last.size - begin : 0, edit.text});
  }
  return true;
}

PositionMap::PositionMap(std::string_view text, std::span<const Edit> edits) { assign(text, edits); }

void PositionMap::assign(std::string_view text, std::span<const Edit> edits) {
  pieces_.clear();
  pieces_.reserve(2 * edits.size() + 1);
  std::uint32_t at = 0, original = 0, end = 0;
  for (const Edit& edit : edits) {
    const std::uint32_t kept = characters(text.substr(end, edit.begin - end));
    pieces_.push_back({at, original, false});
    pieces_.push_back({at += kept, original += kept, true});
    at += characters(edit.text);
    original += characters(text.substr(edit.begin, edit.size));
    end = edit.begin + edit.size;
  }
  pieces_.push_back({at, original, false});
}

std::uint32_t PositionMap::original(std::uint32_t position) const {
  if (position == 0) return 0;
  const std::uint32_t at = position - 1;
  const auto behind = std::upper_bound(pieces_.begin(), pieces_.end(), at, [](std::uint32_t place, const Piece& piece) { return place < piece.at; });
  if (behind == pieces_.begin()) return position;
  const Piece& piece = *(behind - 1);
  return piece.original + (piece.edited ? 0 : at - piece.at) + 1;
}

}  // namespace pgswitch::rules
