// Execute with a row limit on a server of kind redshift, which ignores it: the session gives its client as many rows as it asked for.
#include <gtest/gtest.h>

#include "redshift.hpp"

namespace pgswitch::script {
namespace {

/// A transaction in which portal "p" is suspended behind two rows, and others are on their way.
Script& suspend(Script& script) {
  return script.client(query("begin"), parse("", "select n from t"), bind_to("p", ""), execute("p", 2), sync())
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), parse("", "select n from t"), bind_to("p", ""), execute("p"), flush())
      .server(begun(), parse_complete(), bind_complete(), rows(1, 2))
      .expect_to_client(parse_complete(), bind_complete(), rows(1, 2), portal_suspended(), ready('T'))
      .expect_to_server(sync());
}

}  // namespace

TEST(redshift_portal, streams_as_the_client_asks) {
  Script script(on_redshift());
  suspend(script)
      .check([](const SessionCore& core) { EXPECT_FALSE(core.wants_server()); })
      .client(execute("p", 2), sync())
      .check([](const SessionCore& core) { EXPECT_TRUE(core.wants_server()); })
      .server(rows(3, 4))
      .expect_to_client(rows(3, 4), portal_suspended(), ready('T'))
      .check([](const SessionCore& core) { EXPECT_FALSE(core.wants_server()); })
      .client(execute("p", 2), sync())
      .server(rows(5, 5), complete("SELECT"), ready('T'))
      .expect_to_client(rows(5, 5), complete("SELECT 1"), ready('T'));
  end(script);
}

TEST(redshift_portal, rows_that_have_come_already_are_given_first) {
  Script script(on_redshift());
  suspend(script)
      .server(rows(3, 7))
      .client(execute("p", 2), sync(), execute("p", 5), sync())
      .expect_to_client(rows(3, 4), portal_suspended(), ready('T'), rows(5, 7))
      .server(rows(8, 9))
      .expect_to_client(rows(8, 9), portal_suspended(), ready('T'))
      .server(complete("SELECT"), ready('T'))
      .client(execute("p", 2), sync())
      .expect_to_client(complete("SELECT 0"), ready('T'));
  end(script);
}

TEST(redshift_portal, a_row_that_has_come_in_part_is_the_next_to_be_given) {
  const Bytes third = rows(3, 3), fourth = rows(4, 4);
  for (const std::size_t at : {3u, 5u, 8u, 11u}) {
    Script script(on_redshift());
    suspend(script)
        .server(third.substr(0, at))
        .client(execute("p", 1), sync())
        .server(third.substr(at) + fourth.substr(0, at))
        .expect_to_client(third, portal_suspended(), ready('T'))
        .client(execute("p", 2), sync())
        .server(fourth.substr(at) + rows(5, 6))
        .expect_to_client(fourth, rows(5, 5), portal_suspended(), ready('T'))
        .server(complete("SELECT"), ready('T'))
        .client(execute("p", 0), sync())
        .expect_to_client(rows(6, 6), complete("SELECT 1"), ready('T'));
    end(script);
  }
}

TEST(redshift_portal, its_rows_are_kept_when_another_statement_comes) {
  Script script(on_redshift());
  suspend(script)
      .client(query("select 1"))
      .check([](const SessionCore& core) { EXPECT_TRUE(core.wants_server()); })
      .server(rows(3, 5), complete("SELECT"), ready('T'))
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), ready('T'))
      .client(execute("p", 2), sync())
      .expect_to_client(rows(3, 4), portal_suspended(), ready('T'))
      .client(execute("p"), sync())
      .expect_to_client(rows(5, 5), complete("SELECT 1"), ready('T'));
  end(script);
}

