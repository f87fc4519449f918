// One set of names: what the protocol prepared SQL can execute, what SQL prepared the protocol can bind.
#include <gtest/gtest.h>

#include "script.hpp"

namespace pgswitch::script {

namespace {

const std::string name_1 = on_server("select 1");

/// "s" is prepared by the protocol, the connection is given back.
Script& prepared(Script& script) {
  return script.client(parse("s", "select 1"), sync())
      .expect_acquire()
      .expect_to_server(parse(name_1, "select 1"), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release();
}

/// "p" is prepared by SQL.
Script& prepared_by_sql(Script& script) {
  return script.client(query("prepare p as select 1"))
      .expect_acquire()
      .expect_to_server(query("prepare p as select 1"))
      .server(complete("PREPARE"), ready('I'))
      .expect_to_client(complete("PREPARE"), ready('I'));
}

}  // namespace

TEST(names, execute_finds_a_statement_of_the_protocol) {
  Script script;
  prepared(script)
      .client(query("execute s"))
      .expect_acquire()
      .expect_to_server(query("execute " + name_1))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(names, execute_prepares_on_a_server_that_lacks_the_statement) {
  Script script;
  prepared(script)
      .new_server()
      .client(query("explain execute S;"))
      .expect_acquire()
      .expect_to_server(parse(name_1, "select 1"), query("explain execute " + name_1 + ";"))
      .server(parse_complete(), complete("EXPLAIN"), ready('I'))
      .expect_to_client(complete("EXPLAIN"), ready('I'))
      .expect_release();
}

TEST(names, execute_whose_statement_cannot_be_prepared_is_answered_and_is_not_run) {
  Script script;
  prepared(script)
      .new_server()
      .client(query("execute s"), query("select 2"))
      .expect_acquire()
      .expect_to_server(parse(name_1, "select 1"), query("execute " + name_1))
      .server(error("42P01"))
      .expect_to_client(error("42P01"))
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_to_client(ready('I'))
      .expect_release()
      .expect_acquire()
      .expect_to_server(query("select 2"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(names, execute_in_the_extended_protocol_finds_a_statement_of_the_protocol) {
  Script script;
  prepared(script)
      .client(parse("", "execute s"), bind_to("", ""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse("", "execute " + name_1), bind_to("", ""), execute(""), sync())
      .server(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

// Its columns are those of what the name means when it is parsed.
TEST(names, execute_is_parsed_again_for_what_its_name_means_now) {
  const std::string name = on_server("execute p");
  Script(session_pooling())
      .client(query("prepare p as select 1"))
      .expect_acquire()
      .expect_to_server(query("prepare p as select 1"))
      .server(complete("PREPARE"), ready('I'))
      .expect_to_client(complete("PREPARE"), ready('I'))
      .client(parse("a", "execute p"), sync())
      .expect_to_server(parse(name, "execute p"), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .exchange("deallocate p", "DEALLOCATE", 'I')
      .client(parse("b", "execute p"), bind_to("", "b"), sync())
      .expect_to_server(close_statement(name), parse(name, "execute p"), bind_to("", name), sync())
      .server(close_complete(), parse_complete(), error("26000"), ready('I'))
      .expect_to_client(parse_complete(), error("26000"), ready('I'))
      .client(parse("c", "execute p"), sync())
      .expect_to_server(close_statement(name), parse(name, "execute p"), sync())
      .server(close_complete(), parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'));
}

TEST(names, what_execute_runs_has_its_effects) {
  Script()
      .prepare("s", "listen ch")
      .client(query("execute s"))
      .expect_acquire()
      .expect_to_server(query("execute " + on_server("listen ch")))
      .server(complete("LISTEN"), ready('I'))
      .expect_to_client(complete("LISTEN"), ready('I'))
      .check([](const SessionCore& core) { EXPECT_EQ(core.pins(), bit(Pin::listen)); });
}

TEST(names, deallocate_among_others_takes_the_name) {
  Script script;
  prepared(script)
      .client(query("deallocate s; prepare s as select 2; execute s"))
      .expect_acquire()
      .expect_to_server(query("deallocate " + name_1 + ";prepare s as select 2;execute s"))
      .server(complete("DEALLOCATE"), complete("PREPARE"), complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("DEALLOCATE"), complete("PREPARE"), complete("SELECT 1"), ready('I'))
      .client(bind_to("", "s"), execute(""), sync())
      .expect_to_server(bind_to("", "s"), execute(""), sync())
      .server(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'));
}

TEST(names, prepare_of_a_name_of_the_protocol_is_42P05) {
  Script script;
  prepared(script)
      .client(query("prepare s as select 2"))
      .expect_to_client(any_error("42P05"), ready('I'))
      .client(parse("", "prepare s as select 2"), bind_to("", ""), sync())
      .expect_acquire()
      .expect_to_server(parse("", "prepare s as select 2"), bind_to("", ""), sync())
      .server(parse_complete(), bind_complete(), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), ready('I'))
      .expect_release();
}

TEST(names, of_sql_are_bound_described_and_closed_by_the_protocol_where_they_are) {
  Script script;
  prepared_by_sql(script)
      .whole_exchange("select * from b_t", "SELECT 1", "b")
      .on("app")
      .client(bind_to("", "p"), execute(""), describe_statement("p"), sync())
      .expect_to_server(bind_to("", "p"), execute(""), describe_statement("p"), sync())
      .server(bind_complete(), complete("SELECT 1"), parameter_description(), row_description(), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), parameter_description(), row_description(), ready('I'))
      .client(parse("p", "select 2; select 3"), sync())
      .expect_to_client(any_error("42601"), ready('I'))
      .client(close_statement("p"), parse("p", "select 1"), sync())
      .expect_to_server(close_statement("p"), parse(name_1, "select 1"), sync())
      .server(close_complete(), parse_complete(), ready('I'))
      .expect_to_client(close_complete(), parse_complete(), ready('I'))
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(names, close_of_a_name_of_sql_that_was_skipped_did_not_happen) {
  Script script;
  prepared_by_sql(script)
      .client(bind_to("", "p"), execute(""), close_statement("p"), sync())
      .expect_to_server(bind_to("", "p"), execute(""), close_statement("p"), sync())
      .server(bind_complete(), error("22012"), ready('I'))
      .expect_to_client(bind_complete(), error("22012"), ready('I'))
      .exchange("execute p", "SELECT 1", 'I');
}

TEST(names, of_sql_can_be_bound_in_the_batch_that_prepares_them) {
  Script()
      .client(parse("", "prepare p as select 1"), bind_to("", ""), execute(""), bind_to("", "p"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse("", "prepare p as select 1"), bind_to("", ""), execute(""), flush())
      .server(parse_complete(), bind_complete(), complete("PREPARE"))
      .expect_to_client(parse_complete(), bind_complete(), complete("PREPARE"))
      .expect_to_server(bind_to("", "p"), execute(""), sync())
      .server(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'));
}

TEST(names, in_errors_are_the_clients) {
  Script script;
  prepared(script)
      .client(bind_to("", "s"), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", name_1), sync())
      .server(error("08P01", "but prepared statement \"" + name_1 + "\" requires 0"), ready('I'))
      .expect_to_client(error("08P01", "but prepared statement \"s\" requires 0"), ready('I'))
      .expect_release();
}

TEST(names, positions_behind_a_spliced_name_are_the_clients) {
  Script script;
  prepared(script)
      .client(query("execute s(x)"))
      .expect_acquire()
      .expect_to_server(query("execute " + name_1 + "(x)"))
      .server(error("42703", "no", 46), ready('I'))
      .expect_to_client(error("42703", "no", 11), ready('I'))
      .expect_release();
}

TEST(names, spent_portals_are_55000_and_those_of_an_ended_transaction_34000) {
  Script()
      .client(parse("", "begin"), bind_to("", ""), execute(""), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete(), complete("BEGIN"), any_error("55000"), ready('E'))
      .client(parse("", "rollback"), bind_to("", ""), execute(""), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete(), complete("ROLLBACK"), any_error("34000"), ready('I'));
}

TEST(names, in_errors_are_the_clients_also_when_all_are_deallocated_meanwhile) {
  Script script;
  prepared(script)
      .client(bind_to("", "s", {"1"}), parse("", "deallocate all"), bind_to("", ""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", name_1, {"1"}), sync())
      .server(error("08P01", "prepared statement \"" + name_1 + "\" requires 0"), ready('I'))
      .expect_to_client(error("08P01", "prepared statement \"s\" requires 0"), ready('I'))
      .expect_release();
}

TEST(names, deallocate_in_a_failed_transaction_is_the_servers_to_refuse) {
  Script script;
  prepared(script)
      .client(query("begin"), query("select 0"))
      .expect_acquire()
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_to_server(parse(on_server("begin"), "begin"), bind_to("pgswitch", on_server("begin")), execute("pgswitch") + close_portal("pgswitch"), query("select 0"))
      .server(parse_complete(), bind_complete(), complete("BEGIN"), close_complete(), error("22012"), ready('E'))
      .expect_to_client(error("22012"), ready('E'))
      .client(query("deallocate all"))
      .expect_to_server(query("deallocate all"))
      .server(error("25P02"), ready('E'))
      .expect_to_client(error("25P02"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release()
      .check([](const SessionCore& core) { EXPECT_EQ(core.prepared_count(), 1u); });
}

TEST(names, of_servers_are_no_names_of_clients) {
  const std::string quoted = '"' + name_1 + '"';
  for (const std::string& sql : {"execute " + name_1, "execute " + quoted, "deallocate " + name_1, "deallocate prepare " + quoted,
                                 "explain execute " + name_1, "create table t as execute " + name_1, "select 1; deallocate " + name_1}) {
    Script script;
    script.client(query(sql)).expect_to_client(any_error("26000"), ready('I'));
  }
  const std::string execute_it = "execute " + name_1, deallocate_it = "deallocate " + name_1;
  Script script;
  script.client(parse("", deallocate_it), bind_to("", ""), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete(), any_error("26000"), ready('I'))
      .client(parse("", execute_it), bind_to("", ""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse("", execute_it), bind_to("", ""), execute("pgswitch refused"), sync())
      .server(parse_complete(), bind_complete(), error("34000"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), any_error("26000"), ready('I'))
      .expect_release();
}

TEST(names, longer_than_63_bytes_are_cut) {
  const std::string longest(63, 'n');
  Script()
      .client(parse(longest + "a", "select 1"), sync())
      .expect_acquire()
      .expect_to_server(parse(name_1, "select 1"), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release()
      .client(bind_to("", longest + "b"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", name_1), execute(""), sync())
      .server(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

namespace {

const std::string makes_u = "prepare u as select 1", named_makes_u = on_server(makes_u);

}  // namespace

/// What EXECUTE prepares is on that server alone, and is no other client's.
TEST(names, of_a_prepare_that_execute_runs_pin_the_session) {
  Script()
      .client(parse("s", makes_u), sync())
      .expect_acquire()
      .expect_to_server(parse(named_makes_u, makes_u), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release()
      .client(query("execute s"))
      .expect_acquire()
      .expect_to_server(query("execute " + named_makes_u))
      .server(complete("PREPARE"), ready('I'))
      .expect_to_client(complete("PREPARE"), ready('I'))
      .check([](const SessionCore& core) { EXPECT_TRUE(has(core.pins(), Pin::sql_prepare)); })
      .client(bind_to("", "u"), execute(""), sync())
      .expect_to_server(bind_to("", "u"), execute(""), sync())
      .server(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'))
      .exchange("deallocate u", "DEALLOCATE", 'I')
      .expect_release("app", Leftover{.reset_needed = true});
}

TEST(names, of_a_prepare_that_execute_runs_are_not_given_twice) {
  Script()
      .client(parse("u", makes_u), sync())
      .expect_acquire()
      .expect_to_server(parse(named_makes_u, makes_u), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release()
      .client(query("execute u"))
      .expect_to_client(any_error("42P05"), ready('I'));
}

TEST(names, of_a_prepare_that_a_parsed_execute_runs_are_known_to_another_server) {
  Script()
      .client(parse("", "execute s"), sync())
      .expect_acquire()
      .expect_to_server(parse("", "execute s"), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release()
      .client(parse("s", makes_u), sync())
      .expect_acquire()
      .expect_to_server(parse(named_makes_u, makes_u), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release()
      .new_server()
      .client(bind_to("", ""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse(named_makes_u, makes_u), parse("", "execute " + named_makes_u), bind_to("", ""), execute(""), sync())
      .server(parse_complete(), parse_complete(), bind_complete(), complete("PREPARE"), ready('I'))
      .expect_to_client(bind_complete(), complete("PREPARE"), ready('I'))
      .check([](const SessionCore& core) { EXPECT_TRUE(has(core.pins(), Pin::sql_prepare)); });
}

// What it names is itself.
TEST(names, execute_of_a_deallocate_of_its_own_name_ends) {
  const std::string run = "execute " + on_server("deallocate s");
  Script()
      .client(parse("s", "deallocate s"), parse("t", "execute s"), sync())
      .expect_acquire()
      .expect_to_server(parse(on_server(run), run), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), parse_complete(), ready('I'))
      .expect_release();
}

}  // namespace pgswitch::script
