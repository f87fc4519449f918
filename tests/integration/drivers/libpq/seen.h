/* What the scenarios of libpq saw, as JSON: one line for each scenario, {"scenario": name, "seen": [everything seen]}. */
#ifndef SEEN_H
#define SEEN_H

#include <libpq-fe.h>

extern int routed; /* send statements to the other cluster in between */

void scenario(const char *name);
void finish(void);

/* Adds a text, printf style. */
void see(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Adds all that a result holds: status, tag, columns, rows with their bytes in hex, error fields. Clears it. */
void see_result(PGresult *result);
/* Adds all results up to the end of the command, or of this part of a pipeline. */
void see_results(PGconn *connection);
/* Adds transaction status and pipeline status. */
void see_state(PGconn *connection);

/* Connects with the PG* environment and more keywords (may be ""); ends the program when that fails. */
PGconn *connect_with(const char *keywords);
/* One statement to the other cluster, when statements are routed and no transaction is open. */
void interleave(PGconn *connection);
/* The first value of a statement as text, good until the next call. */
const char *value(PGconn *connection, const char *sql);
/* Runs a statement and sees its result. */
void observe(PGconn *connection, const char *sql);
/* The scenario that tells whether all routed statements ran on the other cluster. */
void finish_routed(void);

#endif
