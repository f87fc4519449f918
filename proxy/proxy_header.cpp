#include "proxy/proxy_header.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

namespace pgswitch {
namespace {

using protocol::ByteView;
using Status = ProxyHeader::Status;

constexpr ByteView v1_signature = "PROXY ";
constexpr ByteView v2_signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t max_v1_size = 107;
constexpr std::size_t v2_fixed_size = 16;

ProxyHeader with_status(Status status) {
  ProxyHeader header;
  header.status = status;
  return header;
}

ProxyHeader local(std::size_t size) {
  ProxyHeader header = with_status(Status::complete);
  header.size = size;
  return header;
}

bool begins_like(ByteView in, ByteView signature) {
  const std::size_t common = std::min(in.size(), signature.size());
  return in.substr(0, common) == signature.substr(0, common);
}

bool is_address(int family, const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> ignored{};
  return text.find('\0') == std::string::npos && inet_pton(family, text.c_str(), ignored.data()) == 1;
}

std::optional<std::uint16_t> read_port(ByteView text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool leading_zero = text.size() > 1 && text.front() == '0';
  if (error != std::errc() || end != text.data() + text.size() || leading_zero) return std::nullopt;
  return port;
}

std::vector<ByteView> split_words(ByteView line) {
  std::vector<ByteView> words;
  for (;;) {
    const std::size_t space = line.find(' ');
    words.push_back(line.substr(0, space));
    if (space == ByteView::npos) return words;
    line.remove_prefix(space + 1);
  }
}

/// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443"
ProxyHeader read_v1_line(ByteView line, std::size_t size) {
  const std::vector<ByteView> words = split_words(line);
  if (words.size() >= 2 && words[1] == "UNKNOWN") return local(size);
  if (words.size() != 6 || (words[1] != "TCP4" && words[1] != "TCP6")) return with_status(Status::malformed);
  const int family = words[1] == "TCP4" ? AF_INET : AF_INET6;
  const auto port = read_port(words[4]);
  if (!is_address(family, std::string(words[2])) || !is_address(family, std::string(words[3])) || !port || !read_port(words[5]))
    return with_status(Status::malformed);
  ProxyHeader header = local(size);
  header.has_address = true;
  header.address = words[2];
  header.port = *port;
  return header;
}

ProxyHeader read_v1(ByteView in) {
  const std::size_t end = in.substr(0, max_v1_size).find("\r\n");
  if (end != ByteView::npos) return read_v1_line(in.substr(0, end), end + 2);
  return with_status(in.size() >= max_v1_size ? Status::malformed : Status::need_more);
}

std::uint16_t big_endian(ByteView bytes) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[0]) << 8 | static_cast<unsigned char>(bytes[1]));
}

ProxyHeader read_v2_address(int family, std::size_t address_size, ByteView body, std::size_t size) {
  if (body.size() < 2 * address_size + 4) return with_status(Status::malformed);
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(family, body.data(), text.data(), text.size());
  ProxyHeader header = local(size);
  header.has_address = true;
  header.address = text.data();
  header.port = big_endian(body.substr(2 * address_size));
  return header;
}

ProxyHeader read_v2(ByteView in) {
  if (in.size() < v2_fixed_size) return with_status(Status::need_more);
  const auto version_and_command = static_cast<unsigned char>(in[12]);
  const std::size_t size = v2_fixed_size + big_endian(in.substr(14));
  if (version_and_command >> 4 != 2 || (version_and_command & 15) > 1 || size > max_proxy_header_size)
    return with_status(Status::malformed);
  if (in.size() < size) return with_status(Status::need_more);
  if ((version_and_command & 15) == 0) return local(size);
  const ByteView body = in.substr(v2_fixed_size, size - v2_fixed_size);
  switch (static_cast<unsigned char>(in[13])) {
    case 0x11: return read_v2_address(AF_INET, 4, body, size);
    case 0x21: return read_v2_address(AF_INET6, 16, body, size);
    case 0x00:
    case 0x31: return local(size);
    default: return with_status(Status::malformed);  // datagrams cannot carry PostgreSQL's protocol
  }
}

}  // namespace

ProxyHeader read_proxy_header(ByteView in) {
  if (in.empty()) return with_status(Status::need_more);
  if (begins_like(in, v2_signature)) return read_v2(in);
  if (begins_like(in, v1_signature)) return read_v1(in);
  return with_status(Status::malformed);
}

}  // namespace pgswitch
