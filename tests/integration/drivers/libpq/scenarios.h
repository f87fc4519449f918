/* The scenarios, by what of libpq they use. */
#ifndef SCENARIOS_H
#define SCENARIOS_H

void statements(void);   /* start-up, PQexec, PQexecParams, prepare, describe, errors, notices */
void pipelines(void);    /* pipeline mode, single-row mode, non-blocking sends */
void copies(void);       /* COPY in and out, large objects, FunctionCall */
void interruptions(void); /* cancel, notifications, reset, refused logins */

#endif
