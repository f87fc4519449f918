// Tags, errors and texts of Redshift as a client of PostgreSQL takes them.
#include <gtest/gtest.h>

#include "protocol/writer.hpp"
#include "proxy/redshift/errors.hpp"
#include "proxy/redshift/server_text.hpp"
#include "proxy/redshift/tags.hpp"
#include "rules/analyze.hpp"

namespace pgswitch::redshift {
namespace {

std::string tag(std::string_view said, std::uint64_t rows, std::string_view sql) {
  return client_tag(said, rows, rules::analyze(sql).statements.front().statement.get());
}

std::string body(protocol::SqlError error) {
  std::string frame;
  protocol::write_error(frame, error);
  return frame.substr(protocol::frame_header_size);
}

protocol::SqlError error(std::string_view sqlstate, std::string_view message, std::string_view detail = {}) {
  protocol::SqlError made;
  made.sqlstate = sqlstate;
  made.message = message;
  made.detail = detail;
  return made;
}

TEST(redshift_answers, tags) {
  EXPECT_EQ(client_tag("SELECT", 3, nullptr), "SELECT 3");
  EXPECT_EQ(tag("SELECT", 0, "select 1"), "SELECT 0");
  EXPECT_EQ(tag("FETCH", 2, "fetch 2 from c"), "FETCH 2");
  EXPECT_EQ(tag("INSERT 0 5", 0, "insert into t values (1)"), "INSERT 0 5");
  EXPECT_EQ(tag("UPDATE 1", 0, "update t set a = 1"), "UPDATE 1");
  EXPECT_EQ(tag("SELECT", 0, "create table n as select 1"), "CREATE TABLE AS");
  EXPECT_EQ(tag("SELECT", 0, "select 1 as a into n"), "SELECT INTO");
  EXPECT_EQ(tag("SELECT 7", 3, "select 1"), "SELECT 7");
  EXPECT_EQ(tag("COMMIT", 0, "commit"), "COMMIT");
}

TEST(redshift_answers, error_1023_is_a_serialization_failure) {
  const auto failure = as_serialization_failure(body(error("XX000", "1023", "Serializable isolation violation on table - 100, transactions forming the cycle are: 1, 2")));
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->sqlstate, "40001");
  EXPECT_NE(failure->detail.find("violation on table - 100"), std::string::npos);
  EXPECT_TRUE(as_serialization_failure(body(error("XX000", "1023 DETAIL: Serializable isolation violation on table"))));
  EXPECT_FALSE(as_serialization_failure(body(error("XX000", "1024 Serializable isolation violation"))));
  EXPECT_FALSE(as_serialization_failure(body(error("42P01", "1023 Serializable isolation violation"))));
  EXPECT_FALSE(as_serialization_failure(body(error("XX000", "1023 rows are wrong"))));
}

TEST(redshift_answers, refusals_of_the_leader_node) {
  EXPECT_TRUE(is_leader_node_refusal(body(error("0A000", "Specified types or functions (one per INFO message) not supported on Redshift tables."))));
  EXPECT_FALSE(is_leader_node_refusal(body(error("42883", "Specified types or functions (one per INFO message) not supported on Redshift tables."))));
  EXPECT_FALSE(is_leader_node_refusal(body(error("0A000", "SELECT FOR UPDATE/SHARE is not supported"))));
}

TEST(redshift_answers, one_gate_for_texts) {
  protocol::SqlError fault;
  EXPECT_EQ(ServerText::of(ServerKind::postgres, R"(select 'a\')", true, fault)->view(), R"(select 'a\')");
  EXPECT_EQ(ServerText::of(ServerKind::redshift, R"(select 'a\')", true, fault)->view(), R"(select 'a\\')");
  EXPECT_EQ(ServerText::of(ServerKind::redshift, R"(select E'a\n')", true, fault)->view(), "select 'a\n'");
  EXPECT_EQ(ServerText::of(ServerKind::redshift, "select 'a'", true, fault)->view(), "select 'a'");
  EXPECT_FALSE(ServerText::of(ServerKind::redshift, "select B'01'", true, fault));
  EXPECT_EQ(fault.sqlstate, "0A000");
  EXPECT_EQ(fault.position, 8u);
}

TEST(redshift_answers, places_in_spelled_texts_lead_back) {
  protocol::SqlError fault;
  rules::PositionMap positions;
  const auto text = ServerText::of(ServerKind::redshift, R"(select 'a\b\c', x)", true, fault, &positions);
  ASSERT_TRUE(text && text->is_spelled());
  EXPECT_EQ(positions.original(static_cast<std::uint32_t>(text->view().find('x')) + 1), 17u);
}

}  // namespace
}  // namespace pgswitch::redshift
