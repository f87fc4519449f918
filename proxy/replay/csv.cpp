#include "proxy/replay/csv.hpp"

#include <algorithm>

namespace pgswitch::replay {
namespace {

constexpr std::size_t npos = std::string_view::npos;

/// Takes the quoted text that begins at `at` into `field`, and moves `at` behind its closing quote. False: that is not there.
bool take_quoted(std::string_view bytes, std::size_t& at, std::string& field) {
  for (++at;;) {
    const std::size_t quote = bytes.find('"', at);
    field.append(bytes.substr(at, quote == npos ? npos : quote - at));
    if (quote == npos) return false;
    at = quote + 1;
    if (at >= bytes.size() || bytes[at] != '"') return true;
    field += '"';
    ++at;
  }
}

}  // namespace

std::string& CsvRecord::next_field() {
  if (count_ == fields_.size()) fields_.emplace_back();
  fields_[count_].clear();
  return fields_[count_++];
}

std::size_t CsvRecord::read(std::string_view bytes, bool last) {
  count_ = 0;
  for (std::size_t at = 0;;) {
    std::string& field = next_field();
    if (at < bytes.size() && bytes[at] == '"' && !take_quoted(bytes, at, field)) return last ? bytes.size() : 0;
    const std::size_t end = std::min(bytes.find_first_of(",\n", at), bytes.size());
    field.append(bytes.substr(at, end - at));
    if (end == bytes.size()) return last ? end : 0;
    at = end + 1;
    if (bytes[end] == '\n') {
      if (!field.empty() && field.back() == '\r') field.pop_back();
      return at;
    }
  }
}

}  // namespace pgswitch::replay