TEST(redshift_portal, can_be_moved_forward) {
  Script script(on_redshift());
  suspend(script)
      .client(query("move forward 2 from p"))
      .server(rows(3, 7), complete("SELECT"), ready('T'))
      .expect_to_client(complete("MOVE 2"), ready('T'))
      .client(parse("", "move 1 in p"), bind_to("", ""), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete(), complete("MOVE 1"), ready('T'))
      .client(execute("p", 1), sync())
      .expect_to_client(rows(6, 6), portal_suspended(), ready('T'))
      .client(query("move backward 1 in p"))
      .expect_to_client(any_error("55000"), ready('E'));
  script.exchange("rollback", "ROLLBACK", 'I').expect_release();
}

TEST(redshift_portal, can_be_moved_by_steps_alone) {
  Script script(on_redshift());
  suspend(script)
      .server(rows(3, 7), complete("SELECT"), ready('T'))
      .client(query("move absolute 4 in p"))
      .expect_to_client(any_error("0A000"), ready('E'));
  script.exchange("rollback", "ROLLBACK", 'I').expect_release();
}

TEST(redshift_portal, another_batch_waits_for_its_rows) {
  Script script(on_redshift());
  suspend(script)
      .client(parse("", "select m"), bind_to("q", ""), execute("q", 1), sync())
      .server(rows(3, 5), complete("SELECT"), ready('T'))
      .expect_to_server(parse("", "select m"), bind_to("q", ""), execute("q"), flush())
      .server(parse_complete(), bind_complete(), rows(1, 1))
      .expect_to_client(parse_complete(), bind_complete(), rows(1, 1), portal_suspended(), ready('T'))
      .expect_to_server(sync())
      .client(execute("p", 1), sync())
      .server(complete("SELECT"), ready('T'))
      .expect_to_client(rows(3, 3), portal_suspended(), ready('T'));
  end(script);
}

TEST(redshift_portal, execute_of_another_portal_waits_for_its_rows) {
  Script script(on_redshift());
  suspend(script)
      .client(execute("q", 1), sync())
      .server(rows(3, 5), complete("SELECT"), ready('T'))
      .expect_to_server(execute("q", 1), sync())
      .server(error("34000"), ready('E'))
      .expect_to_client(error("34000"), ready('E'));
  end(script, "rollback", "ROLLBACK");
}

TEST(redshift_portal, that_is_closed_keeps_no_rows) {
  Script script(on_redshift());
  suspend(script)
      .client(close_portal("p"), sync())
      .server(rows(3, 900), complete("SELECT"), ready('T'))
      .expect_to_server(close_portal("p"), sync())
      .server(close_complete(), ready('T'))
      .expect_to_client(close_complete(), ready('T'));
  end(script);
}

TEST(redshift_portal, ends_with_fewer_rows_than_the_client_asked_for) {
  Script script(on_redshift());
  script.client(parse("", "select n from t"), bind_to("", ""), execute("", 5), sync())
      .expect_acquire()
      .expect_to_server(parse("", "select n from t"), bind_to("", ""), execute(""), flush())
      .server(parse_complete(), bind_complete(), rows(1, 2), complete("SELECT"))
      .expect_to_client(parse_complete(), bind_complete(), rows(1, 2), complete("SELECT 2"))
      .expect_to_server(sync())
      .server(ready('I'))
      .expect_to_client(ready('I'))
      .expect_release();
}

namespace {

/// A batch outside of a transaction, `before` and then a portal that is suspended behind one row; its Sync has been sent.
Script& end_by_sync(Script& script, const Bytes& before = {}, const Bytes& answered = {}) {
  const Bytes query = parse("", "select n from t") + bind_to("", "") + execute("");
  return script.client(before, parse("", "select n from t"), bind_to("", ""), execute("", 1), sync())
      .expect_acquire()
      .expect_to_server(before, query, flush())
      .server(answered, parse_complete(), bind_complete(), rows(1, 1))
      .expect_to_client(answered, parse_complete(), bind_complete(), rows(1, 1), portal_suspended())
      .expect_to_server(sync());
}

}  // namespace

