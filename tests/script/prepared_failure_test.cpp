// Prepared statements: what errors take back.
#include <gtest/gtest.h>

#include "script.hpp"

namespace pgswitch::script {

namespace {

const std::string select_1 = "select $1";
const std::string name_1 = on_server(select_1);

}  // namespace

TEST(prepared_failure, error_takes_back_an_inserted_reply_behind_it) {
  // The second Parse is known (the first one's), so its ParseComplete is ours: PostgreSQL would have skipped it.
  Script()
      .client(parse("s", select_1), bind_to("", "s"), execute(""), parse("t", select_1), bind_to("", "t"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse(name_1, select_1), bind_to("", name_1), execute(""), bind_to("", name_1), execute(""), sync())
      .server(parse_complete(), bind_complete(), error("22012"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), error("22012"), ready('I'))
      .expect_release()
      .client(bind_to("", "t"), sync())
      .expect_to_client(any_error("26000"), ready('I'));
}

TEST(prepared_failure, failed_parse_leaves_no_statement_behind) {
  Script()
      .client(parse("s", "select nothing"), sync())
      .expect_acquire()
      .expect_to_server(parse(on_server("select nothing"), "select nothing"), sync())
      .server(error("42703"), ready('I'))
      .expect_to_client(error("42703"), ready('I'))
      .expect_release()
      .client(parse("s", "select nothing"), sync())
      .expect_acquire()
      .expect_to_server(parse(on_server("select nothing"), "select nothing"), sync())
      .server(error("42703"), ready('I'))
      .expect_to_client(error("42703"), ready('I'))
      .expect_release();
}

TEST(prepared_failure, failed_parse_has_dropped_the_unnamed_statement) {
  Script()
      .client(parse("", "select 1"), sync())
      .expect_acquire()
      .expect_to_server(parse("", "select 1"), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release()
      .client(parse("", "selec"), sync())
      .expect_acquire()
      .expect_to_server(parse("", "selec"), sync())
      .server(error("42601"), ready('I'))
      .expect_to_client(error("42601"), ready('I'))
      .expect_release()
      .client(bind_to("", ""), sync())
      .expect_to_client(any_error("26000"), ready('I'));
}

TEST(prepared_failure, skipped_parse_is_not_hidden_by_a_deallocate_all_that_spares_its_name) {
  const std::string broken = "select broken";
  Script()
      .client(parse("x", broken), parse("", "rollback"), sync(), parse("s", "deallocate all"), bind_to("", "s"), execute(""), bind_to("q", ""), sync())
      .expect_acquire()
      .expect_to_server(parse(on_server(broken), broken), sync())
      .server(error("42703"), ready('I'))
      .expect_to_client(error("42703"), ready('I'), parse_complete(), bind_complete(), complete("DEALLOCATE ALL"), any_error("26000"), ready('I'))
      .expect_release();
}

TEST(prepared_failure, failed_inserted_parse_is_the_binds_error) {
  Script()
      .prepare("s", "select * from t")
      .new_server()
      .client(bind_to("", "s"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse(on_server("select * from t"), "select * from t"), bind_to("", on_server("select * from t")), execute(""), sync())
      .server(error("42P01"), ready('I'))
      .expect_to_client(error("42P01"), ready('I'))
      .expect_release()
      .client(bind_to("", "s"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse(on_server("select * from t"), "select * from t"), bind_to("", on_server("select * from t")), execute(""), sync())
      .server(parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(prepared_failure, cached_plan_error_leads_to_a_real_parse) {
  Script()
      .prepare("s", "select * from t")
      .client(bind_to("", "s"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", on_server("select * from t")), execute(""), sync())
      .server(error("0A000", "cached plan must not change result type"), ready('I'))
      .expect_to_client(error("0A000", "cached plan must not change result type"), ready('I'))
      .expect_release()
      .client(close_statement("s"), parse("s", "select * from t"), sync())
      .expect_acquire()
      .expect_to_server(close_statement(on_server("select * from t")), parse(on_server("select * from t"), "select * from t"), sync())
      .server(close_complete(), parse_complete(), ready('I'))
      .expect_to_client(close_complete(), parse_complete(), ready('I'))
      .expect_release();
}

TEST(prepared_failure, eviction_skipped_by_an_error_happens_before_the_name_is_used_again) {
  Start start;
  start.options.max_prepared_statements = 1;
  Script(start)
      .prepare("a", "select 1")
      .client(bind_to("", "a"), execute(""), parse("b", "select 2"), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", on_server("select 1")), execute(""), close_statement(on_server("select 1")), parse(on_server("select 2"), "select 2"), sync())
      .server(bind_complete(), error("22012"), ready('I'))
      .expect_to_client(bind_complete(), error("22012"), ready('I'))
      .expect_release()
      .client(bind_to("", "a"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(close_statement(on_server("select 1")), parse(on_server("select 1"), "select 1"), bind_to("", on_server("select 1")), execute(""), sync())
      .server(close_complete(), parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(prepared_failure, close_skipped_by_an_error_did_not_happen) {
  Script()
      .prepare("s", select_1)
      .client(bind_to("", "s"), execute(""), close_statement("s"), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", name_1), execute(""), sync())
      .server(bind_complete(), error("22012"), ready('I'))
      .expect_to_client(bind_complete(), error("22012"), ready('I'))
      .expect_release()
      .client(bind_to("", "s"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", name_1), execute(""), sync())
      .server(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(prepared_failure, batch_behind_a_skipped_close_and_parse_runs_what_the_name_meant_before) {
  Script()
      .prepare("s", select_1)
      .client(bind_to("", "s"), execute(""), close_statement("s"), parse("s", "select 2"), sync(), bind_to("", "s"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", name_1), execute(""), parse(on_server("select 2"), "select 2"), sync())
      .server(bind_complete(), error("22012"), ready('I'))
      .expect_to_client(bind_complete(), error("22012"), ready('I'))
      .expect_release()
      .expect_acquire()
      .expect_to_server(bind_to("", name_1), execute(""), sync())
      .server(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

}  // namespace pgswitch::script
