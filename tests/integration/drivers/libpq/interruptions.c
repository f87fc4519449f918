/* Cancel, notifications, reset, logins that are refused. */
#include "scenarios.h"
#include "seen.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

static void wait_until_active(PGconn *other, const char *mark) {
  char sql[300];
  snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%%s%%' AND state = 'active' AND pid <> pg_backend_pid()", mark);
  for (int i = 0; i < 2000 && strcmp(value(other, sql), "0") == 0; ++i) poll(NULL, 0, 5);
}

static void cancel(PGconn *connection, PGconn *other) {
  char error[256] = "";
  wait_until_active(other, "libpq_is_cancelled");
  PGcancel *key = PQgetCancel(connection);
  see("cancel %d %s", PQcancel(key, error, sizeof error), error);
  PQfreeCancel(key);
}

static void cancels(void) {
  static const char *const LONG[] = {"SELECT pg_sleep(60) /* libpq_is_cancelled */", "BEGIN; SELECT pg_sleep(60) /* libpq_is_cancelled */",
      "COPY (SELECT pg_sleep(60) /* libpq_is_cancelled */) TO STDOUT"};
  scenario("cancel: a statement, a transaction, a COPY, a pipeline, nothing");
  PGconn *connection = connect_with(""), *other = connect_with("");
  for (size_t i = 0; i < sizeof LONG / sizeof *LONG; ++i) {
    PQsendQuery(connection, LONG[i]);
    cancel(connection, other);
    see_results(connection);
    char *line;
    if (i == 2) see("copy data %d", PQgetCopyData(connection, &line, 0));
    see_results(connection);
    see_state(connection);
    PQclear(PQexec(connection, "ROLLBACK"));
    interleave(connection);
  }
  PQenterPipelineMode(connection);
  PQsendQueryParams(connection, LONG[0], 0, NULL, NULL, NULL, NULL, 0);
  PQsendQueryParams(connection, "SELECT 'skipped'", 0, NULL, NULL, NULL, NULL, 0);
  PQpipelineSync(connection);
  PQflush(connection);
  cancel(connection, other);
  for (int i = 0; i < 3; ++i) see_results(connection);
  PQexitPipelineMode(connection);
  observe(connection, "SELECT 'goes on'");
  PQfinish(connection);
  PQfinish(other);
  finish();
}

static void cancel_of_nothing(void) {
  scenario("cancel of an idle connection harms nobody");
  PGconn *connection = connect_with("");
  char error[256] = "";
  PGcancel *key = PQgetCancel(connection);
  for (int i = 0; i < 5; ++i) {
    see("cancel %d %s", PQcancel(key, error, sizeof error), error);
    interleave(connection);
  }
  PQfreeCancel(key);
  see_state(connection);
  PQfinish(connection);
  finish();
}

static PGnotify *next_notify(PGconn *connection) {
  for (int i = 0; i < 200; ++i) {
    PGnotify *notify = PQnotifies(connection);
    if (notify) return notify;
    struct pollfd waits = {.fd = PQsocket(connection), .events = POLLIN};
    poll(&waits, 1, 100);
    PQconsumeInput(connection);
  }
  return NULL;
}

static void hear(PGconn *connection, int pid) {
  PGnotify *notify = next_notify(connection);
  if (!notify) see("nothing heard");
  else if (pid) see("own PID: %d", notify->be_pid == pid);
  else see("%s '%s'", notify->relname, notify->extra);
  PQfreemem(notify);
}

static void notifications(void) {
  scenario("notifications: from another connection, from itself, inside a transaction");
  PGconn *connection = connect_with(""), *other = connect_with("");
  observe(connection, "LISTEN news");
  interleave(connection);
  observe(other, "NOTIFY news, 'from another'");
  hear(connection, 0);
  observe(connection, "NOTIFY news");
  interleave(connection);
  hear(connection, 0);
  observe(connection, "BEGIN");
  observe(other, "NOTIFY news, 'heard behind COMMIT'");
  observe(connection, "COMMIT");
  hear(connection, 0);
  observe(connection, "UNLISTEN news");
  PQfinish(connection);
  PQfinish(other);
  finish();
  scenario("PQbackendPID is the PID of a notification to oneself, and pg_backend_pid()");
  connection = connect_with("");
  observe(connection, "LISTEN news");
  observe(connection, "NOTIFY news");
  hear(connection, PQbackendPID(connection));
  char pid[16];
  snprintf(pid, sizeof pid, "%d", PQbackendPID(connection));
  see("pg_backend_pid(): %d", strcmp(pid, value(connection, "SELECT pg_backend_pid()")) == 0);
  PQfinish(connection);
  finish();
}

static void reset(void) {
  scenario("PQreset begins anew");
  PGconn *connection = connect_with("options='-c TimeZone=Africa/Cairo'");
  observe(connection, "BEGIN; SET TimeZone = 'UTC'; SELECT 1");
  PQreset(connection);
  see("status %d, ping %d", PQstatus(connection), PQping(""));
  see_state(connection);
  interleave(connection);
  observe(connection, "SHOW TimeZone");
  PQfinish(connection);
  finish();
}

static void refuse(const char *keywords) {
  PGconn *connection = PQconnectdb(keywords);
  const char *message = PQerrorMessage(connection), *reason = strstr(message, "failed: ");
  see("%s: status %d, %s", keywords, PQstatus(connection), reason ? reason : message);
  PQfinish(connection);
}

static void refusals(void) {
  scenario("logins that are refused");
  refuse("password=wrong");
  refuse("user=nobody_of_this_name password=x");
  refuse("password=");
  refuse("options='-c no_such_setting=1'");
  refuse("options='-c work_mem=much'");
  refuse("client_encoding=no_such_encoding");
  refuse("options='--work_mem'");
  finish();
  scenario("a database that does not exist");
  refuse("dbname=no_such_database");
  finish();
  scenario("command-line options that set no setting");
  refuse("options='-x'");
  finish();
}

void interruptions(void) {
  cancels();
  cancel_of_nothing();
  notifications();
  reset();
  refusals();
}
