/* Pipeline mode, single-row mode, non-blocking sends. */
#include "scenarios.h"
#include "seen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void send_text(PGconn *connection, const char *sql) {
  if (!PQsendQueryParams(connection, sql, 0, NULL, NULL, NULL, NULL, 0)) see("not sent: %s", PQerrorMessage(connection));
}

static void pipeline(const char *name, const char *const *statements) {
  scenario(name);
  PGconn *connection = connect_with("");
  PQenterPipelineMode(connection);
  int count = 0;
  for (const char *const *sql = statements; *sql; ++sql, ++count) {
    if (strcmp(*sql, "sync") == 0) PQpipelineSync(connection);
    else if (strcmp(*sql, "flush") == 0) PQsendFlushRequest(connection);
    else send_text(connection, *sql);
  }
  for (int i = 0; i < count; ++i) {
    see("-- %s", statements[i]);
    if (strcmp(statements[i], "flush") == 0) continue;
    see_results(connection);
    see_state(connection);
  }
  see("left pipeline mode: %d", PQexitPipelineMode(connection));
  interleave(connection);
  observe(connection, "SELECT count(*) FROM written");
  observe(connection, "DELETE FROM written");
  PQfinish(connection);
  finish();
}

static void pipeline_of_many(void) {
  scenario("a pipeline of a thousand prepared statements, read while it is sent");
  PGconn *connection = connect_with("");
  PQsetnonblocking(connection, 1);
  PQenterPipelineMode(connection);
  PQsendPrepare(connection, "many", "SELECT $1::int, repeat('x', 3000)", 0, NULL);
  PQsendDescribePrepared(connection, "many");
  for (int i = 0; i < 1000; ++i) {
    char number[16];
    const char *const values[] = {number};
    snprintf(number, sizeof number, "%d", i);
    PQsendQueryPrepared(connection, "many", 1, values, NULL, NULL, 0);
    if (i % 100 == 99) PQpipelineSync(connection);
  }
  while (PQflush(connection) == 1) PQconsumeInput(connection);
  PQsetnonblocking(connection, 0);
  see_results(connection);
  see_results(connection);
  long sum = 0, syncs = 0;
  while (syncs < 10) {
    PGresult *result = PQgetResult(connection);
    if (!result) continue;
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) ++syncs;
    else if (PQresultStatus(result) == PGRES_TUPLES_OK) sum += atol(PQgetvalue(result, 0, 0)) + PQgetlength(result, 0, 1);
    else see_result(NULL);
    PQclear(result);
  }
  see("sum %ld", sum);
  PQexitPipelineMode(connection);
  see_state(connection);
  PQfinish(connection);
  finish();
}

static void single_rows(void) {
  static const char *const STATEMENTS[] = {"SELECT i FROM generate_series(1, 5) AS i", "SELECT 1 WHERE false",
      "SELECT 1 / (3 - i) FROM generate_series(1, 5) AS i", "SELECT 1; SELECT 2; DELETE FROM written", "INSERT INTO written (what) VALUES ('s') RETURNING what",
      "DELETE FROM written"};
  scenario("single-row mode");
  PGconn *connection = connect_with("");
  for (size_t i = 0; i < sizeof STATEMENTS / sizeof *STATEMENTS; ++i) {
    PQsendQuery(connection, STATEMENTS[i]);
    see("set: %d", PQsetSingleRowMode(connection));
    see_results(connection);
    see_state(connection);
    interleave(connection);
  }
  PQsendQuery(connection, "SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) AS i");
  PQsetSingleRowMode(connection);
  int rows = 0;
  for (PGresult *result; (result = PQgetResult(connection)); PQclear(result)) rows += PQresultStatus(result) == PGRES_SINGLE_TUPLE;
  see("rows %d", rows);
  see_state(connection);
  PQfinish(connection);
  finish();
}

static void large(void) {
  enum { SIZE = 12 << 20 };
  scenario("a parameter and a row of twelve megabytes");
  PGconn *connection = connect_with("");
  char *text = malloc(SIZE + 1);
  memset(text, 'y', SIZE);
  text[SIZE] = 0;
  const char *const values[] = {text};
  PGresult *result = PQexecParams(connection, "SELECT $1::text, length($1::text)", 1, NULL, values, NULL, NULL, 0);
  see("%s %d %s", PQresStatus(PQresultStatus(result)), PQgetlength(result, 0, 0), PQgetvalue(result, 0, 1));
  PQclear(result);
  free(text);
  see_state(connection);
  PQfinish(connection);
  finish();
}

void pipelines(void) {
  static const char *const PLAIN[] = {"SELECT 1 AS a", "INSERT INTO written (what) VALUES ('p') RETURNING what", "SELECT count(*) FROM written", "sync", NULL};
  static const char *const ABORTED[] = {"INSERT INTO written (what) VALUES ('lost')", "SELECT 1/0", "SELECT 'skipped'", "BEGIN", "sync",
      "INSERT INTO written (what) VALUES ('kept')", "sync", "SELECT no_such_column", "sync", "SELECT 'goes on'", "sync", NULL};
  static const char *const TRANSACTION[] = {"BEGIN", "INSERT INTO written (what) VALUES ('t')", "sync", "SELECT count(*) FROM written", "COMMIT", "sync",
      "BEGIN", "SELECT 1/0", "sync", "SELECT 'in a failed transaction'", "sync", "ROLLBACK", "sync", NULL};
  static const char *const FLUSHED[] = {"SELECT 1", "flush", "SELECT 2", "flush", "sync", "sync", "SHOW work_mem", "sync", NULL};
  pipeline("a pipeline: results and one sync", PLAIN);
  pipeline("a pipeline: errors abort up to the sync", ABORTED);
  pipeline("a pipeline: transactions over several syncs", TRANSACTION);
  pipeline("a pipeline: flush requests, two syncs in a row", FLUSHED);
  pipeline_of_many();
  single_rows();
  large();
}
