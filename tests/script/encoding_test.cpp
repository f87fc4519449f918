// Client encodings in which the second byte of a character may be a backslash.
#include <gtest/gtest.h>

#include "proxy/session/prepared.hpp"
#include "proxy/session/settings.hpp"
#include "script.hpp"

namespace pgswitch::script {

namespace {

/// A server that reads the session's encoding sees a string that ends before the comma.
constexpr std::string_view misleading = "select E'\x83\x5c', * from forbidden -- '";
constexpr std::string_view set_sjis = "set client_encoding to sjis";

Start in_encoding(std::string_view encoding) {
  Start start;
  start.tracked[static_cast<std::size_t>(Tracked::client_encoding)] = encoding;
  return start;
}

/// The client changes to SJIS on app's server.
Script& changes_to_sjis(Script& script) {
  return script.client(query(set_sjis))
      .expect_acquire()
      .expect_to_server(query(set_sjis))
      .server(complete("SET"), parameter_status("client_encoding", "SJIS"), ready('I'))
      .expect_to_client(complete("SET"), parameter_status("client_encoding", "SJIS"), ready('I'))
      .expect_release();
}

}  // namespace

TEST(encoding, of_the_login_makes_a_misleading_text_one_that_is_refused) {
  for (const char* encoding : {"SJIS", "mskanji", "GBK", "BIG5"})
    Script(in_encoding(encoding))
        .client(query(misleading))
        .expect_to_client(any_error("0A000"), ready('I'))
        .client(parse("", misleading), bind_to("", ""), execute(""), sync())
        .expect_to_client(any_error("0A000"), ready('I'))
        .whole_exchange("select '\x83\x5c'", "SELECT 1");
}

TEST(encoding, of_others_hides_nothing) { Script().whole_exchange(misleading, "SELECT 1"); }

TEST(encoding, that_was_set_makes_a_misleading_text_one_that_is_refused) {
  Script script;
  changes_to_sjis(script).client(query(misleading)).expect_to_client(any_error("0A000"), ready('I'));
}

TEST(encoding, that_a_batch_sets_is_waited_for_by_the_query_behind_it) {
  for (const std::string_view sets : {set_sjis, std::string_view("select set_config('client_encoding', 'SJIS', false)"),
                                      std::string_view("select set_config('client_encoding', 'SJIS' || x, false) from t")}) {
    Start start;
    start.options.mode = CoreOptions::Mode::session;
    Script(start)
        .client(parse("", sets), bind_to("", ""), execute(""), sync(), query(misleading))
        .expect_acquire()
        .expect_to_server(parse("", sets), bind_to("", ""), execute(""), sync())
        .server(parse_complete(), bind_complete(), complete("SET"), parameter_status("client_encoding", "SJIS"), ready('I'))
        .expect_to_client(parse_complete(), bind_complete(), complete("SET"), parameter_status("client_encoding", "SJIS"), ready('I'),
                          any_error("0A000"), ready('I'));
  }
}

TEST(encoding, that_a_statement_was_not_prepared_in_is_not_what_another_server_parses_it_in) {
  Script script;
  script.client(parse("s", misleading), sync())
      .expect_acquire()
      .expect_to_server(parse(on_server(misleading), misleading), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release();
  changes_to_sjis(script)
      .new_server()
      .client(bind_to("", "s"), execute(""), sync())
      .expect_acquire()
      .expect_to_server(query("SET client_encoding='SJIS'"))
      .server(complete("SET"), parameter_status("client_encoding", "SJIS"), ready('I'))
      .expect_to_client(any_error("0A000"), ready('I'))
      .expect_release();
}

TEST(encoding, of_backslashes_that_a_statement_was_not_prepared_in_is_not_what_another_server_parses_it_in) {
  constexpr std::string_view escapes = "select '\\', * from forbidden -- '";
  const auto sets = [](Script& script, const std::string& value) {
    const std::string sql = "set standard_conforming_strings to " + value;
    const Bytes reply = complete("SET") + parameter_status("standard_conforming_strings", value) + ready('I');
    script.client(query(sql)).expect_acquire().expect_to_server(query(sql)).server(reply).expect_to_client(reply).expect_release();
  };
  Start start;
  start.tracked[static_cast<std::size_t>(Tracked::standard_conforming_strings)] = "off";
  const ServerName name = server_name(prepared_key(escapes, {}, SessionSettings(TrackedCopy(start.tracked), Settings()).parsing()));
  Script script;
  sets(script, "off");
  script.client(parse("s", escapes), sync())
      .expect_acquire()
      .expect_to_server(parse(as_view(name), escapes), sync())
      .server(parse_complete(), ready('I'))
      .expect_to_client(parse_complete(), ready('I'))
      .expect_release();
  sets(script, "on");
  script.new_server()
      .client(bind_to("", "s"), execute(""), sync())
      .expect_acquire()
      .expect_to_client(any_error("0A000"), ready('I'))
      .expect_release();
}

TEST(encoding, that_a_setting_was_not_set_in_is_not_what_another_server_is_told_it_in) {
  constexpr std::string_view sets = "set my.x = E'\x83\x5c; select * from forbidden -- '";
  Script script;
  script.whole_exchange(sets, "SET");
  changes_to_sjis(script)
      .client(query("select * from b_t"))
      .expect_acquire("b")
      .expect_to_server(query("SET client_encoding='SJIS'"))
      .server(complete("SET"), parameter_status("client_encoding", "SJIS"), ready('I'))
      .expect_to_client(any_error("0A000"), ready('I'))
      .expect_release("b");
}

}  // namespace pgswitch::script
