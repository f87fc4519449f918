#include "protocol/writer.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "protocol/backend.hpp"
#include "tests/protocol/bytes.hpp"
#include "protocol/frontend.hpp"
#include "protocol/startup.hpp"

namespace pgswitch::protocol {
namespace {

struct WriterCase {
  const char* name;
  std::function<void(std::string&)> write;
  std::string expected;
};

SqlError full_error() {
  SqlError error;
  error.severity = Severity::fatal;
  error.sqlstate = "28P01";
  error.message = "m";
  error.detail = "d";
  error.hint = "h";
  error.position = 12;
  return error;
}

const std::vector<WriterCase>& cases() {
  static const std::vector<std::string> unknown{"_pq_.a", "_pq_.b"};
  static const std::vector<Column> columns{{"n", 23, 4}, {"t"}};
  static const std::vector<std::optional<std::string>> values{"1", std::nullopt, ""};
  static const std::vector<std::pair<std::string, std::string>> parameters{{"user", "u"}, {"", "lost"}, {"a", ""}};
  static const std::vector<WriterCase> all{
      {"error", [](std::string& out) { write_error(out, full_error()); },
       frame('E', "S" + text("FATAL") + "V" + text("FATAL") + "C" + text("28P01") + "M" + text("m") + "D" + text("d") +
                      "H" + text("h") + "P" + text("12") + bytes("\0"))},
      {"error without optional fields", [](std::string& out) { write_error(out, SqlError()); },
       frame('E', "S" + text("ERROR") + "V" + text("ERROR") + "C" + text("XX000") + "M" + text("") + bytes("\0"))},
      {"error for protocols 1 and 2", [](std::string& out) { write_error_before_v3(out, full_error()); }, bytes("EFATAL:  m\n\0")},
      {"ready", [](std::string& out) { write_ready_for_query(out, 'T'); }, bytes("Z\0\0\0\5T")},
      {"tag", [](std::string& out) { write_command_complete(out, "SET"); }, frame('C', text("SET"))},
      {"parameter", [](std::string& out) { write_parameter_status(out, "a", "b"); }, frame('S', text("a") + text("b"))},
      {"key", [](std::string& out) { write_backend_key_data(out, 7, bytes("\0\1\2\3")); }, frame('K', int32(7) + bytes("\0\1\2\3"))},
      {"parse complete", [](std::string& out) { write_empty(out, '1'); }, bytes("1\0\0\0\4")},
      {"authentication", [](std::string& out) { write_authentication(out, 5, "salt"); }, frame('R', int32(5) + "salt")},
      {"negotiation", [](std::string& out) { write_negotiate_protocol_version(out, 2, unknown); },
       frame('v', int32(0x00030002) + int32(2) + text("_pq_.a") + text("_pq_.b"))},
      {"row description", [](std::string& out) { write_row_description(out, columns); },
       frame('T', int16(2) + text("n") + int32(0) + int16(0) + int32(23) + int16(4) + int32(0xffffffff) + int16(0) +
                      text("t") + int32(0) + int16(0) + int32(25) + int16(0xffff) + int32(0xffffffff) + int16(0))},
      {"data row", [](std::string& out) { write_data_row(out, values); },
       frame('D', int16(3) + int32(1) + "1" + int32(0xffffffff) + int32(0))},
      {"query", [](std::string& out) { write_query(out, "q"); }, frame('Q', text("q"))},
      {"text is cut at its first NUL", [](std::string& out) { write_query(out, bytes("a\0b")); }, frame('Q', text("a"))},
      {"parse", [](std::string& out) { write_parse(out, "s", "q", int32(23)); },
       frame('P', text("s") + text("q") + int16(1) + int32(23))},
      {"bind", [](std::string& out) { write_bind_names(out, 6, "p", "s"), out.append(6, '\0'); }, frame('B', text("p") + text("s") + std::string(6, '\0'))},
      {"bind unnamed", [](std::string& out) { write_bind_names(out, 0, "", "s"); }, frame('B', text("") + text("s"))},
      {"close", [](std::string& out) { write_close(out, 'S', "s"); }, frame('C', "S" + text("s"))},
      {"sync", [](std::string& out) { write_sync(out); }, bytes("S\0\0\0\4")},
      {"terminate", [](std::string& out) { write_terminate(out); }, bytes("X\0\0\0\4")},
      {"copy fail", [](std::string& out) { write_copy_fail(out, "no"); }, frame('f', text("no"))},
      {"password", [](std::string& out) { write_password(out, "pw"); }, frame('p', text("pw"))},
      {"start-up", [](std::string& out) { write_startup(out, 0x30000, parameters); },
       packet(int32(0x30000) + text("user") + text("u") + text("a") + text("") + bytes("\0"))},
      {"ssl request", [](std::string& out) { write_ssl_request(out); }, bytes("\0\0\0\10\x04\xd2\x16\x2f")},
      {"cancel", [](std::string& out) { write_cancel_request(out, 7, "abcd"); }, packet(bytes("\x04\xd2\x16\x2e") + int32(7) + "abcd")},
  };
  return all;
}

TEST(Writer, messages_are_the_manuals_bytes) {
  for (const WriterCase& test : cases()) {
    std::string out;
    test.write(out);
    EXPECT_EQ(out, test.expected) << test.name;
  }
}

TEST(Writer, messages_are_appended_to_what_is_there) {
  for (const WriterCase& test : cases()) {
    std::string out = "before";
    test.write(out);
    EXPECT_EQ(out, "before" + test.expected) << test.name;
  }
}

TEST(Writer, what_is_written_reads_back) {
  std::string out;
  write_error(out, full_error());
  const SqlError read = backend::read_error(body_of(out));
  EXPECT_EQ(read.severity, Severity::fatal);
  EXPECT_EQ(read.sqlstate, "28P01");
  EXPECT_EQ(read.hint, "h");
  EXPECT_EQ(read.position, 12u);

  out.clear();
  write_parse(out, "s", "select $1", int32(23) + int32(25));
  const std::string parse = body_of(out);
  ASSERT_TRUE(frontend::read_parse(parse));
  EXPECT_EQ(frontend::read_parse(parse)->parameter_type_count, 2);

  out.clear();
  write_cancel_request(out, 99, std::string(32, 's'));
  ASSERT_EQ(scan_startup(out).kind, StartupKind::cancel_request);
  EXPECT_EQ(read_cancel_request(out)->process_id, 99u);
}

TEST(Writer, sqlstate_that_is_not_five_characters_becomes_internal_error) {
  SqlError error;
  for (const char* bad : {"", "08", "08P011"}) {
    error.sqlstate = bad;
    std::string out;
    write_notice(out, error);
    EXPECT_EQ(out[0], 'N');
    EXPECT_EQ(backend::error_field(body_of(out), 'C'), "XX000") << bad;
  }
}

}  // namespace
}  // namespace pgswitch::protocol
