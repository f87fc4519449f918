// Portals: what their names mean, how long, and what of it an error takes back.
#include <gtest/gtest.h>

#include "deferred_begin.hpp"

namespace pgswitch::script {

namespace {

Bytes refused() { return execute("pgswitch refused"); }

}  // namespace

TEST(portal, that_is_closed_is_no_more) {
  Script()
      .client(parse("", "begin"), bind_to("p", ""), close_portal("p"), execute("p"), sync())
      .expect_to_client(parse_complete(), bind_complete(), close_complete(), any_error("34000"), ready('I'));
  Script()
      .client(parse("", "begin"), bind_to("p", ""), close_portal("p"), bind_to("p", ""), execute("p"), sync())
      .expect_to_client(parse_complete(), bind_complete(), close_complete(), bind_complete(), complete("BEGIN"), ready('T'));
}

TEST(portal, ends_with_a_transaction_that_ends_in_a_string) {
  Script()
      .client(parse("", "begin"), bind_to("p", ""), execute("p"), sync())
      .expect_to_client(parse_complete(), bind_complete(), complete("BEGIN"), ready('T'))
      .client(query("commit; begin"))
      .expect_acquire()
      .expect_to_server(first_begin(), query("commit; begin"))
      .server(begun(), complete("COMMIT"), complete("BEGIN"), ready('T'))
      .expect_to_client(complete("COMMIT"), complete("BEGIN"), ready('T'))
      .client(execute("p"), sync())
      .expect_to_server(execute("p"), sync())
      .server(error("34000"), ready('E'))
      .expect_to_client(error("34000"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

TEST(portal, whose_bind_an_error_skipped_does_not_exist) {
  Script(session_pooling())
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .client(execute(""), parse("", "begin"), bind_to("p", ""), execute("p"), sync(), describe_portal("p"), sync())
      .expect_to_server(execute(""), parse(on_server("begin"), "begin"), close_portal("pgswitch"), bind_to("pgswitch", on_server("begin")),
                        execute("pgswitch"), close_portal("pgswitch"), sync())
      .server(error("34000"), ready('I'))
      .expect_to_client(error("34000"), ready('I'))
      .expect_to_server(describe_portal("p"), sync())
      .server(error("34000"), ready('I'))
      .expect_to_client(error("34000"), ready('I'));
}

TEST(portal, that_was_not_run_because_of_an_error_before_it_is_not_spent) {
  Script(session_pooling())
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .client(execute(""), parse("", "begin"), bind_to("p", ""), execute("p"), sync(), parse("s", "select 1"), execute("p"), sync())
      .expect_to_server(execute(""), parse(on_server("begin"), "begin"), close_portal("pgswitch"), bind_to("pgswitch", on_server("begin")),
                        execute("pgswitch"), close_portal("pgswitch"), sync(), parse(on_server("select 1"), "select 1"), flush())
      .server(error("34000"), ready('I'))
      .expect_to_client(error("34000"), ready('I'))
      .server(parse_complete())
      .expect_to_client(parse_complete())
      .expect_to_server(execute("p"), sync())
      .server(error("34000"), ready('I'))
      .expect_to_client(error("34000"), ready('I'));
}

TEST(portal, is_closed_by_close_all) {
  const auto opened = [](Script& script) -> Script& {
    return script.client(parse("", "begin"), bind_to("p", ""), execute("p"), sync())
        .expect_to_client(parse_complete(), bind_complete(), complete("BEGIN"), ready('T'));
  };
  const auto gone = [](Script& script) {
    script.client(execute("p"), sync())
        .expect_to_server(execute("p"), sync())
        .server(error("34000"), ready('E'))
        .expect_to_client(error("34000"), ready('E'));
  };
  Script simple;
  gone(opened(simple)
           .client(query("close all"))
           .expect_acquire()
           .expect_to_server(first_begin(), query("close all"))
           .server(begun(), complete("CLOSE CURSOR ALL"), ready('T'))
           .expect_to_client(complete("CLOSE CURSOR ALL"), ready('T')));
  Script extended;
  gone(opened(extended)
           .client(parse("", "close all"), bind_to("", ""), execute(""), sync())
           .expect_acquire()
           .expect_to_server(first_begin(), parse("", "close all"), bind_to("", ""), execute(""), sync())
           .server(begun(), parse_complete(), bind_complete(), complete("CLOSE CURSOR ALL"), ready('T'))
           .expect_to_client(parse_complete(), bind_complete(), complete("CLOSE CURSOR ALL"), ready('T')));
}

TEST(portal, of_a_server_that_close_all_has_closed_gives_its_name_free) {
  const std::string all = "close all";
  Script()
      .client(parse("t", "select 1"), bind_to("p", "t"), parse("", all), bind_to("", ""), execute(""), parse("", ""), bind_to("p", ""), sync())
      .expect_acquire()
      .expect_to_server(parse(on_server("select 1"), "select 1"), bind_to("p", on_server("select 1")), parse("", all), bind_to("", ""), execute(""), sync())
      .server(parse_complete(), bind_complete(), parse_complete(), bind_complete(), complete("CLOSE CURSOR ALL"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), parse_complete(), bind_complete(), complete("CLOSE CURSOR ALL"), parse_complete(),
                        bind_complete(), ready('I'))
      .expect_release();
}

TEST(portal, of_a_server_does_not_keep_its_name_because_a_begin_was_expected) {
  Script(session_pooling())
      .client(parse("r", "rollback"), parse("t", "select 1"), bind_to("p", "t"), parse("", "begin"), execute("none"), bind_to("", ""), execute(""), sync(),
              bind_to("p", "r"))
      .expect_acquire()
      .expect_to_client(parse_complete())
      .expect_to_server(parse(on_server("select 1"), "select 1"), bind_to("p", on_server("select 1")), execute("none"), parse(on_server("begin"), "begin"),
                        close_portal("pgswitch"), bind_to("pgswitch", on_server("begin")), execute("pgswitch"), close_portal("pgswitch"), sync())
      .server(parse_complete(), bind_complete(), error("34000"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), parse_complete(), error("34000"), ready('I'), bind_complete())
      .client(sync())
      .expect_to_client(ready('I'));
}

TEST(portal, is_not_closed_by_a_close_all_that_was_skipped) {
  Script()
      .client(parse("b", "begin"), bind_to("q", "b"), bind_to("", "b"), execute(""), parse("s", "close all"), bind_to("", "s", {"1"}), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete(), bind_complete(), complete("BEGIN"))
      .expect_acquire()
      .expect_to_server(first_begin(), parse(on_server("close all"), "close all"), bind_to("", on_server("close all"), {"1"}), execute(""), sync())
      .server(begun(), parse_complete(), error("08P01"), ready('E'))
      .expect_to_client(parse_complete(), error("08P01"), ready('E'))
      .client(describe_portal("q"), sync())
      .expect_to_client(no_data(), ready('E'));
}

TEST(portal, can_be_bound_behind_the_end_of_a_failed_transaction_in_the_same_batch) {
  Script script;
  script.client(parse("b", "begin"), parse("r", "rollback"), sync())
      .expect_to_client(parse_complete(), parse_complete(), ready('I'))
      .client(query("begin"), query("select 1"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), query("select 1"))
      .server(begun(), error("22012"), ready('E'))
      .expect_to_client(error("22012"), ready('E'))
      .client(bind_to("", "r"), execute(""), flush())
      .expect_to_client(bind_complete())
      .expect_to_server(parse(on_server("rollback"), "rollback"), bind_to("", on_server("rollback")), execute(""), flush())
      .server(parse_complete(), bind_complete(), complete("ROLLBACK"))
      .expect_to_client(complete("ROLLBACK"))
      .client(bind_to("p", "b"), sync())
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_to_client(bind_complete(), ready('I'))
      .expect_release();
}

TEST(portal, bound_behind_a_batch_whose_begin_was_skipped_is_there) {
  Script(session_pooling())
      .client(parse("r", "rollback"), query("select 1"))
      .expect_acquire()
      .expect_to_client(parse_complete())
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .client(execute("none"), parse("", "begin"), bind_to("p", ""), execute("p"), sync(), bind_to("q", "r"))
      .expect_to_server(execute("none"), parse(on_server("begin"), "begin"), close_portal("pgswitch"), bind_to("pgswitch", on_server("begin")),
                        execute("pgswitch"), close_portal("pgswitch"), sync())
      .server(error("34000"), ready('I'))
      .expect_to_client(error("34000"), ready('I'), bind_complete())
      .client(describe_portal("q"), sync())
      .expect_to_client(no_data(), ready('I'));
}

/// What should have begun one was skipped, and what is bound without a transaction ends with its batch.
TEST(portal, does_not_outlive_a_batch_because_a_begin_before_it_was_expected) {
  Script(session_pooling())
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .client(execute("none"), parse("", "begin"), bind_to("", ""), execute(""), sync(), parse("", "select 1"), parse("t", "savepoint b"), bind_to("q", "t"), sync(),
              parse("", "select 2"), execute("q"), sync())
      .expect_to_server(execute("none"), first_behind("begin"), sync(), parse("", "select 1"), sync(), parse("", "select 2"), flush())
      .server(error("34000"), ready('I'))
      .expect_to_client(error("34000"), ready('I'))
      .server(parse_complete())
      .expect_to_client(parse_complete(), parse_complete(), bind_complete())
      .server(ready('I'), parse_complete())
      .expect_to_client(ready('I'), parse_complete())
      .expect_to_server(execute("q"), sync())
      .server(error("34000"), ready('I'))
      .expect_to_client(error("34000"), ready('I'));
}

/// The server tells that it is not there before anybody finds fault with what it would do, in a transaction that has not begun.
TEST(portal, of_a_prepare_whose_bind_has_failed_is_not_there) {
  for (const char* name : {"", "p"})
    Script(session_pooling())
        .client(parse("t", "begin"), query("select 1"))
        .expect_to_client(parse_complete())
        .expect_acquire()
        .expect_to_server(query("select 1"))
        .server(complete("SELECT 1"), ready('I'))
        .expect_to_client(complete("SELECT 1"), ready('I'))
        .client(parse("", "prepare t as select 1"), bind_to(name, "", {"1"}), bind_to("q", "t"), execute("q"), sync(), execute(name), sync())
        .expect_to_server(parse("", "prepare t as select 1"), bind_to(name, "", {"1"}), first_behind("begin"), sync())
        .server(parse_complete(), error("08P01"), ready('I'))
        .expect_to_client(parse_complete(), error("08P01"), ready('I'))
        .expect_to_server(execute(name), sync())
        .server(error("34000"), ready('I'))
        .expect_to_client(error("34000"), ready('I'));
}

TEST(portal, of_an_ended_transaction_does_not_come_back_with_a_close_all_that_was_skipped) {
  Script(session_pooling())
      .client(parse("r", "rollback"), parse("t", "close all"), parse("", "select 1"), bind_to("p", ""), execute("p"), bind_to("", "t"), execute(""), sync())
      .expect_acquire()
      .expect_to_client(parse_complete())
      .expect_to_server(parse(on_server("close all"), "close all"), parse("", "select 1"), bind_to("p", ""), execute("p"), bind_to("", on_server("close all")),
                        execute(""), sync())
      .server(parse_complete(), parse_complete(), bind_complete(), error("22012"), ready('I'))
      .expect_to_client(parse_complete(), parse_complete(), bind_complete(), error("22012"), ready('I'))
      .client(bind_to("p", "r"), sync())
      .expect_to_client(bind_complete(), ready('I'));
}

TEST(portal, keeps_its_name_in_a_failed_transaction) {
  Script()
      .client(query("begin"), parse("", "select 1"), bind_to("q", ""), bind_to("q", ""), sync())
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), parse("", "select 1"), bind_to("q", ""), bind_to("q", ""), sync())
      .server(begun(), parse_complete(), bind_complete(), error("42P03"), ready('E'))
      .expect_to_client(parse_complete(), bind_complete(), error("42P03"), ready('E'))
      .client(parse("", "rollback"), bind_to("q", ""), sync())
      .expect_to_server(refused(), sync())
      .server(error("34000"), ready('E'))
      .expect_to_client(parse_complete(), any_error("42P03"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

/// PostgreSQL counts the parameters first, and reads them last.
TEST(portal, of_a_begin_keeps_its_name_from_a_bind_whose_parameters_are_wrong) {
  for (const auto& [told, expected] : {std::pair{error("22P02"), any_error("42P03")}, std::pair{error("08P01"), error("08P01")}})
    Script()
        .client(parse("b", "begin"), bind_to("p", "b"), parse("", "select $1"), bind_to("p", "", {"x"}), execute("p"), sync())
        .expect_to_client(parse_complete(), bind_complete())
        .expect_acquire()
        .expect_to_server(parse("", "select $1"), bind_to("p", "", {"x"}), refused(), sync())
        .server(parse_complete(), told, ready('I'))
        .expect_to_client(parse_complete(), expected, ready('I'))
        .expect_release();
}

TEST(portal, whose_name_was_not_given_in_a_failed_transaction_can_be) {
  Script()
      .client(query("begin"), parse("", "select 1"), bind_to("", "none"), bind_to("q", ""), sync())
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin(), parse("", "select 1"), refused(), sync())
      .server(begun(), parse_complete(), error("34000"), ready('E'))
      .expect_to_client(parse_complete(), any_error("26000"), ready('E'))
      .client(parse("", "rollback"), bind_to("q", ""), execute("q"), sync())
      .expect_to_server(parse(on_server("rollback"), "rollback"), bind_to("", on_server("rollback")), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete())
      .server(parse_complete(), bind_complete(), complete("ROLLBACK"), ready('I'))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .expect_release();
}

TEST(portal, of_the_unnamed_statement_can_be_had_behind_deallocate_all) {
  const std::string all = "deallocate all";
  Script(session_pooling())
      .client(query("prepare s as select 1"))
      .expect_acquire()
      .expect_to_server(query("prepare s as select 1"))
      .server(complete("PREPARE"), ready('I'))
      .expect_to_client(complete("PREPARE"), ready('I'))
      .client(parse("", all), bind_to("", ""), execute(""), sync())
      .expect_to_server(parse(on_server(all), all), bind_to("pgswitch", on_server(all)), execute("pgswitch"), close_portal("pgswitch"), sync())
      .server(parse_complete(), bind_complete(), complete("DEALLOCATE ALL"), close_complete(), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("DEALLOCATE ALL"), ready('I'))
      .client(bind_to("", ""), sync())
      .expect_to_client(bind_complete(), ready('I'));
}

namespace {

/// A portal of the route "app", and a batch that goes on by the route "b".
Bytes divided(std::string_view portal) {
  return parse("", "select 1") + bind_to(portal, "") + parse("", "select * from b_t") + bind_to("other", "") + execute("other");
}

Script& run_divided(Script& script, std::string_view portal, const Bytes& behind, const Bytes& to_b) {
  return script.client(divided(portal), behind, sync())
      .expect_acquire("app")
      .expect_to_server(parse("", "select 1"), bind_to(portal, ""), sync())
      .server(parse_complete(), bind_complete(), ready('I'))
      .expect_to_client(parse_complete(), bind_complete())
      .expect_release("app")
      .expect_acquire("b")
      .expect_to_server(parse("", "select * from b_t"), bind_to("other", ""), execute("other"), to_b, sync());
}

}  // namespace

TEST(portal, of_the_route_that_its_batch_has_left_is_refused) {
  for (const char* name : {"", "p"}) {
    for (const Bytes& asked : {execute(name), describe_portal(name)}) {
      Script script;
      run_divided(script, name, asked, refused())
          .server(parse_complete(), bind_complete(), complete("SELECT 2"), error("34000"), ready('I'))
          .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 2"), any_error("34000"), ready('I'))
          .expect_release("b");
    }
  }
}

TEST(portal, of_the_route_that_its_batch_has_left_keeps_its_name) {
  Script script;
  run_divided(script, "p", bind_to("p", ""), bind_to("p", "") + refused())
      .server(parse_complete(), bind_complete(), complete("SELECT 2"), bind_complete(), error("34000"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 2"), any_error("42P03"), ready('I'))
      .expect_release("b");
  Script closed;
  run_divided(closed, "p", close_portal("p") + bind_to("p", ""), close_portal("p") + bind_to("p", ""))
      .server(parse_complete(), bind_complete(), complete("SELECT 2"), close_complete(), bind_complete(), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 2"), close_complete(), bind_complete(), ready('I'))
      .expect_release("b");
}

TEST(portal, of_the_route_that_its_batch_has_left_is_forgotten_with_the_batch) {
  Script script;
  run_divided(script, "p", {}, {})
      .server(parse_complete(), bind_complete(), complete("SELECT 2"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 2"), ready('I'))
      .expect_release("b")
      .client(parse("", "select 1"), bind_to("p", ""), execute("p"), sync())
      .expect_acquire("app")
      .expect_to_server(parse("", "select 1"), bind_to("p", ""), execute("p"), sync())
      .server(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release("app");
}

TEST(portal, that_an_error_took_back_before_the_batch_was_divided_is_not_there) {
  Script()
      .client(divided("p"), sync())
      .expect_acquire("app")
      .expect_to_server(parse("", "select 1"), bind_to("p", ""), sync())
      .server(parse_complete(), error("22P02"), ready('I'))
      .expect_to_client(parse_complete(), error("22P02"), ready('I'))
      .expect_release("app")
      .client(execute("p"), sync())
      .expect_to_client(any_error("34000"), ready('I'));
}

TEST(portal, of_a_rollback_to_that_has_failed_keeps_its_name) {
  Script script;
  open(script)
      .client(parse("", "rollback to b"), bind_to("p", ""), execute("p"), sync())
      .expect_to_client(parse_complete(), bind_complete())
      .expect_to_server(first_behind("rollback to b"), sync())
      .server(parse_complete(), close_complete(), bind_complete(), error("3B001"), ready('E'))
      .expect_to_client(error("3B001"), ready('E'))
      .client(parse("s", "commit"), bind_to("p", "s"), sync())
      .expect_to_client(parse_complete())
      .expect_to_server(refused(), sync())
      .server(error("34000"), ready('E'))
      .expect_to_client(any_error("42P03"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

}  // namespace pgswitch::script
