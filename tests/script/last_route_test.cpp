// SHOW pgswitch.last_route: what became of the statement before it, told without a server.
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "protocol/writer.hpp"
#include "rules.hpp"
#include "script.hpp"

namespace pgswitch::script {

namespace {

using Value = std::optional<std::string>;

/// The rows that a client gets, with their description.
Bytes told(const Value& decision, const Value& route, const Value& rule, const Value& rewritten) {
  const std::vector<protocol::Column> columns = {{"decision"}, {"route"}, {"rule"}, {"rewritten"}};
  const std::vector<Value> values = {decision, route, rule, rewritten};
  Bytes out;
  protocol::write_row_description(out, columns);
  protocol::write_data_row(out, values);
  return out + complete("SELECT 1");
}

Bytes ask() { return query("show pgswitch.last_route"); }

/// "default", then the hooks.
std::string rule(std::size_t place) { return engine().rule_stats()[place].rule; }

}  // namespace

TEST(last_route, is_nothing_before_the_first_statement) {
  Script().client(ask()).expect_to_client(told({}, {}, {}, {}), ready('I'));
}

TEST(last_route, is_that_of_the_statement_before_however_often_it_is_asked_for) {
  const Bytes answer = told("route", "b", rule(1), "f") + ready('I');
  Script()
      .whole_exchange("select * from b_events", "SELECT 0", "b")
      .client(ask(), query("SHOW PGSWITCH.last_route;"))
      .expect_to_client(answer, answer)
      .whole_exchange("select 1", "SELECT 1")
      .client(ask())
      .expect_to_client(told("route", "app", rule(0), "f"), ready('I'));
}

TEST(last_route, tells_refusals_answers_and_rewrites) {
  Script()
      .client(query("select * from forbidden"))
      .expect_to_client(error("42501", "forbidden is forbidden"), ready('I'))
      .client(ask())
      .expect_to_client(told("reject", {}, rule(1), "f"), ready('I'))
      .client(query("select * from told"), ask())
      .expect_to_client(row_description(), data_row(), complete("SELECT 1"), ready('I'), told("answer", {}, rule(1), "f"), ready('I'))
      .client(query("select * from old"))
      .expect_acquire()
      .expect_to_server(query("select * from renamed"))
      .server(complete("SELECT 0"), ready('I'))
      .expect_to_client(complete("SELECT 0"), ready('I'))
      .expect_release()
      .client(ask())
      .expect_to_client(told("route", "app", rule(2), "t"), ready('I'));
}

TEST(last_route, is_told_to_the_extended_protocol) {
  const std::vector<protocol::Column> columns = {{"decision"}, {"route"}, {"rule"}, {"rewritten"}};
  Bytes described;
  protocol::write_row_description(described, columns);
  const Bytes rows = told("route", "b", rule(1), "f").substr(described.size());
  Script()
      .whole_exchange("select * from b_events", "SELECT 0", "b")
      .client(parse("", "show pgswitch.last_route"), bind_to("", ""), describe_portal(""), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete(), described, rows, ready('I'));
}

TEST(last_route, has_no_rule_once_the_rules_are_others) {
  Script()
      .whole_exchange("select * from b_events", "SELECT 0", "b")
      .reload()
      .client(ask())
      .expect_to_client(told("route", "b", {}, "f"), ready('I'));
}

}  // namespace pgswitch::script
