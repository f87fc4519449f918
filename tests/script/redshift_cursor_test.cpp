// Cursors of SQL on a server of kind redshift: the session keeps their rows.
#include <gtest/gtest.h>

#include "redshift.hpp"

namespace pgswitch::script {

using namespace std::string_view_literals;

namespace {

/// A transaction with a cursor of four rows.
Script& declare(Script& script, std::string_view options = "cursor") {
  const std::string text = "declare c " + std::string(options) + " for select n from t";
  return script.client(query("begin"), query(text))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), query(" select n from t"))
      .server(begun(), row_description("n"), rows(1, 4), complete("SELECT"), ready('T'))
      .expect_to_client(complete("DECLARE CURSOR"), ready('T'));
}

Script& fetch(Script& script, std::string_view sql, const Bytes& given, std::string_view tag) {
  return script.client(query(sql)).expect_to_client(row_description("n"), given, complete(tag), ready('T'));
}

constexpr std::uint32_t int4 = 23;

/// The same of another type.
Script& declare_numbers(Script& script, std::string_view options = "cursor", std::uint32_t type = int4) {
  return script.client(query("begin"), query("declare c " + std::string(options) + " for select n from t"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), query(" select n from t"))
      .server(begun(), row_description("n", type), rows(1, 4), complete("SELECT"), ready('T'))
      .expect_to_client(complete("DECLARE CURSOR"), ready('T'));
}

/// Its last column is.
Bytes in_binary(Bytes description) { return description.back() = 1, description; }

Bytes batch(std::string_view sql) { return parse("", sql) + bind_to("", "") + describe_portal("") + execute("") + sync(); }

}  // namespace

TEST(redshift_cursor, is_read_forward_and_back_without_the_server) {
  Script script(on_redshift());
  declare(script);
  fetch(script, "fetch 2 from c", rows(1, 2), "FETCH 2");
  fetch(script, "fetch all from c", rows(3, 4), "FETCH 2");
  fetch(script, "fetch c", "", "FETCH 0");
  script.client(query("move backward all in c")).expect_to_client(complete("MOVE 4"), ready('T'));
  fetch(script, "fetch absolute 3 from c", rows(3, 3), "FETCH 1");
  fetch(script, "fetch backward all from c", rows(2, 2) + rows(1, 1), "FETCH 2");
  script.client(query("close c")).expect_to_client(complete("CLOSE CURSOR"), ready('T'));
  script.client(query("fetch c")).expect_to_server(query("fetch c")).server(error("34000"), ready('E')).expect_to_client(error("34000"), ready('E'));
  end(script, "rollback", "ROLLBACK");
}