TEST(redshift_portal, outside_of_a_transaction_nobody_wants_the_other_rows) {
  for (const Bytes& how : {complete("SELECT"), error("57014"), error("22012")}) {
    Script script(on_redshift());
    end_by_sync(script).check([](const SessionCore& core) { EXPECT_TRUE(core.wants_server()); }).server(rows(2, 50)).expect_cancel();
    script.server(rows(51, 90), how, ready('I')).expect_to_client(ready('I')).expect_release();
  }
}

TEST(redshift_portal, outside_of_a_transaction_an_end_that_comes_by_itself_needs_no_cancel_request) {
  for (const Bytes& how : {complete("SELECT"), error("22012")}) {
    Script script(on_redshift());
    end_by_sync(script).server(how, ready('I')).expect_to_client(ready('I')).expect_release();
  }
}

TEST(redshift_portal, behind_a_write_in_its_batch_the_other_rows_are_read) {
  const Bytes write = parse("", "insert into t values (1)") + bind_to("", "") + execute(""), written = parse_complete() + bind_complete() + complete("INSERT 0 1");
  for (const Bytes& how : {complete("SELECT"), error("22012")}) {
    Script script(on_redshift());
    end_by_sync(script, write, written).server(rows(2, 50), how, ready('I'));
    script.expect_to_client(how == complete("SELECT") ? Bytes() : how, ready('I')).expect_release();
  }
}

TEST(redshift_portal, a_rollback_cancels_its_query) {
  {
    Script script(on_redshift());
    suspend(script).client(query("ROLLBACK work;")).expect_cancel();
    script.server(rows(3, 9), error("57014"), ready('E')).expect_to_server(query("ROLLBACK work;"));
    script.server(complete("ROLLBACK"), ready('I')).expect_to_client(complete("ROLLBACK"), ready('I')).expect_release();
  }
  // As JDBC does it.
  const std::string name = on_server("rollback");
  for (const Bytes& how : {error("57014") + ready('E'), complete("SELECT") + ready('T')}) {
    Script script(on_redshift());
    suspend(script).client(close_portal("p"), parse("", "rollback"), bind_to("", ""), execute(""), sync()).expect_cancel();
    script.server(rows(3, 9), how).expect_to_server(close_portal("p"), parse(name, "rollback"), bind_to("", name), execute(""), sync());
    script.server(close_complete(), parse_complete(), bind_complete(), complete("ROLLBACK"), ready('I'))
        .expect_to_client(close_complete(), parse_complete(), bind_complete(), complete("ROLLBACK"), ready('I'))
        .expect_release();
  }
}

TEST(redshift_portal, is_read_with_flush_and_without_sync) {
  Script script(on_redshift());
  script.client(query("begin"), parse("", "select n from t"), bind_to("p", ""), describe_portal("p"), execute("p", 2), flush())
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), parse("", "select n from t"), bind_to("p", ""), describe_portal("p"), execute("p"), flush())
      .server(begun(), parse_complete(), bind_complete(), row_description("n"), rows(1, 3))
      .expect_to_client(parse_complete(), bind_complete(), row_description("n"), rows(1, 2), portal_suspended())
      .expect_to_server(flush())
      .client(execute("p", 2), flush())
      .expect_to_client(rows(3, 3))
      .expect_to_server(flush())
      .server(complete("SELECT"))
      .expect_to_client(complete("SELECT 1"))
      .client(close_portal("p"), sync())
      .expect_to_server(close_portal("p"), sync())
      .server(close_complete(), ready('T'))
      .expect_to_client(close_complete(), ready('T'));
  end(script);
}

TEST(redshift_portal, an_error_behind_its_first_rows_is_told_by_what_comes_next) {
  Script script(on_redshift());
  suspend(script)
      .client(execute("p", 2), sync())
      .server(rows(3, 3), error("22012"), ready('E'))
      .expect_to_client(rows(3, 3), error("22012"), ready('E'));
  end(script, "rollback", "ROLLBACK");
}

