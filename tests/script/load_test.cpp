// COPY FROM STDIN into Redshift.
#include <gtest/gtest.h>

#include "deferred_begin.hpp"
#include "load_messages.hpp"

namespace pgswitch::script {

namespace {

constexpr std::string_view copy = "copy t (a, b) from stdin";

Bytes describe() { return query("SELECT a, b FROM t LIMIT 0"); }
Bytes load() {
  return query(
      "COPY t (a, b) FROM 's3://b/k' IAM_ROLE 'role' REGION 'r' GZIP DELIMITER '\\t' ESCAPE NULL AS 'Null0' TIMEFORMAT 'auto' DATEFORMAT "
      "'auto' "
      "COMPUPDATE OFF STATUPDATE OFF");
}
Bytes count() { return query("SELECT pg_last_copy_count()"); }
Bytes counted(std::string_view rows, char status) { return row_description() + data_row(rows) + complete("SELECT") + ready(status); }
Bytes load_failed() { return error("XX000", "Load into table 't' failed.  Check 'stl_load_errors' system table for details."); }
Bytes ask_why() {
  return query(
      "SELECT line_number, trim(colname), trim(type), raw_field_value, err_code, trim(err_reason) FROM stl_load_errors WHERE "
      "trim(filename) = "
      "'s3://b/k' ORDER BY line_number LIMIT 1");
}
Bytes why(char status) {
  return row_description() + row({"2", "a", "int4", "x", "1207", "Invalid digit, Value 'x', Pos 0, Type: Integer"}) + complete("SELECT") +
         ready(status);
}

/// Until the client may send its data, outside a transaction.
Script& begin(Script& script, std::string_view sql = copy) {
  return script.client(query(sql))
      .expect_acquire()
      .expect_to_server(describe())
      .server(columns(), complete("SELECT"), ready('I'))
      .expect_to_client(copy_response('G'));
}

/// The same in a transaction that the COPY begins on the server.
Script& begin_in_transaction(Script& script) {
  return script.client(query("begin"))
      .expect_to_client(complete("BEGIN"), ready('T'))
      .client(query(copy))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), sync())
      .server(begun(), ready('T'))
      .expect_to_server(describe())
      .server(columns(), complete("SELECT"), ready('T'))
      .expect_to_client(copy_response('G'));
}

/// What was uploaded is loaded, and the client is told how many rows that were.
Script& expect_load(Script& script, std::string_view rows, char status) {
  return script.expect_to_server(load())
      .server(complete("COPY"), ready(status))
      .expect_to_server(count())
      .server(counted(rows, status))
      .expect_to_client(complete("COPY " + std::string(rows)), ready(status));
}

}  // namespace

TEST(redshift_copy_from, uploads_and_loads) {
  Script script(loading());
  begin(script)
      .client(copy_data("1\tx\n2\t\\"), copy_data("N\n"), copy_done())
      .expect_uploaded("1\tx\n2\tNull0\n")
      .expect_to_server(load())
      .server(notice("Load into table 't' completed, 2 record(s) loaded successfully."), complete("COPY"), ready('I'))
      .expect_to_server(count())
      .server(counted("2", 'I'))
      .expect_to_client(complete("COPY 2"), ready('I'))
      .expect_release();
}

TEST(redshift_copy_from, csv_with_a_header_and_a_literal_of_the_clients) {
  Script script(loading());
  begin(script, "copy t (a, b) from stdin with (format csv, header, null 'it''s')")
      .client(copy_data("a,b\nit's,\"x\ty\"\n"), copy_done())
      .expect_uploaded("Null0\tx\\\ty\n");
  expect_load(script, "1", 'I')
      .expect_release();
}

TEST(redshift_copy_from, in_a_transaction_and_again) {
  Script script(loading());
  begin_in_transaction(script)
      .client(copy_data("1\tx\n"), copy_done())
      .expect_uploaded("1\tx\n");
  expect_load(script, "1", 'T')
      .client(query(copy))
      .expect_to_server(describe())
      .server(columns(), complete("SELECT"), ready('T'))
      .expect_to_client(copy_response('G'))
      .client(copy_done())
      .expect_uploaded("");
  expect_load(script, "0", 'T')
      .exchange("commit", "COMMIT", 'I')
      .expect_release();
}

TEST(redshift_copy_from, among_the_statements_of_a_transaction_in_one_string) {
  Script(loading())
      .client(query("begin; copy t (a, b) from stdin; select 1; commit"))
      .expect_acquire()
      .expect_to_server(query("BEGIN"))
      .server(complete("BEGIN"), ready('T'))
      .expect_to_client(complete("BEGIN"))
      .expect_to_server(describe())
      .server(columns(), complete("SELECT"), ready('T'))
      .expect_to_client(copy_response('G'))
      .client(copy_data("1\tx\n"), copy_done())
      .expect_uploaded("1\tx\n")
      .expect_to_server(load())
      .server(complete("COPY"), ready('T'))
      .expect_to_server(count())
      .server(counted("1", 'T'))
      .expect_to_client(complete("COPY 1"))
      .expect_to_server(query("select 1; commit"))
      .server(row_description(), data_row("1"), complete("SELECT"), complete("COMMIT"), ready('I'))
      .expect_to_client(row_description(), data_row("1"), complete("SELECT 1"), complete("COMMIT"), ready('I'))
      .expect_release();
}