TEST(redshift_cursor, without_scroll_is_read_forward_only) {
  Script script(on_redshift());
  declare(script, "no scroll cursor");
  fetch(script, "fetch 2 from c", rows(1, 2), "FETCH 2");
  script.client(query("fetch prior from c"))
      .expect_to_client(any_error("55000"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

TEST(redshift_cursor, there_may_be_several_and_other_statements_between) {
  Script script(on_redshift());
  declare(script);
  script.client(query("declare d cursor for select m from u"))
      .expect_to_server(query(" select m from u"))
      .server(row_description("m"), rows(7, 9), complete("SELECT"), ready('T'))
      .expect_to_client(complete("DECLARE CURSOR"), ready('T'));
  fetch(script, "fetch 1 from c", rows(1, 1), "FETCH 1");
  script.exchange("select 1", "SELECT 1", 'T');
  script.client(query("fetch 2 from d")).expect_to_client(row_description("m"), rows(7, 8), complete("FETCH 2"), ready('T'));
  fetch(script, "fetch 1 from c", rows(2, 2), "FETCH 1");
  script.client(query("declare c cursor for select 1")).expect_to_client(any_error("42P03"), ready('E'));
  script.client(query("fetch 1 from c")).expect_to_client(any_error("25P02"), ready('E'));
  end(script, "rollback", "ROLLBACK");
}

TEST(redshift_cursor, is_gone_with_its_transaction) {
  Script script(on_redshift());
  declare(script);
  end(script);
  script.check([](const SessionCore& core) { EXPECT_FALSE(core.cursors()); });
  script.client(query("fetch c"))
      .expect_acquire()
      .expect_to_client(error("34000", "cursor \"c\" does not exist"), ready('I'))
      .expect_release();
}

TEST(redshift_cursor, with_hold_outlives_the_transaction_and_holds_no_server) {
  Script script(on_redshift());
  declare(script, "scroll cursor with hold");
  fetch(script, "fetch 1 from c", rows(1, 1), "FETCH 1");
  end(script);
  script.client(query("fetch 2 from c")).expect_to_client(row_description("n"), rows(2, 3), complete("FETCH 2"), ready('I'));
  script.whole_exchange("select 1", "SELECT 1");
  script.client(query("close all")).expect_to_client(complete("CLOSE CURSOR ALL"), ready('I'));
  script.check([](const SessionCore& core) { EXPECT_TRUE(!core.cursors() || core.cursors()->empty()); });
}

TEST(redshift_cursor, with_hold_that_is_rolled_back_is_gone) {
  Script script(on_redshift());
  declare(script, "cursor with hold");
  end(script, "rollback", "ROLLBACK");
  script.check([](const SessionCore& core) { EXPECT_FALSE(core.cursors()); });
}

TEST(redshift_cursor, with_hold_needs_no_transaction) {
  Script(on_redshift())
      .client(query("declare c cursor with hold for select n from t"))
      .expect_acquire()
      .expect_to_server(query(" select n from t"))
      .server(row_description("n"), rows(1, 2), complete("SELECT"), ready('I'))
      .expect_to_client(complete("DECLARE CURSOR"), ready('I'))
      .expect_release()
      .client(query("fetch all c"))
      .expect_to_client(row_description("n"), rows(1, 2), complete("FETCH 2"), ready('I'))
      .client(query("declare d cursor for select 1"))
      .expect_acquire()
      .expect_to_client(any_error("25P01"), ready('I'))
      .expect_release();
}

TEST(redshift_cursor, what_is_not_supported_is_refused) {
  Script script(on_redshift());
  declare(script);
  script.client(query("update t set n = 1 where current of c")).expect_to_client(any_error("0A000"), ready('E'));
  end(script, "rollback", "ROLLBACK");
}

TEST(redshift_cursor, errors_of_the_query_are_those_of_declare_and_point_to_the_clients_text) {
  Script(on_redshift())
      .client(query("begin"), query("declare c cursor for select x from t"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), query(" select x from t"))
      .server(begun(), error("42703", "no x", 9), ready('E'))
      .expect_to_client(error("42703", "no x", 29), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

TEST(redshift_cursor, an_error_behind_rows_leaves_no_cursor) {
  Script script(on_redshift());
  script.client(query("begin"), query("declare c cursor for select n from t"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), query(" select n from t"))
      .server(begun(), row_description("n"), rows(1, 3), error("22012"), ready('E'))
      .expect_to_client(error("22012"), ready('E'))
      .check([](const SessionCore& core) { EXPECT_FALSE(core.cursors()); });
  end(script, "rollback", "ROLLBACK");
}

TEST(redshift_cursor, behind_a_write_of_the_same_string_is_refused) {
  for (const char* sql : {"insert into t values (1); declare c cursor with hold for select 1", "select 1; insert into t values (1); declare c cursor for select 1; fetch c"})
    Script(on_redshift()).client(query(sql)).expect_acquire().expect_to_client(any_error("0A000"), ready('I')).expect_release();
}

TEST(redshift_cursor, of_one_query_string) {
  Script(on_redshift())
      .client(query("begin; declare c cursor for select n from t; fetch 2 from c; select 1; fetch 1 from c; close c; commit"))
      .expect_acquire()
      .expect_to_server(query("BEGIN"))
      .server(complete("BEGIN"), ready('T'))
      .expect_to_client(complete("BEGIN"))
      .expect_to_server(query(" select n from t"))
      .server(row_description("n"), rows(1, 4), complete("SELECT"), ready('T'))
      .expect_to_client(complete("DECLARE CURSOR"), row_description("n"), rows(1, 2), complete("FETCH 2"))
      .expect_to_server(query("select 1"))
      .server(complete("SELECT 1"), ready('T'))
      .expect_to_client(complete("SELECT 1"), row_description("n"), rows(3, 3), complete("FETCH 1"), complete("CLOSE CURSOR"))
      .expect_to_server(query("commit"))
      .server(complete("COMMIT"), ready('I'))
      .expect_to_client(complete("COMMIT"), ready('I'))
      .expect_release();
}

TEST(redshift_cursor, of_an_implicit_transaction_ends_with_its_string) {
  Script(on_redshift())
      .client(query("declare c cursor for select n from t; fetch all from c"))
      .expect_acquire()
      .expect_to_server(query(" select n from t"))
      .server(row_description("n"), rows(1, 2), complete("SELECT"), ready('I'))
      .expect_to_client(complete("DECLARE CURSOR"), row_description("n"), rows(1, 2), complete("FETCH 2"), ready('I'))
      .expect_release()
      .check([](const SessionCore& core) { EXPECT_FALSE(core.cursors()); });
}

TEST(redshift_cursor, declared_with_parameters_by_the_extended_protocol) {
  const std::string text = "DECLARE c1 CURSOR FOR\nSELECT n FROM t WHERE n < $1::integer";
  const std::string sent = text.substr(text.find("FOR") + 3);
  Script script(on_redshift());
  script.client(query("START TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
      .expect_to_client(complete("START TRANSACTION"), ready('T'))
      .client(parse("", text), bind_to("", "", {"3"}), describe_portal(""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(first_begin("START TRANSACTION ISOLATION LEVEL repeatable read"), parse("", sent), bind_to("", "", {"3"}), describe_portal(""),
                        describe_portal(""), execute(""), flush())
      .server(begun(), parse_complete(), bind_complete(), row_description("n"), row_description("n"), rows(1, 2), complete("SELECT"))
      .expect_to_client(parse_complete(), bind_complete(), no_data(), complete("DECLARE CURSOR"))
      .expect_to_server(sync())
      .server(ready('T'))
      .expect_to_client(ready('T'));
  fetch(script, "FETCH 100 FROM c1", rows(1, 2), "FETCH 2");
  script.client(query("MOVE BACKWARD ALL IN c1")).expect_to_client(complete("MOVE 2"), ready('T'));
  fetch(script, "FETCH 1 FROM c1", rows(1, 1), "FETCH 1");
  script.client(query("CLOSE c1")).expect_to_client(complete("CLOSE CURSOR"), ready('T'));
  end(script, "COMMIT TRANSACTION", "COMMIT");
}

TEST(redshift_cursor, is_fetched_and_described_by_the_extended_protocol) {
  Script script(on_redshift());
  declare(script);
  script.client(batch("fetch 2 from c"))
      .expect_to_client(parse_complete(), bind_complete(), row_description("n"), rows(1, 2), complete("FETCH 2"), ready('T'))
      .client(describe_portal("c"), sync())
      .expect_to_client(row_description("n"), ready('T'))
      .client(parse("s", "fetch 3 from c"), describe_statement("s"), bind_to("", "s"), execute("", 1), execute("", 1), execute("", 1), sync())
      .expect_to_client(parse_complete(), parameter_description(), row_description("n"), bind_complete(), rows(3, 3), portal_suspended(), rows(4, 4),
                        portal_suspended(), complete("FETCH 2"), ready('T'))
      .client(batch("move backward 2 in c"))
      .expect_to_client(parse_complete(), bind_complete(), no_data(), complete("MOVE 2"), ready('T'))
      .client(execute("c", 1), execute("c"), sync())
      .expect_to_client(rows(4, 4), portal_suspended(), complete("SELECT 0"), ready('T'))
      .client(batch("close c"))
      .expect_to_client(parse_complete(), bind_complete(), no_data(), complete("CLOSE CURSOR"), ready('T'));
  end(script);
}

TEST(redshift_cursor, is_fetched_in_binary_format_where_the_client_wants_that) {
  Script script(on_redshift());
  declare_numbers(script)
      .client(parse("s", "fetch 1 from c"), describe_statement("s"), bind_to("p", "s", {}, {1}), describe_portal("p"), execute("p"), sync())
      .expect_to_client(parse_complete(), parameter_description(), row_description("n", int4), bind_complete(), in_binary(row_description("n", int4)),
                        data_row("\0\0\0\1"sv), complete("FETCH 1"), ready('T'))
      .client(bind_to("", "s", {}, {0}), describe_portal(""), execute(""), bind_to("", "s"), execute(""), sync())
      .expect_to_client(bind_complete(), row_description("n", int4), rows(2, 2), complete("FETCH 1"), bind_complete(), rows(3, 3), complete("FETCH 1"), ready('T'))
      .client(parse("", "fetch backward 2 from c"), bind_to("", "", {}, {1}), execute("", 1), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete(), data_row("\0\0\0\2"sv), portal_suspended(), data_row("\0\0\0\1"sv), complete("FETCH 2"), ready('T'))
      .client(parse("", "move 1 in c"), bind_to("", "", {}, {1}), describe_portal(""), execute(""), sync())
      .expect_to_client(parse_complete(), bind_complete(), no_data(), complete("MOVE 1"), ready('T'));
  end(script);
}

TEST(redshift_cursor, that_is_binary_gives_the_simple_protocol_binary_rows) {
  Script script(on_redshift());
  declare_numbers(script, "binary cursor")
      .client(query("fetch 1 from c"))
      .expect_to_client(in_binary(row_description("n", int4)), data_row("\0\0\0\1"sv), complete("FETCH 1"), ready('T'))
      .client(batch("fetch 1 from c"))
      .expect_to_client(parse_complete(), bind_complete(), row_description("n", int4), rows(2, 2), complete("FETCH 1"), ready('T'));
  end(script);
}

TEST(redshift_cursor, formats_that_cannot_be_are_refused_by_bind) {
  struct Case {
    std::uint32_t type;
    std::initializer_list<std::uint16_t> formats;
    const char* sqlstate;
  };
  for (const Case& one : {Case{int4, {1, 1}, "08P01"}, Case{int4, {7}, "22023"}, Case{1186, {1}, "0A000"}}) {
    Script script(on_redshift());
    declare_numbers(script, "cursor", one.type)
        .client(parse("", "fetch 1 from c"), bind_to("", "", {}, one.formats), sync())
        .expect_to_server(execute("pgswitch refused"), sync())
        .server(error("34000"), ready('E'))
        .expect_to_client(parse_complete(), any_error(one.sqlstate), ready('E'));
    end(script, "rollback", "ROLLBACK");
  }
}

TEST(redshift_cursor, a_value_that_cannot_be_made_binary_is_an_error) {
  constexpr std::uint32_t date = 1082;
  Script script(on_redshift());
  declare_numbers(script, "binary cursor", date).client(query("fetch 1 from c")).expect_to_client(in_binary(row_description("n", date)), any_error("0A000"), ready('E'));
  end(script, "rollback", "ROLLBACK");
}

TEST(redshift_cursor, is_closed_by_the_protocol) {
  Script script(on_redshift());
  declare(script);
  script.client(close_portal("c"), sync()).expect_to_client(close_complete(), ready('T')).check([](const SessionCore& core) {
    EXPECT_TRUE(!core.cursors() || core.cursors()->empty());
  });
  end(script);
}

TEST(redshift_cursor, its_name_is_no_name_for_a_portal) {
  Script script(on_redshift());
  declare(script);
  script.client(parse("", "select 1"), bind_to("c", ""), sync())
      .expect_to_server(parse("", "select 1"), execute("pgswitch refused"), sync())
      .server(parse_complete(), error("34000"), ready('E'))
      .expect_to_client(parse_complete(), any_error("42P03"), ready('E'));
  end(script, "rollback", "ROLLBACK");
}

TEST(redshift_cursor, that_has_too_many_rows_is_cancelled_and_says_which_setting) {
  Script script(spooling({.memory = 1 << 20, .most = 30}));
  script.client(query("begin"), query("declare c cursor for select n from t"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), query(" select n from t"))
      .server(begun(), row_description("n"), rows(1, 9))
      .expect_cancel()
      .server(error("57014"), ready('E'))
      .expect_to_client(any_error("54000"), ready('E'));
  end(script, "rollback", "ROLLBACK");
  Script done(spooling({.memory = 1 << 20, .most = 30}));
  done.client(query("begin"), query("declare c cursor for select n from t"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), query(" select n from t"))
      .server(begun(), row_description("n"), rows(1, 9))
      .expect_cancel()
      .server(complete("SELECT"), ready('T'))
      .expect_to_client(any_error("54000"), ready('E'));
  done.client(query("commit")).expect_to_server(query("ROLLBACK")).server(complete("ROLLBACK"), ready('I')).expect_to_client(complete("ROLLBACK"), ready('I')).expect_release();
}

TEST(redshift_cursor, in_a_file_is_read_as_in_memory) {
  const Bytes large = data_row(std::string(100'000, 'a')), larger = data_row(std::string(300'000, 'b'));
  Script script(spooling({.memory = 1000, .most = 1 << 24}));
  script.client(query("begin"), query("declare c cursor for select n from t"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), query(" select n from t"))
      .server(begun(), row_description("n"), large, larger, rows(3, 3), complete("SELECT"), ready('T'))
      .expect_to_client(complete("DECLARE CURSOR"), ready('T'))
      .client(query("fetch all c"), query("fetch backward 2 c"))
      .expect_to_client(row_description("n"), large, larger, rows(3, 3), complete("FETCH 3"), ready('T'), row_description("n"), rows(3, 3), larger,
                        complete("FETCH 2"), ready('T'));
  end(script);
}

TEST(redshift_cursor, has_the_row_limit_of_its_query) {
  Script script(on_redshift());
  script.client(query("begin"), query("declare c cursor for select * from few"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), query(" select * from few"))
      .server(begun(), row_description("n"), rows(1, 4), complete("SELECT"), ready('T'))
      .expect_to_client(complete("DECLARE CURSOR"), ready('T'));
  fetch(script, "fetch 1 from c", rows(1, 1), "FETCH 1");
  fetch(script, "fetch 1 from c", rows(2, 2), "FETCH 1");
  script.client(query("fetch 1 from c")).expect_to_client(row_description("n"), any_error("54000"), ready('E'));
  script.exchange("rollback", "ROLLBACK", 'I').expect_release();
}

TEST(redshift_cursor, declared_behind_a_savepoint_ends_with_it) {
  Script script(on_redshift());
  declare(script);
  unsent(script, "savepoint s", "SAVEPOINT", 'T');
  script.client(query("declare d cursor for select 1")).expect_to_server(query(" select 1")).server(row_description("n"), rows(1, 1), complete("SELECT"), ready('T')).expect_to_client(complete("DECLARE CURSOR"), ready('T'));
  unsent(script, "rollback to s", "ROLLBACK", 'T');
  fetch(script, "fetch c", rows(1, 1), "FETCH 1");
  script.check([](const SessionCore& core) { EXPECT_TRUE(core.cursors() && core.cursors()->all().size() == 1); });
  end(script);
}

TEST(redshift_cursor, cursors_of_another_server_are_its_own) {
  Script script(on_redshift());
  script.client(query("begin"), query("declare c cursor for select 1 from b.t"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire("b")
      .expect_to_server(first_begin(), query("declare c cursor for select 1 from b.t"))
      .server(begun(), complete("DECLARE CURSOR"), ready('T'))
      .expect_to_client(complete("DECLARE CURSOR"), ready('T'))
      .exchange("fetch c", "FETCH 0", 'T')
      .exchange("commit", "COMMIT", 'I')
      .expect_release("b");
}

}  // namespace pgswitch::script
