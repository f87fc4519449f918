#include <algorithm>
#include <iterator>
#include <optional>

#include "protocol/saslprep_tables.hpp"
#include "protocol/scram_keys.hpp"
#include "protocol/utf8.hpp"

// RFC 4013 in the order of PostgreSQL's pg_saslprep. The normal form KC is done for characters that can be judged alone:
// those it leaves as they are, and the compatibility characters found on keyboards. A password with anything else in it
// (separate combining marks, right-to-left scripts, rare compatibility characters, characters newer than Unicode 3.2) is
// used byte for byte. That is wrong only when it also has a character to be mapped, composed or decomposed.
namespace pgswitch::protocol {
namespace {

/// RFC 3454, C.1.2. U+200B is in B.1 too; PostgreSQL looks here first.
bool is_space(std::uint32_t code) {
  return code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200b) || code == 0x202f || code == 0x205f ||
         code == 0x3000;
}

/// RFC 3454, B.1: commonly mapped to nothing.
bool is_nothing(std::uint32_t code) {
  return code == 0xad || code == 0x34f || code == 0x1806 || (code >= 0x180b && code <= 0x180d) || code == 0x200c ||
         code == 0x200d || code == 0x2060 || (code >= 0xfe00 && code <= 0xfe0f) || code == 0xfeff;
}

bool is_inert(std::uint32_t code) {
  const auto behind = std::upper_bound(std::begin(saslprep_tables::inert), std::end(saslprep_tables::inert), code,
                                       [](std::uint32_t c, const auto& range) { return c < range.first; });
  return behind != std::begin(saslprep_tables::inert) && code <= std::prev(behind)->last;
}

std::string_view compatible_form(std::uint32_t code) {
  const auto found = std::lower_bound(std::begin(saslprep_tables::compatible), std::end(saslprep_tables::compatible), code,
                                      [](const auto& entry, std::uint32_t c) { return entry.code < c; });
  return found != std::end(saslprep_tables::compatible) && found->code == code ? found->becomes : std::string_view();
}

/// Appends what the code point written `bytes` becomes; false when it cannot be judged alone, or is refused.
bool append_prepared(std::string& out, std::uint32_t code, std::string_view bytes) {
  if (is_space(code)) out.push_back(' ');
  else if (is_nothing(code)) return true;
  else if (code < 0x80) out.append(bytes);
  else if (is_inert(code)) out.append(bytes);
  else if (const std::string_view form = compatible_form(code); !form.empty()) out.append(form);
  else return false;
  return code >= 0x20 && code != 0x7f;  // C.2.1: control characters are refused, unless all is ASCII
}

}  // namespace

std::string saslprep(std::string_view password) {
  if (is_ascii(password)) return std::string(password);
  std::string prepared;
  prepared.reserve(password.size() * 2);
  for (std::string_view rest = password; !rest.empty();) {
    const std::string_view before = rest;
    const std::optional<std::uint32_t> code = take_code_point(rest);
    const std::string_view bytes = before.substr(0, before.size() - rest.size());
    if (!code || !append_prepared(prepared, *code, bytes)) {
      cleanse(prepared);
      return std::string(password);
    }
  }
  if (prepared.empty()) return std::string(password);
  return prepared;
}

}  // namespace pgswitch::protocol
