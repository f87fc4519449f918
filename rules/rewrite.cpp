#include "rules/rewrite.hpp"

namespace pgswitch::rules {

std::optional<std::string> splice(std::string_view text, std::span<const Edit> edits) {
  std::size_t size = text.size();
  std::size_t end = 0;
  for (const Edit& edit : edits) {
    if (edit.begin < end || edit.begin > text.size() || edit.size > text.size() - edit.begin) return std::nullopt;
    end = edit.begin + std::size_t{edit.size};
    size += edit.text.size();
    size -= edit.size;
  }
  std::string result;
  result.reserve(size);
  std::size_t at = 0;
  for (const Edit& edit : edits) {
    result.append(text.substr(at, edit.begin - at)).append(edit.text);
    at = edit.begin + std::size_t{edit.size};
  }
  result.append(text.substr(at));
  return result;
}

}  // namespace pgswitch::rules
