/* COPY in and out, large objects, FunctionCall. */
#include "scenarios.h"
#include "seen.h"

#include <libpq/libpq-fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void copy_out(PGconn *connection, const char *sql, int limit) {
  see("-- %s", sql);
  PQsendQuery(connection, sql);
  see_results(connection);
  char *line;
  int size, lines = 0;
  while ((size = PQgetCopyData(connection, &line, 0)) > 0) {
    if (lines++ < limit) {
      char hex[401] = "";
      for (int i = 0; i < size && i < 200; ++i) sprintf(hex + 2 * i, "%02x", (unsigned char)line[i]);
      see("%d: %s", size, hex);
    }
    PQfreemem(line);
  }
  see("lines %d, end %d", lines, size);
  see_results(connection);
  see_state(connection);
}

static void copies_out(void) {
  scenario("COPY out: text, CSV, binary, and with an error behind some rows");
  PGconn *connection = connect_with("");
  copy_out(connection, "COPY every_type TO STDOUT", 5);
  interleave(connection);
  copy_out(connection, "COPY (SELECT * FROM every_type) TO STDOUT (FORMAT csv, HEADER)", 5);
  interleave(connection);
  copy_out(connection, "COPY (SELECT b, i4, t FROM every_type) TO STDOUT (FORMAT binary)", 5);
  interleave(connection);
  copy_out(connection, "COPY (SELECT 1 / (4 - i) FROM generate_series(1, 9) AS i) TO STDOUT", 5);
  interleave(connection);
  copy_out(connection, "COPY (SELECT i FROM generate_series(1, 200000) AS i) TO STDOUT", 2);
  interleave(connection);
  copy_out(connection, "COPY no_such_table TO STDOUT", 2);
  interleave(connection);
  copy_out(connection, "SELECT 1; COPY (VALUES (1)) TO STDOUT; SELECT 2", 2);
  see_results(connection);
  PQfinish(connection);
  finish();
}

static void copy_in(PGconn *connection, const char *sql, const char *data, int times, const char *give_up) {
  see("-- %s", sql);
  PQsendQuery(connection, sql);
  see_results(connection);
  int accepted = 0;
  for (int i = 0; i < times; ++i) accepted += PQputCopyData(connection, data, (int)strlen(data)) == 1;
  see("ended %d", PQputCopyEnd(connection, give_up));
  see("accepted all: %d", accepted == times);
  see_results(connection);
  see_results(connection);
  see_state(connection);
  interleave(connection);
  observe(connection, "SELECT count(*), min(what), max(amount) FROM written");
  observe(connection, "TRUNCATE written RESTART IDENTITY");
}

static void copies_in(void) {
  scenario("COPY in: good data, bad data, given up, among other statements");
  PGconn *connection = connect_with("");
  copy_in(connection, "COPY written (what, amount) FROM STDIN", "a\t1\n", 1, NULL);
  copy_in(connection, "COPY written (amount) FROM STDIN", "7\n", 100000, NULL);
  copy_in(connection, "COPY written (amount) FROM STDIN", "not a number\n", 3, NULL);
  copy_in(connection, "COPY written (amount) FROM STDIN", "7\n", 1000, "changed my mind");
  copy_in(connection, "COPY written (what) FROM STDIN (FORMAT csv)", "\"x,\"\"y\"\"\"\n", 1, NULL);
  copy_in(connection, "COPY written (amount) FROM STDIN (FORMAT binary)", "no signature", 1, NULL);
  copy_in(connection, "INSERT INTO written (what) VALUES ('first'); COPY written (amount) FROM STDIN; SELECT 'behind'", "7\n", 2, NULL);
  copy_in(connection, "INSERT INTO written (what) VALUES ('first'); COPY written (amount) FROM STDIN; SELECT 'behind'", "x\n", 2, NULL);
  observe(connection, "BEGIN");
  copy_in(connection, "COPY written (amount) FROM STDIN", "-1\n", 1, NULL);
  observe(connection, "ROLLBACK");
  PQfinish(connection);
  finish();
}

static void large_objects(void) {
  scenario("large objects: create, write, seek, read, truncate, unlink");
  static char block[100000], back[100000];
  memset(block, 'b', sizeof block);
  PGconn *connection = connect_with("");
  observe(connection, "BEGIN");
  Oid oid = lo_creat(connection, INV_READ | INV_WRITE);
  int large = lo_open(connection, oid, INV_READ | INV_WRITE);
  see("opened %d, oid %d", large, oid != InvalidOid);
  for (int i = 0; i < 5; ++i) see("wrote %d", lo_write(connection, large, block, sizeof block));
  see("at %ld", (long)lo_tell64(connection, large));
  see("seek %ld", (long)lo_lseek64(connection, large, -10, SEEK_END));
  see("wrote %d", lo_write(connection, large, "0123456789abc", 13));
  see("seek %d", lo_lseek(connection, large, 499985, SEEK_SET));
  int size = lo_read(connection, large, back, sizeof back);
  see("read %d: %.*s", size, size, back);
  see("truncated %d", lo_truncate64(connection, large, 7));
  see("closed %d", lo_close(connection, large));
  observe(connection, "COMMIT");
  interleave(connection);
  observe(connection, "BEGIN");
  large = lo_open(connection, oid, INV_READ);
  see("read %d", lo_read(connection, large, back, sizeof back));
  see("wrote %d", lo_write(connection, large, "x", 1));
  see("%s", PQerrorMessage(connection));
  see_state(connection);
  observe(connection, "ROLLBACK");
  interleave(connection);
  see("unlinked %d", lo_unlink(connection, oid));
  interleave(connection);
  see("unlinked again %d", lo_unlink(connection, oid));
  see_state(connection);
  PQfinish(connection);
  finish();
}

static void function_call(void) {
  scenario("PQfn");
  PGconn *connection = connect_with("");
  PQArgBlock arguments[] = {{.len = 4, .isint = 1, .u.integer = 40}, {.len = 4, .isint = 1, .u.integer = 2}};
  static const int FUNCTIONS[] = {177, 154, 999999}; /* int4pl, int4div, none */
  for (int i = 0; i < 3; ++i) {
    int answer = 0, size = 0;
    PGresult *result = PQfn(connection, FUNCTIONS[i], &answer, &size, 1, arguments, 2);
    see("answer %d, size %d", answer, size);
    see_result(result);
    arguments[1].u.integer = 0;
    interleave(connection);
  }
  see_state(connection);
  PQfinish(connection);
  finish();
}

void copies(void) {
  copies_out();
  copies_in();
  large_objects();
  function_call();
}
