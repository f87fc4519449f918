#include "proxy/auth/auth_query.hpp"

#include <gtest/gtest.h>

#include "protocol/writer.hpp"

namespace pgswitch {
namespace {

using Step = AuthQueryAnswer::Step;
using Values = std::vector<std::optional<std::string>>;

std::string description(std::size_t columns) {
  std::string out;
  protocol::write_row_description(out, std::vector<protocol::Column>(columns, protocol::Column{"c"}));
  return out;
}

std::string row(const Values& values) {
  std::string out;
  protocol::write_data_row(out, values);
  return out;
}

std::string end(char status = 'I') {
  std::string out;
  protocol::write_command_complete(out, "SELECT 1");
  protocol::write_ready_for_query(out, status);
  return out;
}

std::string frame(char type) {
  std::string out;
  protocol::write_empty(out, type);
  return out;
}

/// Feeds whole frames; the last step.
Step feed(AuthQueryAnswer& answer, std::string_view bytes) {
  Step step = Step::more;
  while (!bytes.empty() && step == Step::more) {
    protocol::FrameHeader header;
    EXPECT_EQ(protocol::read_header(bytes, 1 << 20, header), protocol::HeaderStatus::complete);
    protocol::Frame one;
    one.type = header.type;
    one.body = bytes.substr(protocol::frame_header_size, header.body_size);
    bytes.remove_prefix(header.frame_size());
    step = answer.on_frame(one);
  }
  return step;
}

TEST(AuthQuery, the_name_is_a_parameter_and_no_part_of_the_text) {
  std::string out;
  write_auth_query(out, "SELECT $1", "o'x");
  EXPECT_EQ(out.find("o'x"), out.rfind("o'x"));
  EXPECT_EQ(out[0], 'P');
  EXPECT_NE(out.find(std::string("SELECT $1\0\0\0", 12)), std::string::npos) << "no parameter types";
  EXPECT_NE(out.find(std::string("\0\0\0\x03o'x", 7)), std::string::npos);
  EXPECT_EQ(out.substr(out.size() - 5), std::string("S\0\0\0\x04", 5));
}

TEST(AuthQuery, a_row_is_a_user_and_no_row_is_none) {
  AuthQueryAnswer found, none, null;
  const std::string start = frame('1') + frame('2') + description(2);
  EXPECT_EQ(feed(found, start + row({"joe", "secret"}) + end()), Step::done);
  EXPECT_EQ(found.fault(), "");
  EXPECT_EQ(found.found()->name, "joe");
  EXPECT_EQ(found.found()->secret, "secret");
  EXPECT_EQ(feed(none, start + end()), Step::done);
  EXPECT_EQ(none.fault(), "");
  EXPECT_FALSE(none.found());
  EXPECT_EQ(feed(null, start + row({"joe", std::nullopt}) + end()), Step::done);
  EXPECT_EQ(null.fault(), "");
  EXPECT_EQ(null.found()->secret, "");
}

TEST(AuthQuery, an_answer_of_no_use_has_pgbouncers_words_and_leaves_the_connection_in_step) {
  std::string error;
  protocol::SqlError said;
  said.message = "no such table";
  protocol::write_error(error, said);
  std::string ready;
  protocol::write_ready_for_query(ready, 'I');
  const std::pair<std::string, const char*> cases[] = {
      {description(1) + row({"joe"}) + end(), "expected 2 columns from auth_query, not 1"},
      {description(3) + end(), "expected 2 columns from auth_query, not 3"},
      {frame('n') + end(), "expected 2 columns from auth_query, not 0"},
      {description(2) + row({std::nullopt, "secret"}) + end(), "auth_query response contained null user name"},
      {description(2) + row({"", "secret"}) + end(), "auth_query response contained null user name"},
      {description(2) + row({std::string("joe\0x", 5), "secret"}) + end(), "unable to allocate new user for auth"},
      {description(2) + row({"joe", "a"}) + row({"jim", "b"}) + end(), "auth_query returned more than one row"},
      {description(2) + row({std::string(128, 'x'), "a"}) + end(), "unable to allocate new user for auth"},
      {description(2) + row({"joe", std::string(65531, 'x')}) + end(), "unable to allocate new user for auth"},
      {frame('1') + error + ready, "error response from auth_query"},
  };
  for (const auto& [bytes, fault] : cases) {
    AuthQueryAnswer answer;
    EXPECT_EQ(feed(answer, bytes), Step::done) << fault;
    EXPECT_EQ(answer.fault(), fault);
  }
}

TEST(AuthQuery, what_is_no_answer_ends_the_connection) {
  std::string copy, short_row = description(2);
  {
    protocol::MessageWriter writer(copy, 'G');
    writer.byte('\0').int16(0);
  }
  {
    protocol::MessageWriter writer(short_row, 'D');
    writer.int16(2).int32(100).bytes("x");
  }
  std::string early;
  protocol::write_ready_for_query(early, 'I');
  for (const std::string& bytes : {copy, short_row, early, description(2) + end('T'), frame('D')}) {
    AuthQueryAnswer answer;
    EXPECT_EQ(feed(answer, bytes), Step::out_of_step);
  }
}

}  // namespace
}  // namespace pgswitch
