#include "proxy/session/gather.hpp"

#include <algorithm>

namespace pgswitch {

void Gather::add_piece(std::string_view range) {
  if (range.empty()) return;
  join();
  size_ += static_cast<std::uint32_t>(range.size());
  pieces_.push_back({range.data(), 0, range.size()});
}

/// The last range, where it stands behind bytes of our own.
void Gather::copy_last() {
  if (pieces_.size() < first_ + 2) return;
  const Piece range = pieces_.back();
  Piece& before = pieces_[pieces_.size() - 2];
  if (before.data || before.offset + before.size != own_.size()) return;
  own_.append(range.data, range.size);
  before.size += range.size;
  pieces_.pop_back();
}

void Gather::append(std::string_view bytes) {
  compose([&](std::string& out) { out += bytes; });
}

void Gather::own_added(std::size_t start) {
  const std::size_t added = own_.size() - start;
  if (added == 0) return;
  const bool first = empty();
  size_ += static_cast<std::uint32_t>(added);
  if (!first && !pieces_.back().data && pieces_.back().offset + pieces_.back().size == start)
    pieces_.back().size += added;
  else
    pieces_.push_back({nullptr, start, added});
}

int Gather::pieces(iovec* out, int max) {
  join();
  int count = 0;
  for (std::size_t i = first_; i < pieces_.size() && count < max; ++i, ++count)
    out[count] = {const_cast<char*>(begin_of(pieces_[i])), pieces_[i].size};
  return count;
}

void Gather::written(std::size_t count) {
  size_ -= static_cast<std::uint32_t>(count);
  while (count > 0) {
    Piece& piece = pieces_[first_];
    const std::size_t part = std::min(count, piece.size);
    if (piece.data)
      piece.data += part;
    else
      piece.offset += part;
    piece.size -= part;
    count -= part;
    if (piece.size == 0) ++first_;
  }
  if (empty()) clear();
}

std::string Gather::text() const {
  std::string all;
  for (std::size_t i = first_; i < pieces_.size(); ++i) all.append(begin_of(pieces_[i]), pieces_[i].size);
  return all;
}

void Gather::detach() {
  std::string rest = text();
  clear();
  append(rest);
}

void Gather::clear() {
  // A large answer of our own must not be kept as memory for ever.
  constexpr std::size_t keep = 4096;
  pieces_.clear();
  first_ = size_ = 0;
  own_.clear();
  if (own_.capacity() > keep) own_.shrink_to_fit();
}

}  // namespace pgswitch