TEST(redshift_portal, an_error_while_its_rows_are_kept_is_that_of_the_statement_that_waits) {
  Script script(on_redshift());
  suspend(script)
      .client(query("select 1"))
      .server(rows(3, 5), error("22012"), ready('E'))
      .expect_to_client(any_error("22012"), ready('E'))
      .client(query("select 1"))
      .expect_to_client(any_error("25P02"), ready('E'));
  script.exchange("rollback", "ROLLBACK", 'I').expect_release();
}

/// Not of the batch, which has had its answers: the query has a ReadyForQuery, and what stands behind it is not skipped.
TEST(redshift_portal, an_error_while_its_rows_are_kept_is_that_of_a_query_in_its_batch) {
  const Bytes parsed = parse("", "select n from t") + bind_to("", "");
  Start start = on_redshift();
  start.gaps = true;  // what is lost with the batch
  Script script(start);
  script.client(query("begin"), parsed, execute("", 1), query("select 1"), query("select 2"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), parsed, execute(""), flush())
      .server(begun(), parse_complete(), bind_complete(), rows(1, 1))
      .expect_to_client(parse_complete(), bind_complete(), rows(1, 1), portal_suspended())
      .expect_to_server(flush())
      .server(rows(2, 2), error("22012"))
      .expect_to_server(sync())
      .server(ready('E'))
      .expect_to_client(any_error("22012"), ready('E'), any_error("25P02"), ready('E'));
  script.exchange("rollback", "ROLLBACK", 'I').expect_release();
  for (const Bytes& next : {query("select 1"), query("show work_mem"), function_call("x")}) {
    Script outside(start);
    outside.client(parsed, execute("", 1), next, sync())
        .expect_acquire()
        .expect_to_server(parsed, execute(""), flush())
        .server(parse_complete(), bind_complete(), rows(1, 1))
        .expect_to_client(parse_complete(), bind_complete(), rows(1, 1), portal_suspended())
        .expect_to_server(flush())
        .server(error("22012"))
        .expect_to_server(sync())
        .server(ready('I'))
        .expect_to_client(any_error("22012"), ready('I'), ready('I'))
        .expect_release();
  }
}

TEST(redshift_portal, too_many_rows_to_keep_are_an_error_of_the_next_execute) {
  Script script(spooling({.memory = 1 << 20, .most = 30}));
  suspend(script)
      .client(query("select 1"))
      .server(rows(3, 50), complete("SELECT"), ready('T'))
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), ready('T'))
      .client(execute("p", 2), sync())
      .expect_to_server(execute("pgswitch refused"), sync())
      .server(error("34000"), ready('E'))
      .expect_to_client(any_error("54000"), ready('E'));
  script.exchange("rollback", "ROLLBACK", 'I').expect_release();
}

TEST(redshift_portal, a_session_may_end_while_it_is_suspended) {
  Script script(on_redshift());
  suspend(script).client(terminate()).expect_close();
}

TEST(redshift_portal, has_the_row_limit_of_its_statement) {
  Script script(on_redshift());
  script.client(query("begin"), parse("", "select * from few"), bind_to("p", ""), execute("p", 1), sync())
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), parse("", "select * from few"), bind_to("p", ""), flush())
      .server(begun(), parse_complete(), bind_complete())
      .expect_to_server(execute("p"), flush())
      .server(rows(1, 1))
      .expect_to_client(parse_complete(), bind_complete(), rows(1, 1), portal_suspended(), ready('T'))
      .expect_to_server(sync())
      .client(query("select 1"))
      .server(rows(2, 4), complete("SELECT"), ready('T'))
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), ready('T'))
      .client(execute("p", 1), sync())
      .expect_to_client(rows(2, 2), portal_suspended(), ready('T'))
      .client(execute("p", 1), sync())
      .expect_to_server(execute("pgswitch refused"), sync())
      .server(error("34000"), ready('E'))
      .expect_to_client(any_error("54000"), ready('E'));
  script.exchange("rollback", "ROLLBACK", 'I').expect_release();
}

}  // namespace pgswitch::script