TEST(redshift_copy_from, where_a_write_would_be_committed_early_is_refused) {
  for (const char* sql : {"insert into t values (1); copy t (a, b) from stdin", "copy t (a, b) from stdin; select 1"})
    Script(loading()).client(query(sql)).expect_acquire().expect_to_client(any_error("0A000"), ready('I')).expect_release();
}

TEST(redshift_copy_from, of_a_table_that_is_not_there) {
  Script(loading())
      .client(query(copy))
      .expect_acquire()
      .expect_to_server(describe())
      .server(error("42P01", "relation \"t\" does not exist", 18), ready('I'))
      .expect_to_client(error("42P01", "relation \"t\" does not exist"), ready('I'))
      .expect_release();
}

TEST(redshift_copy_from, bad_data_is_refused_before_anything_is_loaded) {
  Script script(loading());
  begin(script)
      .client(copy_data("1\tx\n2\n3\ty\n"))
      .expect_to_client(any_error("22P04"), ready('I'))
      .expect_release()
      .client(copy_data("4\tz\n"), copy_done())
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(complete("SELECT"), ready('I'))
      .expect_to_client(complete("SELECT 0"), ready('I'))
      .expect_release();
}

TEST(redshift_copy_from, a_begin_that_fails_takes_it_with_it_and_nothing_else) {
  Script(loading())
      .client(query("begin"), query(copy), query("select 1"), sync())
      .expect_to_client(complete("BEGIN"), ready('T'))
      .expect_acquire()
      .expect_to_server(first_begin("BEGIN"), sync())
      .server(error("57P03", "not now"), ready('I'))
      .expect_to_client(any_error("57P03"), ready('E'), any_error("25P02"), ready('E'), ready('E'))
      .client(query("rollback"))
      .expect_to_client(complete("ROLLBACK"), ready('I'))
      .expect_release();
}

