#include "proxy/proxy_header.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pgswitch {
namespace {

using Status = ProxyHeader::Status;
using namespace std::string_literals;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string inet_body = "\x0a\0\0\1\x0a\0\0\2\x12\x34\x15\x38"s;  // 10.0.0.1:4660 -> 10.0.0.2:5432

std::string version2(char command, char family, const std::string& body) {
  return signature + command + family + static_cast<char>(body.size() >> 8) + static_cast<char>(body.size() & 0xff) + body;
}

struct Case {
  std::string name;
  std::string bytes;
  Status status;
  bool has_address = false;
  std::string address{};
  std::uint16_t port = 0;
};

std::vector<Case> cases() {
  return {
      {"v1_tcp4", "PROXY TCP4 192.168.0.1 10.0.0.2 56324 5432\r\n", Status::complete, true, "192.168.0.1", 56324},
      {"v1_tcp6", "PROXY TCP6 2001:db8::1 ::1 1 2\r\n", Status::complete, true, "2001:db8::1", 1},
      {"v1_unknown", "PROXY UNKNOWN\r\n", Status::complete},
      {"v1_unknown_with_more", "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", Status::complete},
      {"v1_not_an_address", "PROXY TCP4 nowhere 10.0.0.2 1 2\r\n", Status::malformed},
      {"v1_bytes_behind_a_nul", "PROXY TCP4 192.0.2.77\0evil 10.0.0.2 1 2\r\n"s, Status::malformed},
      {"v1_wrong_family", "PROXY TCP4 ::1 ::1 1 2\r\n", Status::malformed},
      {"v1_port_too_large", "PROXY TCP4 10.0.0.1 10.0.0.2 65536 2\r\n", Status::malformed},
      {"v1_a_field_missing", "PROXY TCP4 10.0.0.1 10.0.0.2 1\r\n", Status::malformed},
      {"v1_without_end", "PROXY TCP4 " + std::string(200, '1'), Status::malformed},
      {"v2_inet", version2('\x21', '\x11', inet_body), Status::complete, true, "10.0.0.1", 4660},
      {"v2_inet_with_tlvs", version2('\x21', '\x11', inet_body + "\x04\0\x02xx"s), Status::complete, true, "10.0.0.1", 4660},
      {"v2_local", version2('\x20', '\0', ""), Status::complete},
      {"v2_unix", version2('\x21', '\x31', std::string(216, 'x')), Status::complete},
      {"v2_wrong_version", version2('\x31', '\x11', inet_body), Status::malformed},
      {"v2_unknown_command", version2('\x22', '\x11', inet_body), Status::malformed},
      {"v2_address_too_short", version2('\x21', '\x11', "\x0a\0\0\1"s), Status::malformed},
      {"v2_too_long", version2('\x21', '\x11', std::string(60000, 'x')).substr(0, 5000), Status::malformed},
      {"a_startup_packet", "\0\0\0\x08\x04\xd2\x16\x2f"s, Status::malformed},
      {"a_letter", "G", Status::malformed},
  };
}

TEST(proxy_header, is_read_as_its_specification_has_it) {
  for (const Case& c : cases()) {
    const ProxyHeader header = read_proxy_header(c.bytes);
    EXPECT_EQ(header.status, c.status) << c.name;
    if (header.status != Status::complete) continue;
    EXPECT_EQ(header.size, c.bytes.size()) << c.name;
    EXPECT_EQ(header.has_address, c.has_address) << c.name;
    EXPECT_EQ(header.address, c.address) << c.name;
    EXPECT_EQ(header.port, c.port) << c.name;
  }
}

TEST(proxy_header, cut_anywhere_needs_more_and_takes_nothing_behind_it) {
  for (const Case& c : cases()) {
    if (c.status != Status::complete) continue;
    for (std::size_t cut = 0; cut < c.bytes.size(); ++cut)
      EXPECT_EQ(read_proxy_header(std::string_view(c.bytes).substr(0, cut)).status, Status::need_more) << c.name << " cut at " << cut;
    EXPECT_EQ(read_proxy_header(c.bytes + "what follows").size, c.bytes.size()) << c.name;
  }
}

}  // namespace
}  // namespace pgswitch
