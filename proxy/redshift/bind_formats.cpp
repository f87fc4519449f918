#include "proxy/redshift/bind_formats.hpp"

#include "protocol/frontend.hpp"

namespace pgswitch::redshift {

using protocol::ByteView;

namespace {

std::uint32_t number(ByteView bytes) {
  std::uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

std::optional<std::size_t> result_formats(ByteView body) {
  const auto names = protocol::frontend::read_bind_names(body);
  if (!names || !protocol::frontend::is_valid_bind(body)) return std::nullopt;
  std::size_t at = names->names_size;
  at += 2 + 2 * std::size_t{number(body.substr(at, 2))};
  std::uint32_t parameters = number(body.substr(at, 2));
  at += 2;
  for (; parameters > 0; --parameters) {
    const std::uint32_t size = number(body.substr(at, 4));
    at += 4 + (size == 0xffffffff ? 0 : std::size_t{size});
  }
  return at;
}

std::string other_than_text(ByteView body) {
  const auto at = result_formats(body);
  if (!at) return {};
  for (std::size_t i = *at + 2; i + 1 < body.size(); i += 2)
    if (number(body.substr(i, 2)) != 0) return std::string(body.substr(*at));
  return {};
}

}  // namespace pgswitch::redshift
