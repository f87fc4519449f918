// Settings over the ends that a transaction can have, and in more than one encoding.
#include <gtest/gtest.h>

#include "rules/route_names.hpp"
#include "script.hpp"

namespace pgswitch::script {

namespace {

constexpr auto client_encoding = static_cast<std::size_t>(Tracked::client_encoding);
constexpr auto time_zone = static_cast<std::size_t>(Tracked::time_zone);
constexpr auto application_name = static_cast<std::size_t>(Tracked::application_name);

/// A client that logged in with a search_path, which its server has already.
Start with_start_path() {
  Start start = eager_begin();
  start.base = start.left_by_others = {{"search_path", "SET search_path TO mine"}};
  return start;
}

/// A client whose encoding the servers do not have, with a setting that is not ASCII.
Start in_latin1() {
  Start start;
  start.same_everywhere = false;
  start.reported = start.tracked;
  start.tracked[client_encoding] = "LATIN1";
  start.base = {{"my.x", "SET my.x='\xe9'"}};
  return start;
}

Script& begin(Script& script) {
  return script.client(query("begin"))
      .expect_acquire()
      .expect_to_server(query("begin"))
      .server(complete("BEGIN"), ready('T'))
      .expect_to_client(complete("BEGIN"), ready('T'));
}

}  // namespace

TEST(settings, are_not_applied_to_a_failed_transaction_which_can_be_left) {
  Script script(with_start_path());
  begin(script)
      .client(query("reset search_path; select 1/0"))
      .expect_to_server(query("reset search_path; select 1/0"))
      .server(complete("RESET"), error("22012"), ready('E'))
      .expect_to_client(complete("RESET"), error("22012"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release()
      .whole_exchange("select 1", "SELECT 1");
}

TEST(settings, reset_in_what_failed_is_made_good_behind_the_savepoint) {
  Script script(with_start_path());
  begin(script)
      .client(query("reset search_path; savepoint a; select 1/0"))
      .expect_to_server(query("reset search_path; savepoint a; select 1/0"))
      .server(complete("RESET"), complete("SAVEPOINT"), error("22012"), ready('E'))
      .expect_to_client(complete("RESET"), complete("SAVEPOINT"), error("22012"), ready('E'))
      .exchange("rollback to a", "ROLLBACK", 'T')
      .client(query("select 1"))
      .expect_to_server(query("SET search_path TO mine"))
      .server(complete("SET"), ready('T'))
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), ready('T'))
      .exchange("commit", "COMMIT", 'I')
      .expect_release()
      .whole_exchange("select 1", "SELECT 1");
}

TEST(settings, reset_in_a_transaction_have_their_start_up_value_in_the_rest_of_it) {
  Script script(with_start_path());
  begin(script)
      .exchange("reset search_path", "RESET", 'T')
      .client(query("select 1"))
      .expect_to_server(query("SET search_path TO mine"))
      .server(complete("SET"), ready('T'))
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), ready('T'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release()
      .whole_exchange("select 1", "SELECT 1");
}

// A driver writes its next statement in the encoding that it has been told.
TEST(settings, reset_to_a_start_up_value_are_told_at_once) {
  for (const char* resets : {"reset client_encoding", "reset all"}) {
    Script script(in_latin1());
    script.client(query("set client_encoding to utf8"))
        .expect_acquire()
        .expect_to_server(query("SET client_encoding='LATIN1'"))
        .server(complete("SET"), parameter_status("client_encoding", "LATIN1"), ready('I'))
        .expect_to_server(query("SET my.x='\xe9'"))
        .server(complete("SET"), ready('I'))
        .expect_to_server(query("set client_encoding to utf8"))
        .server(complete("SET"), parameter_status("client_encoding", "UTF8"), ready('I'))
        .expect_to_client(complete("SET"), parameter_status("client_encoding", "UTF8"), ready('I'))
        .expect_release()
        .client(query(resets))
        .expect_acquire()
        .expect_to_server(query(resets))
        .server(complete("RESET"), ready('I'))
        .expect_to_client(complete("RESET"), parameter_status("client_encoding", "LATIN1"), ready('I'))
        .expect_release();
  }
}

// No server tells of it: for it nothing has changed.
TEST(settings, reset_in_what_is_rolled_back_are_as_before) {
  for (const char* fails : {"reset timezone; select 1/0", "reset all; select 1/0"}) {
    Start start;
    start.tracked[time_zone] = "UTC";
    Script script(start);
    script.client(query("set timezone to 'Asia/Tokyo'"))
        .expect_acquire()
        .expect_to_server(query("set timezone to 'Asia/Tokyo'"))
        .server(complete("SET"), parameter_status("TimeZone", "Asia/Tokyo"), ready('I'))
        .expect_to_client(complete("SET"), parameter_status("TimeZone", "Asia/Tokyo"), ready('I'))
        .expect_release()
        .client(query(fails))
        .expect_acquire()
        .expect_to_server(query(fails))
        .server(complete("RESET"), error("22012"), ready('I'))
        .expect_to_client(complete("RESET"), error("22012"), ready('I'))
        .expect_release()
        .new_server()
        .client(query("select 1"))
        .expect_acquire()
        .expect_to_server(query("SET TimeZone='Asia/Tokyo'"))
        .server(complete("SET"), parameter_status("TimeZone", "Asia/Tokyo"), ready('I'))
        .expect_to_server(query("select 1"))
        .server(complete("SELECT 1"), ready('I'))
        .expect_to_client(complete("SELECT 1"), ready('I'))
        .expect_release();
  }
}

// PostgreSQL commits it at once.
TEST(settings, discarded_all_are_not_brought_back_by_what_fails_behind_it) {
  Script script;
  script.whole_exchange("set search_path to a", "SET")
      .client(parse("", "discard all"), bind_to("", ""), execute(""), parse("", "select 1/0"), bind_to("", ""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse("", "discard all"), bind_to("", ""), execute(""), flush())
      .server(parse_complete(), bind_complete(), complete("DISCARD ALL"))
      .expect_to_client(parse_complete(), bind_complete(), complete("DISCARD ALL"))
      .expect_to_server(parse("", "select 1/0"), bind_to("", ""), execute(""), sync())
      .server(parse_complete(), bind_complete(), error("22012"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), error("22012"), ready('I'))
      .expect_release()
      .whole_exchange("select 1", "SELECT 1");
}

TEST(settings, are_sent_in_the_encoding_they_were_made_in) {
  Script(in_latin1())
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("SET client_encoding='LATIN1'"))
      .server(complete("SET"), parameter_status("client_encoding", "LATIN1"), ready('I'))
      .expect_to_server(query("SET my.x='\xe9'"))
      .server(complete("SET"), ready('I'))
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(settings, are_sent_once_to_a_server_that_does_not_report_its_encoding) {
  Script(in_latin1())
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("SET client_encoding='LATIN1'"))
      .server(complete("SET"), ready('I'))
      .expect_to_server(query("SET my.x='\xe9'"))
      .server(complete("SET"), ready('I'))
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(settings, whose_encoding_a_server_does_not_have_fail_the_statement) {
  Script(in_latin1())
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("SET client_encoding='LATIN1'"))
      .server(error("22023"), ready('I'))
      .expect_to_client(any_error("22023"), ready('I'))
      .expect_release();
}

TEST(settings, that_are_local_and_reported_end_with_a_transaction_that_is_lost) {
  Script script(eager_begin());
  begin(script)
      .client(query("set local timezone to 'Asia/Tokyo'"))
      .expect_to_server(query("set local timezone to 'Asia/Tokyo'"))
      .server(complete("SET"), parameter_status("TimeZone", "Asia/Tokyo"), ready('T'))
      .expect_to_client(complete("SET"), parameter_status("TimeZone", "Asia/Tokyo"), ready('T'))
      .server_lost()
      .expect_release("app", Leftover{.unusable = true})
      .expect_to_client(parameter_status("TimeZone", "UTC"))
      .client(query("rollback"))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .whole_exchange("select 1", "SELECT 1");
}

TEST(settings, reported_of_a_statement_that_is_lost_are_told_before_its_end) {
  Script script(eager_begin());
  begin(script)
      .client(query("set application_name to 'x'"))
      .expect_to_server(query("set application_name to 'x'"))
      .server(complete("SET"), parameter_status("application_name", "x"))
      .expect_to_client(complete("SET"), parameter_status("application_name", "x"))
      .server_lost()
      .expect_release("app", Leftover{.unusable = true})
      .expect_to_client(parameter_status("application_name", "tests"), any_error("08006"), ready('E'))
      .check([](const SessionCore& core) { EXPECT_EQ(core.facts().application_name, "tests"); })
      .client(query("rollback"))
      .expect_to_client(complete("ROLLBACK"), ready('I'));
}

TEST(settings, reset_in_a_transaction_that_is_lost_are_as_before) {
  Start start = eager_begin();
  start.same_everywhere = false;
  start.reported = start.tracked;
  start.reported[application_name] = "of the server";
  Script script(start);
  script.client(query("set application_name to 'mine'"))
      .expect_acquire()
      .expect_to_server(query("SET application_name='tests'"))
      .server(complete("SET"), parameter_status("application_name", "tests"), ready('I'))
      .expect_to_server(query("set application_name to 'mine'"))
      .server(complete("SET"), parameter_status("application_name", "mine"), ready('I'))
      .expect_to_client(complete("SET"), parameter_status("application_name", "mine"), ready('I'))
      .expect_release();
  begin(script)
      .client(query("reset application_name"))
      .expect_to_server(query("reset application_name"))
      .server(complete("RESET"))
      .expect_to_client(complete("RESET"))
      .server_lost()
      .expect_release("app", Leftover{.unusable = true})
      .expect_to_client(any_error("08006"), ready('E'))
      .client(query("rollback"), query("select 1"))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .expect_acquire()
      .expect_to_server(query("SET application_name='mine'"))
      .server(complete("SET"), parameter_status("application_name", "mine"), ready('I'))
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release();
}

// The server takes the RESET back when the transaction that the client has left is rolled back.
TEST(settings, reset_in_a_transaction_that_the_client_leaves_put_the_server_in_doubt) {
  const auto in_doubt = [](const SessionCore& core) { return core.leftover(rules::intern_route("app")).state_unknown; };
  Script script(eager_begin());
  script.whole_exchange("set search_path to a", "SET");
  begin(script)
      .check([&](const SessionCore& core) { EXPECT_FALSE(in_doubt(core)); })
      .exchange("reset search_path", "RESET", 'T')
      .check([&](const SessionCore& core) { EXPECT_TRUE(in_doubt(core)); });
}

}  // namespace pgswitch::script
