// Prepared statements: names of the client, what servers hold.
#include <gtest/gtest.h>

#include "script.hpp"

namespace pgswitch::script {

namespace {

const std::string select_1 = "select $1";
const std::string name_1 = on_server(select_1);

}  // namespace

TEST(prepared, named_statement_gets_the_servers_name) {
  Script()
      .client(parse("s", select_1), describe_statement("s"), sync())
      .expect_acquire()
      .expect_to_server(parse(name_1, select_1), describe_statement(name_1), sync())
      .server(parse_complete(), parameter_description({25}), row_description(), ready('I'))
      .expect_to_client(parse_complete(), parameter_description({25}), row_description(), ready('I'))
      .expect_release()
      .client(bind_to("", "s", {"v"}), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", name_1, {"v"}), execute(""), sync())
      .server(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(prepared, statement_missing_on_another_server_is_prepared_there_unseen) {
  Script()
      .prepare("s", select_1)
      .new_server()
      .client(bind_to("", "s", {"v"}), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse(name_1, select_1), bind_to("", name_1, {"v"}), execute(""), sync())
      .server(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(prepared, standalone_describe_on_another_server_prepares_first) {
  Script()
      .prepare("s", select_1)
      .new_server()
      .client(describe_statement("s"), sync())
      .expect_acquire()
      .expect_to_server(parse(name_1, select_1), describe_statement(name_1), sync())
      .server(parse_complete(), parameter_description(), no_data(), ready('I'))
      .expect_to_client(parameter_description(), no_data(), ready('I'))
      .expect_release();
}

TEST(prepared, unnamed_statement_survives_a_change_of_servers) {
  Script()
      .prepare("", select_1)
      .new_server()
      .client(bind_to("", "", {"v"}), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse("", select_1), bind_to("", "", {"v"}), execute(""), sync())
      .server(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(prepared, simple_query_forgets_the_unnamed_statement_as_postgresql_does) {
  Script()
      .prepare("", select_1)
      .whole_exchange("select 2", "SELECT 1")
      .client(bind_to("", "", {"v"}), execute(""), sync())
      .expect_to_client(any_error("26000"), ready('I'));
}

TEST(prepared, statement_known_on_the_server_is_answered_in_its_place) {
  Script()
      .prepare("s", select_1)
      .client(bind_to("", "s"), execute(""), parse("t", select_1), bind_to("", "t"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", name_1), execute(""), bind_to("", name_1), execute(""), sync())
      .server(bind_complete(), complete("SELECT 1"))
      .expect_to_client(bind_complete(), complete("SELECT 1"), parse_complete())
      .server(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

// '01/02/2003'::date is what DateStyle makes of it when it is parsed, t is what search_path finds.
TEST(prepared, statement_is_another_one_under_other_settings) {
  const std::string other = on_server(select_1, {}, std::string("search_path=set search_path to a") + '\0');
  Script()
      .prepare("s", select_1)
      .whole_exchange("set search_path to a", "SET")
      .client(parse("t", select_1), bind_to("", "t"), bind_to("", "s"), sync())
      .expect_acquire()
      .expect_to_server(parse(other, select_1), bind_to("", other), bind_to("", name_1), sync())
      .server(parse_complete(), bind_complete(), bind_complete(), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), bind_complete(), ready('I'))
      .expect_release()
      .whole_exchange("set work_mem to '1MB'", "SET")
      .client(parse("u", select_1), sync())
      .expect_acquire()
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release()
      .client(query("reset search_path"), parse("v", select_1), bind_to("", "v"), sync())
      .expect_acquire()
      .expect_to_server(query("reset search_path"))
      .server(complete("RESET"), ready('I'))
      .expect_to_client(complete("RESET"), ready('I'))
      .expect_release()
      .expect_acquire()
      .expect_to_server(bind_to("", name_1), sync())
      .server(bind_complete(), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), ready('I'))
      .expect_release();
}

// The server holds the statement, and says what PostgreSQL says first: that the transaction has failed.
TEST(prepared, statement_known_on_the_server_is_refused_in_a_failed_transaction) {
  Script(eager_begin())
      .client(query("begin"))
      .expect_acquire()
      .expect_to_server(query("begin"))
      .server(complete("BEGIN"), ready('T'))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .client(parse("s", select_1), sync())
      .expect_to_server(parse(name_1, select_1), sync())
      .server(parse_complete(), ready('T'))
      .expect_to_client(parse_complete(), ready('T'))
      .client(query("selec"))
      .expect_to_server(query("selec"))
      .server(error("42601"), ready('E'))
      .expect_to_client(error("42601"), ready('E'))
      .client(parse("t", select_1), bind_to("", "t"), sync())
      .expect_to_server(parse(name_1, select_1), bind_to("", name_1), sync())
      .server(error("25P02"), ready('E'))
      .expect_to_client(error("25P02"), ready('E'))
      .client(query("rollback"))
      .expect_to_server(query("rollback"))
      .server(complete("ROLLBACK"), ready('I'))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .expect_release()
      .client(bind_to("", "t"), sync())
      .expect_to_client(any_error("26000"), ready('I'))
      .client(parse("t", select_1), bind_to("", "t"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", name_1), execute(""), sync())
      .server(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

// The string may fail in front of its COMMIT, and the transaction with it.
TEST(prepared, statement_known_on_the_server_waits_for_a_string_that_may_not_reach_its_commit) {
  Script(eager_begin())
      .prepare("s", select_1)
      .client(query("begin; select 1/0; commit"), parse("t", select_1), sync())
      .expect_acquire()
      .expect_to_server(query("begin; select 1/0; commit"))
      .server(complete("BEGIN"), error("22012"), ready('E'))
      .expect_to_client(complete("BEGIN"), error("22012"), ready('E'))
      .expect_to_server(parse(name_1, select_1), sync())
      .server(error("25P02"), ready('E'))
      .expect_to_client(error("25P02"), ready('E'));
}

TEST(prepared, statement_known_on_the_server_waits_for_what_may_fail_the_transaction) {
  Script(eager_begin())
      .client(query("begin"))
      .expect_acquire()
      .expect_to_server(query("begin"))
      .server(complete("BEGIN"), ready('T'))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .client(parse("s", select_1), sync())
      .expect_to_server(parse(name_1, select_1), sync())
      .server(parse_complete(), ready('T'))
      .expect_to_client(parse_complete(), ready('T'))
      .client(bind_to("", "s"), execute(""), sync(), parse("t", select_1), sync())
      .expect_to_server(bind_to("", name_1), execute(""), sync())
      .server(bind_complete(), error("22012"), ready('E'))
      .expect_to_server(parse(name_1, select_1), sync())
      .expect_to_client(bind_complete(), error("22012"), ready('E'))
      .server(error("25P02"), ready('E'))
      .expect_to_client(error("25P02"), ready('E'))
      .client(query("rollback"))
      .expect_to_server(query("rollback"))
      .server(complete("ROLLBACK"), ready('I'))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .expect_release();
}

TEST(prepared, duplicate_name_is_42P05_and_skips_to_sync) {
  Script()
      .prepare("s", select_1)
      .client(parse("s", "select 2"), bind_to("", "s"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse(on_server("select 2"), "select 2"), execute("pgswitch refused"), sync())
      .server(parse_complete(), error("34000"), ready('I'))
      .expect_to_client(any_error("42P05"), ready('I'))
      .expect_release()
      .client(parse("s", "selec"), sync())
      .expect_acquire()
      .expect_to_server(parse(on_server("selec"), "selec"), execute("pgswitch refused"), sync())
      .server(error("42601"), ready('I'))
      .expect_to_client(error("42601"), ready('I'))
      .expect_release();
}

TEST(prepared, unknown_statement_is_26000) {
  Script().client(bind_to("", "none"), execute(""), sync()).expect_to_client(any_error("26000"), ready('I'));
  Script().client(describe_statement("none"), sync()).expect_to_client(any_error("26000"), ready('I'));
}

TEST(prepared, least_recently_used_statement_is_closed_before_the_limit_is_passed) {
  Start start;
  start.options.max_prepared_statements = 1;
  Script(start)
      .prepare("a", "select 1")
      .client(parse("b", "select 2"), bind_to("", "a"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(close_statement(on_server("select 1")), parse(on_server("select 2"), "select 2"),
                        close_statement(on_server("select 2")), parse(on_server("select 1"), "select 1"), bind_to("", on_server("select 1")),
                        execute(""), sync())
      .server(close_complete(), parse_complete(), close_complete(), parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(prepared, close_of_a_statement_needs_no_server_and_frees_its_name) {
  Script()
      .prepare("s", select_1)
      .client(close_statement("s"), sync())
      .expect_to_client(close_complete(), ready('I'))
      .client(close_statement("never was"), sync())
      .expect_to_client(close_complete(), ready('I'))
      .prepare("s", "select 2");
}

/// What a Bind was asked for holds for the next of the same name until anything may have changed that.
TEST(prepared, bound_again_and_again_until_the_name_is_closed) {
  const std::string name_2 = on_server("select 2");
  Script()
      .client(parse("s", select_1), parse("t", "select 2"), sync())
      .expect_acquire()
      .expect_to_server(parse(name_1, select_1), parse(name_2, "select 2"), sync())
      .server(parse_complete(), parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), parse_complete(), ready('I'))
      .expect_release()
      .client(bind_to("", "s", {"1"}), execute(""), bind_to("", "s", {"2"}), describe_portal(""), execute(""), bind_to("", "t"), execute(""),
              bind_to("", "s", {"3"}), execute(""), close_statement("s"), bind_to("", "s", {"4"}), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", name_1, {"1"}), execute(""), bind_to("", name_1, {"2"}), describe_portal(""), execute(""), bind_to("", name_2), execute(""),
                        bind_to("", name_1, {"3"}), execute(""), execute("pgswitch refused"), sync())
      .server(bind_complete(), complete("SELECT 0"), bind_complete(), row_description(), data_row("v"), complete("SELECT 1"), bind_complete(), complete("SELECT 0"),
              bind_complete(), complete("SELECT 0"), error("34000"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 0"), bind_complete(), row_description(), data_row("v"), complete("SELECT 1"), bind_complete(),
                        complete("SELECT 0"), bind_complete(), complete("SELECT 0"), close_complete(), any_error("26000"), ready('I'))
      .expect_release();
}

/// The next Bind may be of a statement that belongs elsewhere, or that its server does not have.
TEST(prepared, bound_behind_another_where_it_belongs) {
  const std::string there = "select * from b_t", name_2 = on_server("select 2"), name_there = on_server(there);
  Script()
      .client(parse("s", select_1), parse("t", "select 2"), parse("b", there), sync())
      .expect_acquire("app")
      .expect_to_server(parse(name_1, select_1), parse(name_2, "select 2"), sync())
      .server(parse_complete(), parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), parse_complete())
      .expect_release("app")
      .expect_acquire("b")
      .expect_to_server(parse(name_there, there), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release("b")
      .client(bind_to("", "s"), describe_portal(""), execute(""), bind_to("", "b"), describe_portal(""), execute(""), bind_to("", "t"), execute(""), sync())
      .expect_acquire("app")
      .expect_to_server(bind_to("", name_1), describe_portal(""), execute(""), sync())
      .server(bind_complete(), row_description(), complete("SELECT 0"), ready('I'))
      .expect_to_client(bind_complete(), row_description(), complete("SELECT 0"))
      .expect_release("app")
      .expect_acquire("b")
      .expect_to_server(bind_to("", name_there), describe_portal(""), execute(""), sync())
      .server(bind_complete(), row_description(), complete("SELECT 0"), ready('I'))
      .expect_to_client(bind_complete(), row_description(), complete("SELECT 0"))
      .expect_release("b")
      .expect_acquire("app")
      .expect_to_server(bind_to("", name_2), execute(""), sync())
      .server(bind_complete(), complete("SELECT 0"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 0"), ready('I'))
      .expect_release("app");
}

TEST(prepared, bound_behind_another_that_took_its_place_on_the_server) {
  const std::string name_2 = on_server("select 2");
  Start start;
  start.options.max_prepared_statements = 1;
  Script(start)
      .prepare("s", select_1)
      .client(parse("t", "select 2"), bind_to("", "t"), execute(""), bind_to("", "s"), describe_portal(""), execute(""), bind_to("", "t"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(close_statement(name_1), parse(name_2, "select 2"), bind_to("", name_2), execute(""), close_statement(name_2), parse(name_1, select_1),
                        bind_to("", name_1), describe_portal(""), execute(""), close_statement(name_1), parse(name_2, "select 2"), bind_to("", name_2), execute(""), sync())
      .server(close_complete(), parse_complete(), bind_complete(), complete("SELECT 0"), close_complete(), parse_complete(), bind_complete(), row_description(),
              complete("SELECT 0"), close_complete(), parse_complete(), bind_complete(), complete("SELECT 0"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 0"), bind_complete(), row_description(), complete("SELECT 0"), bind_complete(),
                        complete("SELECT 0"), ready('I'))
      .expect_release();
}

TEST(prepared, nothing_is_sent_behind_a_message_that_was_refused) {
  Script()
      .prepare("s", select_1)
      .client(bind_to("", "s"), bind_to("", "none"), describe_portal(""), execute(""), bind_to("", "s"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", name_1), execute("pgswitch refused"), sync())
      .server(bind_complete(), error("34000"), ready('I'))
      .expect_to_client(bind_complete(), any_error("26000"), ready('I'))
      .expect_release();
}

}  // namespace pgswitch::script
