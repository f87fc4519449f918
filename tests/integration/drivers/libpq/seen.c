#include "seen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int routed;
static int parts, astray, arrived;

static void print_text(const char *text) {
  putchar('"');
  for (const unsigned char *at = (const unsigned char *)text; *at; ++at) {
    if (*at == '"' || *at == '\\') printf("\\%c", *at);
    else if (*at < 0x20) printf("\\u%04x", *at);
    else putchar(*at);
  }
  putchar('"');
}

void scenario(const char *name) {
  printf("{\"scenario\": ");
  print_text(name);
  printf(", \"seen\": [");
  parts = 0;
}

void finish(void) {
  printf("]}\n");
  fflush(stdout);
}

void see(const char *format, ...) {
  static char text[1 << 20];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (parts++) printf(", ");
  print_text(text);
}

static const struct { int code; const char *name; } FIELDS[] = {
    {PG_DIAG_SEVERITY, "severity"}, {PG_DIAG_SEVERITY_NONLOCALIZED, "severity_nonlocalized"}, {PG_DIAG_SQLSTATE, "sqlstate"},
    {PG_DIAG_MESSAGE_PRIMARY, "message"}, {PG_DIAG_MESSAGE_DETAIL, "detail"}, {PG_DIAG_MESSAGE_HINT, "hint"},
    {PG_DIAG_STATEMENT_POSITION, "position"}, {PG_DIAG_INTERNAL_POSITION, "internal_position"},
    {PG_DIAG_INTERNAL_QUERY, "internal_query"}, {PG_DIAG_CONTEXT, "context"}, {PG_DIAG_SCHEMA_NAME, "schema"},
    {PG_DIAG_TABLE_NAME, "table"}, {PG_DIAG_COLUMN_NAME, "column"}, {PG_DIAG_DATATYPE_NAME, "datatype"},
    {PG_DIAG_CONSTRAINT_NAME, "constraint"}, {PG_DIAG_SOURCE_FILE, "file"}, {PG_DIAG_SOURCE_FUNCTION, "function"}};

static void see_fields(const PGresult *result) {
  for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; ++i) {
    const char *text = PQresultErrorField(result, FIELDS[i].code);
    if (text) see("%s: %s", FIELDS[i].name, text);
  }
}

static void see_row(const PGresult *result, int row) {
  static char text[1 << 16];
  size_t length = 0;
  text[0] = 0;
  for (int column = 0; column < PQnfields(result) && length < sizeof text - 300; ++column) {
    const char *bytes = PQgetvalue(result, row, column);
    int size = PQgetlength(result, row, column);
    length += (size_t)sprintf(text + length, "|%s%d:", PQgetisnull(result, row, column) ? "null" : "", size);
    for (int i = 0; i < size && i < 100; ++i) length += (size_t)sprintf(text + length, "%02x", (unsigned char)bytes[i]);
  }
  see("row %s", text);
}

void see_result(PGresult *result) {
  if (!result) {
    see("no result");
    return;
  }
  see("%s, tag '%s', %s rows affected, oid '%s', %s", PQresStatus(PQresultStatus(result)), PQcmdStatus(result), PQcmdTuples(result),
      PQoidStatus(result), PQbinaryTuples(result) ? "binary" : "text");
  for (int i = 0; i < PQnparams(result); ++i) see("parameter %u", PQparamtype(result, i));
  for (int i = 0; i < PQnfields(result); ++i) {
    see("column %s type %u size %d modifier %d table %u column %d format %d", PQfname(result, i), PQftype(result, i), PQfsize(result, i),
        PQfmod(result, i), PQftable(result, i), PQftablecol(result, i), PQfformat(result, i));
  }
  for (int i = 0; i < PQntuples(result); ++i) see_row(result, i);
  see_fields(result);
  PQclear(result);
}

void see_results(PGconn *connection) {
  PGresult *result;
  while ((result = PQgetResult(connection))) {
    ExecStatusType status = PQresultStatus(result);
    see_result(result);
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_PIPELINE_SYNC) return;
  }
}

void see_state(PGconn *connection) {
  static const char *const TRANSACTION[] = {"idle", "active", "in transaction", "in a failed transaction", "unknown"};
  static const char *const PIPELINE[] = {"no pipeline", "pipeline", "aborted pipeline"};
  see("%s, %s", TRANSACTION[PQtransactionStatus(connection)], PIPELINE[PQpipelineStatus(connection)]);
}

static void be_silent(void *nothing, const PGresult *notice) {
  (void)nothing;
  (void)notice;
}

PGconn *connect_with(const char *keywords) {
  PGconn *connection = PQconnectdb(keywords);
  if (PQstatus(connection) != CONNECTION_OK) {
    fprintf(stderr, "%s", PQerrorMessage(connection));
    exit(1);
  }
  PQsetNoticeReceiver(connection, be_silent, NULL);
  interleave(connection);
  return connection;
}

const char *value(PGconn *connection, const char *sql) {
  static char text[1 << 16];
  PGresult *result = PQexec(connection, sql);
  if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) < 1) snprintf(text, sizeof text, "%s", PQresultErrorMessage(result));
  else snprintf(text, sizeof text, "%s", PQgetvalue(result, 0, 0));
  PQclear(result);
  return text;
}

void observe(PGconn *connection, const char *sql) {
  see_result(PQexec(connection, sql));
}

void interleave(PGconn *connection) {
  if (!routed || PQtransactionStatus(connection) != PQTRANS_IDLE || PQpipelineStatus(connection) != PQ_PIPELINE_OFF) return;
  if (strcmp(value(connection, "SELECT current_setting('cluster_name') FROM sales LIMIT 1"), "analytics") == 0) ++arrived;
  else ++astray;
}

void finish_routed(void) {
  if (!routed) return;
  printf("{\"scenario\": \"routed statements ran on the other cluster\", \"seen\": %s}\n", arrived > 0 && astray == 0 ? "true" : "false");
}
