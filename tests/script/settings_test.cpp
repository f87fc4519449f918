// SET and its kin, DEALLOCATE, a reload of the rules.
#include <gtest/gtest.h>

#include "script.hpp"

namespace pgswitch::script {

namespace {

constexpr std::string_view set_path = "set search_path to a, b";

/// The client has set its search_path on app's server.
Script& with_path(Script& script) { return script.whole_exchange(set_path, "SET"); }
/// A lease on another server: the setting is applied there first.
Script& replays(Script& script, std::string_view statements, std::string_view sql, std::string route) {
  return script.client(query(sql))
      .expect_acquire(route)
      .expect_to_server(query(statements))
      .server(complete("SET"), ready('I'))
      .expect_to_server(query(sql))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release(route);
}

}  // namespace

TEST(settings, go_with_the_session_to_the_next_server) {
  Script script;
  replays(with_path(script), "set search_path to a, b", "select * from b_t", "b");
  script.whole_exchange("select 1", "SELECT 1").whole_exchange("select * from b_t", "SELECT 1", "b");
}

TEST(settings, of_another_client_are_reset_before_the_first_statement) {
  Start start;
  start.left_by_others = {{"search_path", "SET search_path TO leak"}};
  Script(start)
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("RESET \"search_path\""))
      .server(complete("RESET"), ready('I'))
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(settings, of_another_client_are_reset_behind_a_commit_that_is_bound_already) {
  Start start;
  start.left_by_others = {{"search_path", "SET search_path TO leak"}};
  Script(start)
      .client(parse("", "commit"), bind_to("", ""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(query("RESET \"search_path\""))
      .server(complete("RESET"), ready('I'))
      .expect_to_server(parse(on_server("commit"), "commit"), bind_to("", on_server("commit")), execute(""), sync())
      .server(parse_complete(), bind_complete(), complete("COMMIT"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("COMMIT"), ready('I'))
      .expect_release();
}

TEST(settings, that_cannot_be_applied_fail_the_statement_which_is_not_sent) {
  Script script;
  with_path(script)
      .client(query("select * from b_t"))
      .expect_acquire("b")
      .expect_to_server(query("set search_path to a, b"))
      .server(error("42704", "no such thing"), ready('I'))
      .expect_to_client(any_error("42704"), ready('I'))
      .expect_release("b")
      .whole_exchange("select 1", "SELECT 1");
}

TEST(settings, temp_buffers_that_a_server_cannot_have_any_more_cost_it) {
  const std::string_view set = "set temp_buffers to '20MB'";
  Script script;
  script.whole_exchange(set, "SET")
      .client(query("select * from b_t"))
      .expect_acquire("b")
      .expect_to_server(query(set))
      .server(error("22023", "invalid value for parameter \"temp_buffers\": 2560"), ready('I'))
      .expect_to_client(any_error("22023"), ready('I'))
      .expect_release("b", Leftover{.unusable = true});
}

TEST(settings, that_cannot_be_applied_fail_a_batch_too) {
  Script script;
  with_path(script)
      .client(parse("", "select * from b_t"), bind_to("", ""), execute(""), sync())
      .expect_acquire("b")
      .expect_to_server(query("set search_path to a, b"))
      .server(error("42704", "no such thing"), ready('I'))
      .expect_to_client(any_error("42704"), ready('I'))
      .expect_release("b");
}

TEST(settings, reset_is_remembered) {
  Script script;
  with_path(script).whole_exchange("reset search_path", "RESET").whole_exchange("select * from b_t", "SELECT 1", "b");
}

TEST(settings, reset_all_is_remembered) {
  Script script;
  with_path(script).whole_exchange("reset all", "RESET").whole_exchange("select * from b_t", "SELECT 1", "b");
}

TEST(settings, set_config_counts) {
  Script script;
  script.whole_exchange("select set_config('work_mem', '1MB', false)", "SELECT 1")
      .client(query("select * from b_t"))
      .expect_acquire("b")
      .expect_to_server(query("SELECT set_config('work_mem', '1MB', false)"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_server(query("select * from b_t"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release("b");
}

// asyncpg's fetchval() asks for one row: no CommandComplete comes.
TEST(settings, set_config_of_a_portal_that_is_suspended_behind_its_row_counts) {
  const std::string set = "select set_config('work_mem', '1MB', false)";
  Script()
      .client(parse("", set), bind_to("", ""), execute("", 1), sync())
      .expect_acquire()
      .expect_to_server(parse("", set), bind_to("", ""), execute("", 1), sync())
      .server(parse_complete(), bind_complete(), data_row("1MB"), portal_suspended(), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), data_row("1MB"), portal_suspended(), ready('I'))
      .expect_release()
      .client(query("select * from b_t"))
      .expect_acquire("b")
      .expect_to_server(query("SELECT set_config('work_mem', '1MB', false)"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_server(query("select * from b_t"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release("b");
}

TEST(settings, that_failed_are_not_remembered) {
  Script()
      .client(query("set search_path to a"))
      .expect_acquire()
      .expect_to_server(query("set search_path to a"))
      .server(error("22023"), ready('I'))
      .expect_to_client(error("22023"), ready('I'))
      .expect_release()
      .whole_exchange("select * from b_t", "SELECT 1", "b");
}

TEST(settings, local_ones_are_gone_with_their_transaction) {
  Script()
      .client(query("begin; set local search_path to a; commit"))
      .expect_acquire()
      .expect_to_server(query("begin; set local search_path to a; commit"))
      .server(complete("BEGIN"), complete("SET"), complete("COMMIT"), ready('I'))
      .expect_to_client(complete("BEGIN"), complete("SET"), complete("COMMIT"), ready('I'))
      .expect_release()
      .whole_exchange("select * from b_t", "SELECT 1", "b");
}

TEST(settings, rolled_back_are_forgotten) {
  Script(eager_begin())
      .client(query("begin"))
      .expect_acquire()
      .expect_to_server(query("begin"))
      .server(complete("BEGIN"), ready('T'))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .exchange("set search_path to a", "SET", 'T')
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release()
      .whole_exchange("select * from b_t", "SELECT 1", "b");
}

TEST(settings, rolled_back_by_a_commit_that_was_a_rollback_are_forgotten) {
  Script(eager_begin())
      .client(query("begin"))
      .expect_acquire()
      .expect_to_server(query("begin"))
      .server(complete("BEGIN"), ready('T'))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .exchange("set search_path to a", "SET", 'T')
      .client(query("select nothing"))
      .expect_to_server(query("select nothing"))
      .server(error("42703"), ready('E'))
      .expect_to_client(error("42703"), ready('E'))
      .exchange("commit", "ROLLBACK", 'I')
      .expect_release()
      .whole_exchange("select * from b_t", "SELECT 1", "b");
}

TEST(settings, rolled_back_to_a_savepoint_are_forgotten) {
  Script script(eager_begin());
  script.client(query("begin"))
      .expect_acquire()
      .expect_to_server(query("begin"))
      .server(complete("BEGIN"), ready('T'))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .exchange("set search_path to a, b", "SET", 'T')
      .exchange("savepoint s", "SAVEPOINT", 'T')
      .exchange("set search_path to c", "SET", 'T')
      .exchange("rollback to s", "ROLLBACK", 'T')
      .exchange("commit", "COMMIT", 'I')
      .expect_release();
  replays(script, "set search_path to a, b", "select * from b_t", "b");
}

TEST(settings, failed_string_takes_its_settings_back) {
  Script()
      .client(query("set search_path to a; select nothing"))
      .expect_acquire()
      .expect_to_server(query("set search_path to a; select nothing"))
      .server(complete("SET"), error("42703"), ready('I'))
      .expect_to_client(complete("SET"), error("42703"), ready('I'))
      .expect_release()
      .whole_exchange("select * from b_t", "SELECT 1", "b");
}

TEST(settings, reported_ones_are_told_when_they_are_news) {
  Script()
      .client(query("set datestyle to german"))
      .expect_acquire()
      .expect_to_server(query("set datestyle to german"))
      .server(complete("SET"), parameter_status("DateStyle", "German, DMY"), ready('I'))
      .expect_to_client(complete("SET"), parameter_status("DateStyle", "German, DMY"), ready('I'))
      .expect_release()
      .client(query("select * from b_t"))
      .expect_acquire("b")
      .expect_to_server(query("SET DateStyle='German, DMY'"))
      .server(complete("SET"), parameter_status("DateStyle", "German, DMY"), ready('I'))
      .expect_to_server(query("select * from b_t"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release("b");
}

TEST(settings, reported_ones_of_the_last_client_are_set_back_unseen) {
  Start start;
  start.same_everywhere = false;
  start.reported = start.tracked;
  start.reported[static_cast<std::size_t>(Tracked::application_name)] = "another";
  Script(start)
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("SET application_name='tests'"))
      .server(complete("SET"), parameter_status("application_name", "tests"), ready('I'))
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(settings, of_the_start_packet_are_applied_and_reset_returns_to_them) {
  Start start;
  start.base = {{"search_path", "SET search_path TO mine"}};
  Script(start)
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("SET search_path TO mine"))
      .server(complete("SET"), ready('I'))
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release()
      .whole_exchange("reset search_path", "RESET")
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("SET search_path TO mine"))
      .server(complete("SET"), ready('I'))
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('I'))
      .expect_to_client(complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(settings, read_only_of_the_start_packet_is_what_the_client_believes_behind_a_reset) {
  const std::string_view on = "SET default_transaction_read_only='yes'";
  const Bytes told_off = parameter_status("default_transaction_read_only", "off");
  const Bytes told_on = parameter_status("default_transaction_read_only", "on");
  Start start;
  start.base = {{"default_transaction_read_only", std::string(on)}};
  Script(start)
      .client(query("reset all"))
      .expect_acquire()
      .expect_to_server(query(on))
      .server(complete("SET"), told_on, ready('I'))
      .expect_to_server(query("reset all"))
      .server(complete("RESET"), told_off, ready('I'))
      .expect_to_client(complete("RESET"), ready('I'))
      .expect_release()
      .client(query("set default_transaction_read_only = off"))
      .expect_acquire()
      .expect_to_server(query(on))
      .server(complete("SET"), told_on, ready('I'))
      .expect_to_server(query("set default_transaction_read_only = off"))
      .server(complete("SET"), told_off, ready('I'))
      .expect_to_client(complete("SET"), told_off, ready('I'))
      .expect_release()
      .client(query("reset default_transaction_read_only"))
      .expect_acquire()
      .expect_to_server(query("reset default_transaction_read_only"))
      .server(complete("RESET"), ready('I'))
      .expect_to_client(complete("RESET"), told_on, ready('I'))
      .expect_release();
}

TEST(settings, discard_all_forgets_everything) {
  const std::string with_path_set = on_server("select 1", {}, "search_path=" + std::string(set_path) + '\0');
  Script script;
  with_path(script)
      .client(parse("s", "select 1"), sync())
      .expect_acquire()
      .expect_to_server(parse(with_path_set, "select 1"), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release()
      .whole_exchange("discard all", "DISCARD ALL")
      .client(bind_to("", "s"), sync())
      .expect_to_client(any_error("26000"), ready('I'))
      .whole_exchange("select * from b_t", "SELECT 1", "b");
}

TEST(settings, discard_all_with_a_statement_pipelined_behind_it) {
  Script()
      .client(query("discard all"), parse("s", "select 1"), sync())
      .expect_acquire()
      .expect_to_server(query("discard all"))
      .server(complete("DISCARD ALL"), ready('I'))
      .expect_to_client(complete("DISCARD ALL"), ready('I'))
      .expect_release()
      .expect_acquire()
      .expect_to_server(parse(on_server("select 1"), "select 1"), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release()
      .client(bind_to("", "s"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", on_server("select 1")), execute(""), sync())
      .server(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(deallocate, of_a_protocol_statement_needs_no_server) {
  Script()
      .prepare("s", "select 1")
      .client(query("deallocate s"))
      .expect_to_client(complete("DEALLOCATE"), ready('I'))
      .client(bind_to("", "s"), sync())
      .expect_to_client(any_error("26000"), ready('I'))
      .client(query("deallocate all"))
      .expect_to_client(complete("DEALLOCATE ALL"), ready('I'));
}

TEST(deallocate, skipped_by_an_error_did_not_happen) {
  Script()
      .prepare("s", "select 1")
      .client(bind_to("", "s"), execute(""), parse("", "deallocate all"), bind_to("", ""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", on_server("select 1")), execute(""), sync())
      .server(bind_complete(), error("22012"), ready('I'))
      .expect_to_client(bind_complete(), error("22012"), ready('I'))
      .expect_release()
      .client(bind_to("", "s"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", on_server("select 1")), execute(""), sync())
      .server(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(reload, decides_prepared_statements_again) {
  Script()
      .prepare("s", "select * from t")
      .reload()
      .client(bind_to("", "s"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", on_server("select * from t")), execute(""), sync())
      .server(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

}  // namespace pgswitch::script
