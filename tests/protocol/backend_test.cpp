#include "protocol/backend.hpp"

#include <gtest/gtest.h>

#include "tests/protocol/bytes.hpp"

namespace pgswitch::protocol::backend {
namespace {

bool valid_parameter(ByteView body) { return read_parameter_status(body).has_value(); }
bool valid_key(ByteView body) { return read_backend_key_data(body).has_value(); }
bool valid_ready(ByteView body) { return read_ready_for_query(body).has_value(); }
bool valid_tag(ByteView body) { return read_command_complete(body).has_value(); }

struct Case {
  const char* name;
  bool (*is_valid)(ByteView);
  std::string body;
  bool expected;
};

const Case cases[] = {
    {"parameter", valid_parameter, text("TimeZone") + text("UTC"), true},
    {"parameter with an empty value", valid_parameter, text("application_name") + text(""), true},
    {"parameter without a value", valid_parameter, text("TimeZone"), false},
    {"parameter, bytes left over", valid_parameter, text("a") + text("b") + "c", false},
    {"key of protocol 3.0", valid_key, int32(42) + int32(7), true},
    {"key of 256 bytes", valid_key, int32(42) + std::string(256, 'k'), true},
    {"key of 257 bytes", valid_key, int32(42) + std::string(257, 'k'), false},
    {"key of 3 bytes", valid_key, int32(42) + "abc", false},
    {"key without a key", valid_key, int32(42), false},
    {"ready, idle", valid_ready, "I", true},
    {"ready, in a transaction", valid_ready, "T", true},
    {"ready, in a failed one", valid_ready, "E", true},
    {"ready, something else", valid_ready, "X", false},
    {"ready, nothing", valid_ready, "", false},
    {"ready, two bytes", valid_ready, "II", false},
    {"tag", valid_tag, text("INSERT 0 1"), true},
    {"tag without NUL", valid_tag, "INSERT 0 1", false},
    {"tag with a NUL inside", valid_tag, bytes("INSERT\0 0 1\0"), false},
};

TEST(Backend, bodies_that_do_not_add_up_are_refused) {
  for (const Case& test : cases) EXPECT_EQ(test.is_valid(test.body), test.expected) << test.name;
}

TEST(Backend, every_truncation_of_a_valid_body_is_refused) {
  for (const Case& test : cases) {
    if (!test.expected) continue;
    const std::size_t shortest = test.is_valid == valid_key ? 8 : test.body.size();  // a shorter key is a key
    for (std::size_t size = 0; size < shortest; ++size)
      EXPECT_FALSE(test.is_valid(std::string(test.body, 0, size))) << test.name << " cut to " << size;
  }
}

TEST(Backend, key_data_keeps_the_whole_secret) {
  const std::optional<BackendKeyData> key = read_backend_key_data(int32(0x01020304) + std::string(32, 'k'));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->process_id, 0x01020304u);
  EXPECT_EQ(key->secret.size(), 32u);
}

const std::string full_error = "S" + text("ERREUR") + "V" + text("FATAL") + "C" + text("28P01") + "M" + text("message") +
                               "D" + text("detail") + "H" + text("hint") + "P" + text("17") + "F" + text("auth.c") +
                               std::string(1, '\0');

TEST(Backend, error_fields_are_read_and_unknown_ones_dropped) {
  const SqlError error = read_error(full_error);
  EXPECT_EQ(error.severity, Severity::fatal);
  EXPECT_EQ(error.sqlstate, "28P01");
  EXPECT_EQ(error.message, "message");
  EXPECT_EQ(error.detail, "detail");
  EXPECT_EQ(error.hint, "hint");
  EXPECT_EQ(error.position, 17u);
  EXPECT_EQ(error_field(full_error, 'F'), "auth.c");
  EXPECT_EQ(error_field(full_error, 'R'), "");
}

TEST(Backend, severity_comes_from_S_when_the_server_sends_no_V) {
  EXPECT_EQ(read_error("S" + text("PANIC") + std::string(1, '\0')).severity, Severity::panic);
}

TEST(Backend, error_without_fields_is_an_error_without_texts) {
  for (const std::string& body : {std::string(), bytes("\0"), bytes("M"), bytes("Mabc")}) {
    const SqlError error = read_error(body);
    EXPECT_EQ(error.severity, Severity::error);
    EXPECT_EQ(error.sqlstate, "");
    EXPECT_EQ(error.message, "");
  }
}

TEST(Backend, error_cut_anywhere_yields_the_complete_fields) {
  for (std::size_t size = 0; size < full_error.size(); ++size) {
    const std::string cut(full_error, 0, size);
    const SqlError error = read_error(cut);
    EXPECT_TRUE(error.message.empty() || error.message == "message") << size;
  }
}

TEST(Backend, position_that_is_no_number_is_none) {
  for (const char* position : {"", "x", "-1", "17x", "99999999999"})
    EXPECT_EQ(read_error("P" + text(position) + std::string(1, '\0')).position, 0u) << position;
}

}  // namespace
}  // namespace pgswitch::protocol::backend