TEST(redshift_copy_from, bad_data_fails_the_transaction) {
  Script script(loading());
  begin_in_transaction(script)
      .client(copy_data("1\n"), copy_done())
      .expect_to_client(any_error("22P04"), ready('E'))
      .client(query("select 1"))
      .expect_to_client(any_error("25P02"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

TEST(redshift_copy_from, the_client_gives_up) {
  Script script(loading());
  begin(script).client(copy_data("1\tx\n"), copy_fail("enough")).expect_to_client(any_error("57014"), ready('I')).expect_release();
}

/// It has taken the Syncs before that for some inside.
TEST(redshift_copy_from, the_client_gives_up_behind_a_sync) {
  Script script(loading());
  begin(script)
      .client(sync(), copy_fail("no"), query("select 1"))
      .expect_to_client(any_error("57014"), ready('I'))
      .expect_release()
      .expect_acquire()
      .expect_to_server(query("select 1"))
      .server(row_description(), data_row(), complete("SELECT"), ready('I'))
      .expect_to_client(row_description(), data_row(), complete("SELECT 1"), ready('I'))
      .expect_release();
}

TEST(redshift_copy_from, the_load_fails_behind_a_sync_by_the_data_or_not) {
  Script script(loading());
  begin(script)
      .client(copy_data("1\tx\n"), sync(), copy_done())
      .expect_uploaded("1\tx\n")
      .expect_to_server(load())
      .server(error("42501"), ready('I'))
      .expect_to_client(any_error("42501"), ready('I'))
      .expect_release();
  Script by_data(loading());
  begin(by_data)
      .client(copy_data("1\tx\n"), sync(), copy_done())
      .expect_uploaded("1\tx\n")
      .expect_to_server(load())
      .server(load_failed(), ready('I'))
      .expect_to_server(ask_why())
      .server(why('I'))
      .expect_to_client(any_error("22P02"), ready('I'), ready('I'))
      .expect_release();
}

TEST(redshift_copy_from, the_upload_fails) {
  Script script(loading("no bucket"));
  begin(script)
      .client(copy_data("1\tx\n"), copy_done())
      .expect_uploaded("1\tx\n")
      .expect_to_client(any_error("58030"), ready('I'))
      .expect_release();
}

TEST(redshift_copy_from, an_error_of_the_load_is_explained) {
  Script script(loading());
  begin(script)
      .client(copy_data("1\tx\nx\ty\n"), copy_done())
      .expect_uploaded("1\tx\nx\ty\n")
      .expect_to_server(load())
      .server(load_failed(), ready('I'))
      .expect_to_server(ask_why())
      .server(why('I'))
      .expect_to_client(any_error("22P02"), ready('I'))
      .expect_release();
}

TEST(redshift_copy_from, an_error_in_a_transaction_is_explained_behind_its_end) {
  Script script(loading());
  begin_in_transaction(script)
      .client(copy_data("1\tx\nx\ty\n"), copy_done())
      .expect_uploaded("1\tx\nx\ty\n")
      .expect_to_server(load())
      .server(load_failed(), ready('E'))
      .expect_to_server(query("ROLLBACK"))
      .server(complete("ROLLBACK"), ready('I'))
      .expect_to_server(ask_why())
      .server(why('I'))
      .expect_to_client(any_error("22P02"), ready('E'))
      .expect_release()
      .client(query("select 1"))
      .expect_to_client(any_error("25P02"), ready('E'))
      .client(query("commit"))
      .expect_to_client(complete("ROLLBACK"), ready('I'));
}

TEST(redshift_copy_from, an_error_that_nobody_explains) {
  Script script(loading());
  begin(script)
      .client(copy_data("1\tx\n"), copy_done())
      .expect_uploaded("1\tx\n")
      .expect_to_server(load())
      .server(load_failed(), ready('I'))
      .expect_to_server(ask_why())
      .server(error("42501", "permission denied"), ready('I'))
      .expect_to_server(query(
          "SELECT line_number, trim(column_name), trim(column_type), '', error_code, trim(error_message) FROM sys_load_error_detail WHERE "
          "trim(file_name) = 's3://b/k' ORDER BY line_number LIMIT 1"))
      .server(row_description(), complete("SELECT"), ready('I'))
      .expect_to_client(load_failed(), ready('I'))
      .expect_release();
}

TEST(redshift_copy_from, another_error_of_the_load_is_told_as_it_is) {
  Script script(loading());
  begin_in_transaction(script)
      .client(copy_data("1\tx\n"), copy_done())
      .expect_uploaded("1\tx\n")
      .expect_to_server(load())
      .server(error("42501", "permission denied for relation t"), ready('E'))
      .expect_to_client(error("42501", "permission denied for relation t"), ready('E'))
      .exchange("rollback", "ROLLBACK", 'I')
      .expect_release();
}

TEST(redshift_copy_from, something_else_than_data_ends_the_session) {
  Script script(loading());
  begin(script).client(query("select 1")).expect_to_client(any_error("08P01"), any_fatal("08P01")).expect_close();
}

TEST(redshift_copy_from, in_the_extended_protocol) {
  Script script(loading());
  script
      .client(parse("", copy), bind_to("", ""), describe_portal(""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(describe())
      .server(columns(), complete("SELECT"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), no_data(), copy_response('G'))
      .client(copy_data("1\tx\n"), copy_done(), sync())
      .expect_uploaded("1\tx\n");
  expect_load(script, "1", 'I')
      .expect_release();
}

TEST(redshift_copy_from, bad_data_in_the_extended_protocol_skips_to_the_sync) {
  Script(loading())
      .client(parse("s", copy), bind_to("", "s"), execute(""), flush())
      .expect_acquire()
      .expect_to_server(describe())
      .server(columns(), complete("SELECT"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), copy_response('G'))
      .client(copy_data("1\n"), copy_data("2\tx\n"), copy_done())
      .expect_to_client(any_error("22P04"))
      .expect_release()
      .client(sync())
      .expect_to_client(ready('I'));
}

TEST(redshift_copy_from, what_cannot_be) {
  Script(loading())
      .client(query("copy t from stdin (format binary)"))
      .expect_acquire()
      .expect_to_client(any_error("0A000"), ready('I'))
      .expect_release()
      .client(query("copy t from stdin (encoding 'johab')"))
      .expect_acquire()
      .expect_to_client(any_error("0A000"), ready('I'))
      .expect_release();
}

TEST(redshift_copy_from, data_in_another_encoding_whose_second_bytes_are_backslashes) {
  Script script(loading());
  begin(script, "copy t (a, b) from stdin (encoding 'SJIS')")
      .client(copy_data("1\t\x83"), copy_data("\x5c\t"), copy_data("2\n"))
      .expect_to_client(any_error("22P04"), ready('I'))
      .expect_release();
  Script good(loading());
  begin(good, "copy t (a, b) from stdin (encoding 'SJIS')").client(copy_data("1\t\x83"), copy_data("\x5c\n"), copy_done()).expect_uploaded("1\t\u30bd\n");
  expect_load(good, "1", 'I').expect_release();
}

TEST(redshift_copy_from, under_another_client_encoding_and_nothing_else) {
  Start start = loading();
  start.tracked[static_cast<std::size_t>(Tracked::client_encoding)] = "LATIN1";
  Script script(start);
  begin(script, "copy t (a, b) from stdin with (null '\xe4')").client(copy_data("\xe9\t\xe4\n"), copy_done()).expect_uploaded("\u00e9\tNull0\n");
  expect_load(script, "1", 'I')
      .expect_release()
      .client(query("select 1"))
      .expect_acquire()
      .expect_to_client(any_error("0A000"), ready('I'))
      .expect_release()
      .client(parse("", "select 1"), bind_to("", ""), execute(""), sync())
      .expect_acquire()
      .expect_to_client(any_error("0A000"), ready('I'))
      .expect_release();
}

TEST(redshift_copy_from, the_servers_own_copy_is_left_alone) {
  Script(loading()).whole_exchange("copy t from 's3://mine/too' csv", "COPY");
}

}  // namespace pgswitch::script
