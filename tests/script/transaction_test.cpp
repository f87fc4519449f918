// Transactions: deferred BEGIN, routes inside them.
#include <gtest/gtest.h>

#include "deferred_begin.hpp"

namespace pgswitch::script {

TEST(transaction, begin_and_commit_alone_need_no_server) {
  Script()
      .client(query("begin"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .check([](const SessionCore& core) { EXPECT_TRUE(core.in_transaction()); })
      .client(query("commit"))
      .expect_to_client(complete("COMMIT"), ready('I'))
      .check([](const SessionCore& core) { EXPECT_TRUE(core.is_idle()); });
  Script().client(query("START TRANSACTION READ ONLY"), query("ROLLBACK")).expect_to_client(complete("START TRANSACTION"), ready('T'), complete("ROLLBACK"), ready('I'));
}

TEST(transaction, begin_goes_with_the_first_statement_and_the_lease_ends_with_commit) {
  Script script;
  open(script).exchange("insert into t values (1)", "INSERT 0 1", 'T').exchange("commit", "COMMIT", 'I').expect_release();
}

TEST(transaction, begin_is_prepared_only_once_on_a_server) {
  Script script;
  open(script).exchange("commit", "COMMIT", 'I').expect_release();
  script.client(query("begin"), query("select 2"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(next_begin(), query("select 2"))
      .server(known_begun(), complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), ready('T'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

TEST(transaction, first_statement_decides_its_route_and_later_ones_stay) {
  Script()
      .client(query("begin"), query("select * from b_t"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire("b")
      .expect_to_server(first_begin(), query("select * from b_t"))
      .server(begun(), complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), ready('T'))
      .exchange("select * from app_table", "SELECT 1", 'T')
      .check([](const SessionCore& core) { EXPECT_EQ(core.counters.route_conflicts, 1u); })
      .exchange("commit", "COMMIT", 'I')
      .expect_release("b");
}

/// Its BEGIN was skipped with the batch: what stands behind its Sync belongs to its own route.
TEST(transaction, that_was_expected_and_never_began_has_no_route) {
  Script()
      .client(parse("", "select 1"), execute("none"), parse("", "begin"), bind_to("", ""), execute(""), sync(), query("select * from b_t"))
      .expect_acquire()
      .expect_to_server(parse("", "select 1"), execute("none"), first_behind("begin"), sync())
      .server(parse_complete(), error("34000"), ready('I'))
      .expect_to_client(parse_complete(), error("34000"), ready('I'))
      .expect_release()
      .expect_acquire("b")
      .expect_to_server(query("select * from b_t"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release("b");
}

TEST(transaction, other_route_inside_is_refused_when_the_policy_says_so) {
  Start start;
  start.options.conflict_is_error = true;
  Script script(start);
  open(script)
      .client(query("select * from b_t"))
      .expect_to_client(any_error("25001"), ready('E'))
      .client(query("select 1"))
      .expect_to_client(any_error("25P02"), ready('E'))
      .client(query("commit"))
      .expect_to_server(query("ROLLBACK"))
      .server(complete("ROLLBACK"), ready('I'))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .expect_release();
}

TEST(transaction, begin_is_sent_at_once_when_it_is_not_deferred) {
  Script(eager_begin())
      .client(query("begin"))
      .expect_acquire()
      .expect_to_server(query("begin"))
      .server(complete("BEGIN"), ready('T'))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .exchange("select 1", "SELECT 1", 'T')
      .exchange("commit", "COMMIT", 'I')
      .expect_release();
}

TEST(transaction, jdbc_batch_of_begin_and_statement_goes_as_one) {
  const Bytes begin = parse("", "BEGIN") + bind_to("", "") + execute("");
  const Bytes insert = parse("", "insert into t values ($1)") + bind_to("", "", {"v"}) + describe_portal("") + execute("");
  Script()
      .client(begin, insert, sync())
      .expect_to_client(parse_complete(), bind_complete(), complete("BEGIN"))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), insert, sync())
      .server(begun(), parse_complete(), bind_complete(), no_data(), complete("INSERT 0 1"), ready('T'))
      .expect_to_client(parse_complete(), bind_complete(), no_data(), complete("INSERT 0 1"), ready('T'))
      .client(parse("", "COMMIT"), bind_to("", ""), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete())
      .expect_to_server(first_end("COMMIT"), sync())
      .server(parse_complete(), bind_complete(), complete("COMMIT"), ready('I'))
      .expect_to_client(complete("COMMIT"), ready('I'))
      .expect_release();
}

TEST(transaction, extended_begin_alone_is_answered_locally) {
  Script()
      .client(parse("", "BEGIN"), describe_statement(""), bind_to("", ""), execute(""), sync())
      .expect_to_client(parse_complete(), parameter_description(), no_data(), bind_complete(), complete("BEGIN"), ready('T'))
      .client(parse("", "ROLLBACK"), bind_to("", ""), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete(), complete("ROLLBACK"), ready('I'));
}

TEST(transaction, extended_begin_in_a_pipeline_waits_for_the_statement_that_says_where_it_belongs) {
  Script()
      .client(query("select 1"), parse("", "begin"), bind_to("", ""), execute(""), sync(), query("select * from b_t"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'), parse_complete(), bind_complete(), complete("BEGIN"), ready('T'))
      .expect_release()
      .expect_acquire("b")
      .expect_to_server(first_begin(), query("select * from b_t"))
      .server(begun(), complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), ready('T'));
}

TEST(transaction, set_transaction_behind_a_deferred_begin_goes_with_it) {
  const std::string_view set = "set transaction isolation level serializable";
  Script()
      .client(query("begin"), query(set))
      .expect_to_client(complete("BEGIN"), ready('T'), complete("SET"), ready('T'))
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(first_begin(), first_behind(set), query("select 1"))
      .server(begun(), parse_complete(), close_complete(), bind_complete(), complete("SET"), close_complete(), complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), ready('T'))
      .exchange("commit", "COMMIT", 'I')
      .expect_release();
}

TEST(transaction, rule_sees_that_a_transaction_is_open) {
  Script()
      .client(query("begin"), query("select * from calm"))
      .expect_to_client(complete("BEGIN"), ready('T'), any_error("42501"), ready('E'))
      .client(query("rollback"))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .whole_exchange("select * from calm", "SELECT 1");
}

TEST(transaction, answer_of_a_rule_inside_does_not_disturb_it) {
  Script script;
  open(script)
      .client(query("select * from told"))
      .expect_to_client(row_description(), data_row("1"), complete("SELECT 1"), ready('T'))
      .exchange("commit", "COMMIT", 'I')
      .expect_release();
}

TEST(transaction, commit_and_chain_stays_on_its_server) {
  Script script;
  open(script).exchange("commit and chain", "COMMIT", 'T').exchange("select * from b_t", "SELECT 1", 'T').exchange("commit", "COMMIT", 'I').expect_release();
}

TEST(transaction, commit_alone_outside_is_the_servers_business) {
  Script()
      .client(query("commit"))
      .expect_acquire()
      .expect_to_server(query("commit"))
      .server(notice("there is no transaction in progress"), complete("COMMIT"), ready('I'))
      .expect_to_client(notice("there is no transaction in progress"), complete("COMMIT"), ready('I'))
      .expect_release();
}

TEST(transaction, that_begins_with_a_savepoint_goes_where_its_first_statement_belongs) {
  Script()
      .client(query("begin"), query("savepoint a"))
      .expect_to_client(complete("BEGIN"), ready('T'), complete("SAVEPOINT"), ready('T'))
      .client(query("select * from b_t"))
      .expect_acquire("b")
      .expect_to_server(parse(on_server("begin"), "begin"), bind_to("pgswitch", on_server("begin")), execute("pgswitch") + close_portal("pgswitch"),
                        first_behind("savepoint a"),
                        query("select * from b_t"))
      .server(parse_complete(), bind_complete(), complete("BEGIN"), close_complete(), parse_complete(), close_complete(), bind_complete(), complete("SAVEPOINT"), close_complete(),
              complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), ready('T'))
      .exchange("rollback to a", "ROLLBACK", 'T')
      .exchange("commit", "COMMIT", 'I')
      .expect_release("b");
}

TEST(transaction, in_session_pooling_begins_at_the_clients_own_database) {
  Script(session_pooling())
      .client(query("select * from b_t"))
      .expect_acquire("b")
      .expect_to_server(query("select * from b_t"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .client(query("begin"), query("show x"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(parse(on_server("begin"), "begin"), bind_to("pgswitch", on_server("begin")), execute("pgswitch") + close_portal("pgswitch"), query("show x"))
      .server(parse_complete(), bind_complete(), complete("BEGIN"), close_complete(), complete("SHOW"), ready('T'))
      .expect_to_client(complete("SHOW"), ready('T'))
      .exchange("commit", "COMMIT", 'I');
}

/// The server says behind a Sync of ours what its batch has begun.
TEST(transaction, that_a_batch_begins_is_open_behind_a_query_that_needs_no_server) {
  Script()
      .expect_gaps()
      .client(parse("", "begin"), bind_to("", ""), execute(""), parse("s", "select 1"), query("-- nothing"))
      .expect_to_client(parse_complete(), bind_complete(), complete("BEGIN"))
      .expect_acquire()
      .expect_to_server(first_begin(), parse(on_server("select 1"), "select 1"), flush())
      .server(begun(), parse_complete())
      .expect_to_client(parse_complete(), empty_query(), ready('T'))
      .expect_to_server(sync())
      .server(ready('T'))
      .exchange("commit", "COMMIT", 'I')
      .expect_release();
}

}  // namespace pgswitch::script
