/* Start-up, statements in every protocol, descriptions, errors and notices. */
#include "scenarios.h"
#include "seen.h"

#include <stddef.h>

static void start(void) {
  static const char *const NAMES[] = {"server_version", "server_encoding", "client_encoding", "application_name", "is_superuser",
      "session_authorization", "DateStyle", "IntervalStyle", "TimeZone", "integer_datetimes", "standard_conforming_strings",
      "default_transaction_read_only", "in_hot_standby", "no_such_parameter"};
  scenario("start-up parameters are reported as the server reports them");
  PGconn *connection = connect_with("options='-c DateStyle=SQL -c TimeZone=asia/kathmandu' client_encoding=utf-8 application_name='a b'");
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; ++i) {
    const char *text = PQparameterStatus(connection, NAMES[i]);
    see("%s = %s", NAMES[i], text ? text : "(not reported)");
  }
  see("version %d, protocol %d, user %s, database %s, password used %d", PQserverVersion(connection), PQprotocolVersion(connection),
      PQuser(connection), PQdb(connection), PQconnectionUsedPassword(connection));
  see_state(connection);
  PQfinish(connection);
  finish();
}

static void execute(void) {
  static const char *const STATEMENTS[] = {"SELECT * FROM every_type", "SELECT", "", ";", "SELECT 1; SELECT 2, 'x'",
      "INSERT INTO written (what) VALUES ('a'), ('b') RETURNING what", "DELETE FROM written", "BEGIN", "SELECT 1/0", "SELECT 1", "ROLLBACK",
      "VALUES (1, NULL)", "SHOW work_mem", "DECLARE c CURSOR WITH HOLD FOR VALUES (1), (2)", "FETCH ALL FROM c", "CLOSE c"};
  scenario("PQexec: results, columns, tags and states");
  PGconn *connection = connect_with("");
  for (size_t i = 0; i < sizeof STATEMENTS / sizeof *STATEMENTS; ++i) {
    observe(connection, STATEMENTS[i]);
    see_state(connection);
    interleave(connection);
  }
  PQfinish(connection);
  finish();
}

static void parameters(void) {
  static const char *const VALUES[] = {"42", NULL, "día ☃", "\x00\x00\x00\x07"};
  static const int LENGTHS[] = {0, 0, 0, 4}, FORMATS[] = {0, 0, 0, 1};
  static const Oid TYPES[] = {23, 0, 25, 23};
  scenario("PQexecParams: text and binary parameters and results");
  PGconn *connection = connect_with("");
  for (int format = 0; format < 2; ++format) {
    see_result(PQexecParams(connection, "SELECT $1, $2::text, $3, $4 + 1, now() > 'epoch'", 4, TYPES, VALUES, LENGTHS, FORMATS, format));
    interleave(connection);
    see_result(PQexecParams(connection, "SELECT b, i2, i8, f8, n, t, bytes, d, ts, iv, u, jb, ia FROM every_type", 0, NULL, NULL, NULL, NULL, format));
  }
  see_result(PQexecParams(connection, "SELECT $1::int", 1, NULL, VALUES + 2, NULL, NULL, 0));
  see_result(PQexecParams(connection, "SELECT $1::int, $2::int", 1, NULL, VALUES, NULL, NULL, 0));
  see_result(PQexecParams(connection, "SELECT 1; SELECT 2", 0, NULL, NULL, NULL, NULL, 0));
  see_result(PQexecParams(connection, "", 0, NULL, NULL, NULL, NULL, 0));
  see_state(connection);
  PQfinish(connection);
  finish();
}

static void prepared(void) {
  static const char *const VALUES[] = {"3"};
  scenario("PQprepare, PQdescribePrepared, PQexecPrepared, PQdescribePortal");
  PGconn *connection = connect_with("");
  see_result(PQprepare(connection, "mine", "SELECT id, name, since FROM customers WHERE id = $1", 0, NULL));
  for (int i = 0; i < 3; ++i) {
    interleave(connection);
    see_result(PQdescribePrepared(connection, "mine"));
    interleave(connection);
    see_result(PQexecPrepared(connection, "mine", 1, VALUES, NULL, NULL, i % 2));
  }
  PGresult *twice = PQprepare(connection, "mine", "SELECT 2", 0, NULL);
  see("%s%s", PQresultErrorMessage(twice), PQresultErrorField(twice, PG_DIAG_SQLSTATE));
  PQclear(twice);
  see_result(PQprepare(connection, "", "SELECT $1::text", 0, NULL));
  see_result(PQdescribePrepared(connection, ""));
  see_result(PQexecPrepared(connection, "", 1, VALUES, NULL, NULL, 0));
  see_result(PQprepare(connection, "wrong", "SELECT no_such_column", 0, NULL));
  observe(connection, "BEGIN; DECLARE portal CURSOR FOR SELECT id, name FROM customers");
  see_result(PQdescribePortal(connection, "portal"));
  observe(connection, "FETCH 1 FROM portal");
  see_result(PQdescribePortal(connection, "no_such_portal"));
  see_state(connection);
  observe(connection, "ROLLBACK");
  observe(connection, "EXECUTE mine(5)");
  observe(connection, "DEALLOCATE mine");
  observe(connection, "SELECT 'goes on'");
  PQfinish(connection);
  finish();
}

static void hear(void *nothing, const PGresult *notice) {
  (void)nothing;
  see("notice %s %s %s", PQresultErrorField(notice, PG_DIAG_SEVERITY), PQresultErrorField(notice, PG_DIAG_SQLSTATE),
      PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY));
}

static void errors(void) {
  static const PGVerbosity VERBOSITIES[] = {PQERRORS_TERSE, PQERRORS_DEFAULT, PQERRORS_SQLSTATE};
  scenario("errors as libpq writes them, and notices");
  PGconn *connection = connect_with("");
  for (size_t i = 0; i < sizeof VERBOSITIES / sizeof *VERBOSITIES; ++i) {
    PQsetErrorVerbosity(connection, VERBOSITIES[i]);
    PQsetErrorContextVisibility(connection, PQSHOW_CONTEXT_ALWAYS);
    see("%s", value(connection, "SELECT 'día',\n  no_such_column\nFROM customers"));
    see("%s", value(connection, "DO $$ BEGIN EXECUTE 'SELECT 1/0'; END $$"));
    interleave(connection);
  }
  PQsetNoticeReceiver(connection, hear, NULL);
  observe(connection, "DO $$ BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two' USING ERRCODE = '01234'; END $$");
  observe(connection, "COMMIT");
  observe(connection, "DROP TABLE IF EXISTS never_there");
  PQfinish(connection);
  finish();
}

static void encodings(void) {
  static const char *const NAMES[] = {"LATIN1", "no such encoding", "UTF8", "WIN1252", "SQL_ASCII"};
  scenario("PQsetClientEncoding");
  PGconn *connection = connect_with("");
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; ++i) {
    see("%s: %d", NAMES[i], PQsetClientEncoding(connection, NAMES[i]));
    see("%d %s", PQclientEncoding(connection), PQparameterStatus(connection, "client_encoding"));
    interleave(connection);
    observe(connection, "SELECT t FROM every_type WHERE t LIKE 'd%' AND t > chr(100)");
  }
  PQfinish(connection);
  finish();
}

void statements(void) {
  start();
  execute();
  parameters();
  prepared();
  errors();
  encodings();
}
