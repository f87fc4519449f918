// The Parse of the unnamed statement that session and server have already: what becomes of it when that Parse fails, or is skipped.
#include <gtest/gtest.h>

#include "script.hpp"

namespace pgswitch::script {

namespace {

const std::string text = "select $1";
const std::string other = "select $1, 2";
const Bytes again = parse("", text) + bind_to("", "", {"v"}) + describe_portal("") + execute("");
Bytes answers() { return parse_complete() + bind_complete() + row_description() + data_row() + complete("SELECT 1"); }

/// `script` with the unnamed statement prepared on a server, which is given back.
Script& prepared(Script& script) {
  return script.client(again, sync())
      .expect_acquire()
      .expect_to_server(again, sync())
      .server(answers(), ready('I'))
      .expect_to_client(answers(), ready('I'))
      .expect_release();
}

}  // namespace

TEST(parse_again, is_sent_each_time_with_what_follows) {
  Script script;
  prepared(script)
      .client(again, again, sync(), again, sync())
      .expect_acquire()
      .expect_to_server(again, again, sync(), again, sync())
      .server(answers(), answers(), ready('I'), answers(), ready('I'))
      .expect_to_client(answers(), answers(), ready('I'), answers(), ready('I'))
      .expect_release();
}

TEST(parse_again, that_fails_has_dropped_the_statement) {
  Script script;
  prepared(script)
      .client(again, sync())
      .expect_acquire()
      .expect_to_server(again, sync())
      .server(error("42P01"), ready('I'))
      .expect_to_client(error("42P01"), ready('I'))
      .expect_release()
      .client(bind_to("", "", {"v"}), sync())
      .expect_to_client(any_error("26000"), ready('I'));
}

TEST(parse_again, that_is_skipped_leaves_the_statement) {
  Script script;
  prepared(script)
      .client(again, again, sync())
      .expect_acquire()
      .expect_to_server(again, again, sync())
      .server(parse_complete(), bind_complete(), row_description(), error("22012"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), row_description(), error("22012"), ready('I'))
      .expect_release()
      .client(bind_to("", "", {"v"}), execute(""), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", "", {"v"}), execute(""), sync())
      .server(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(parse_again, that_fails_in_front_of_a_batch_with_the_same_leaves_that_ones) {
  Script script;
  prepared(script)
      .client(again, sync(), again, sync())
      .expect_acquire()
      .expect_to_server(again, sync(), again, sync())
      .server(error("42P01"), ready('I'), answers(), ready('I'))
      .expect_to_client(error("42P01"), ready('I'), answers(), ready('I'))
      .expect_release()
      .client(bind_to("", "", {"v"}), sync())
      .expect_acquire()
      .expect_to_server(bind_to("", "", {"v"}), sync())
      .server(bind_complete(), ready('I'))
      .expect_to_client(bind_complete(), ready('I'))
      .expect_release();
}

TEST(parse_again, that_fails_is_not_brought_back_by_another_parse_that_is_skipped) {
  Script same_batch;
  prepared(same_batch)
      .client(again, parse("", other), sync())
      .expect_acquire()
      .expect_to_server(again, parse("", other), sync())
      .server(error("42P01"), ready('I'))
      .expect_to_client(error("42P01"), ready('I'))
      .expect_release()
      .client(bind_to("", "", {"v"}), sync())
      .expect_to_client(any_error("26000"), ready('I'));
  Script next_batch;
  prepared(next_batch)
      .client(again, sync(), parse("s", "select broken"), parse("", other), sync())
      .expect_acquire()
      .expect_to_server(again, sync(), parse(on_server("select broken"), "select broken"), parse("", other), sync())
      .server(error("42P01"), ready('I'), error("42703"), ready('I'))
      .expect_to_client(error("42P01"), ready('I'), error("42703"), ready('I'))
      .expect_release()
      .client(bind_to("", "", {"v"}), sync())
      .expect_to_client(any_error("26000"), ready('I'));
}

/// The next client of the server is told nothing wrong of it, see Run::check_unnamed().
TEST(parse_again, of_another_text_that_is_skipped_says_nothing_of_the_server_that_has_a_third_one_since) {
  const std::string broken = "select broken";
  Script third;
  prepared(third)
      .client(parse("y", broken), parse("", other), sync(), parse("", "select 3"), bind_to("", ""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse(on_server(broken), broken), parse("", other), sync(), parse("", "select 3"), bind_to("", ""), execute(""), sync())
      .server(error("42703"), ready('I'), parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_to_client(error("42703"), ready('I'), parse_complete(), bind_complete(), complete("SELECT 1"), ready('I'))
      .expect_release();
  Script none;
  prepared(none)
      .client(parse("y", broken), parse("", other), sync(), query("select 3"))
      .expect_acquire()
      .expect_to_server(parse(on_server(broken), broken), parse("", other), sync(), query("select 3"))
      .server(error("42703"), ready('I'), complete("SELECT 1"), ready('I'))
      .expect_to_client(error("42703"), ready('I'), complete("SELECT 1"), ready('I'))
      .expect_release();
}

/// What depends on what has been written is asked again behind the Bind of another statement.
TEST(parse_again, with_its_bind_ends_the_moment_of_another_parse) {
  const std::string write = "insert into t values (1)", early = "select * from early";
  const Bytes batch = parse("s", early) + parse("", write) + bind_to("", "") + execute("");
  Script()
      .prepare("", write)
      .client(batch, bind_to("", "s"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(parse(on_server(early), early), parse("", write), bind_to("", ""), execute(""), execute("pgswitch refused"), sync())
      .server(parse_complete(), parse_complete(), bind_complete(), complete("INSERT 0 1"), error("34000"), ready('I'))
      .expect_to_client(parse_complete(), parse_complete(), bind_complete(), complete("INSERT 0 1"), any_error("42501"), ready('I'))
      .expect_release();
}

TEST(parse_again, behind_a_refusal_in_a_transaction_that_has_begun_fails_with_it) {
  Script script;
  prepared(script)
      .client(query("begin"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .client(query("select * from forbidden"))
      .expect_to_client(any_error("42501"), ready('E'))
      .client(again, sync())
      .expect_to_client(any_error("25P02"), ready('E'))
      .client(query("rollback"))
      .expect_to_client(complete("ROLLBACK"), ready('I'));
}

TEST(parse_again, with_another_bind_behind_it_is_sent_as_it_is) {
  Script script;
  prepared(script)
      .client(parse("", text), bind_to("p", "", {"v"}), execute("p"), parse("", text), describe_statement(""), sync())
      .expect_acquire()
      .expect_to_server(parse("", text), bind_to("p", "", {"v"}), execute("p"), parse("", text), describe_statement(""), sync())
      .server(parse_complete(), bind_complete(), complete("SELECT 1"), parse_complete(), parameter_description({25}), row_description(), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), complete("SELECT 1"), parse_complete(), parameter_description({25}), row_description(), ready('I'))
      .expect_release();
}

}  // namespace pgswitch::script
