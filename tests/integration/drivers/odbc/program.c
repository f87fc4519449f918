/* psqlODBC for drivers/compare.py: both ways to prepare, cursors or whole results, three ways to roll back an error. */
#include <sql.h>
#include <sqlext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int routed;
static SQLHENV environment;

static void quote(const char *text) {
  putchar('"');
  for (; *text; ++text) {
    if (*text == '"' || *text == '\\')
      printf("\\%c", *text);
    else if ((unsigned char)*text < ' ')
      printf("\\u%04x", *text);
    else
      putchar(*text);
  }
  putchar('"');
}

static void say_error(SQLSMALLINT type, SQLHANDLE handle) {
  SQLCHAR state[6] = "", message[2000] = "";
  SQLINTEGER native = 0;
  SQLSMALLINT length;
  SQLGetDiagRec(type, handle, 1, state, &native, message, sizeof message, &length);
  printf("[\"error\", \"%s\", ", (char *)state);
  quote((char *)message);
  putchar(']');
}

/* Columns and rows of a statement that was executed, of each of its results. */
static void say_results(SQLHSTMT statement) {
  SQLRETURN more = SQL_SUCCESS;
  putchar('[');
  for (int first = 1; SQL_SUCCEEDED(more); more = SQLMoreResults(statement), first = 0) {
    SQLSMALLINT width = 0;
    SQLLEN count = 0;
    SQLNumResultCols(statement, &width);
    SQLRowCount(statement, &count);
    printf("%s{\"count\": %ld, \"columns\": [", first ? "" : ", ", (long)count);
    for (SQLUSMALLINT i = 1; i <= width; ++i) {
      SQLCHAR name[200];
      SQLSMALLINT length, type, digits, nullable;
      SQLULEN size;
      SQLDescribeCol(statement, i, name, sizeof name, &length, &type, &size, &digits, &nullable);
      printf("%s[", i == 1 ? "" : ", ");
      quote((char *)name);
      printf(", %d, %lu, %d, %d]", type, (unsigned long)size, digits, nullable);
    }
    printf("], \"rows\": [");
    for (int row = 0; width > 0 && SQL_SUCCEEDED(SQLFetch(statement)); ++row) {
      printf("%s[", row ? ", " : "");
      for (SQLUSMALLINT i = 1; i <= width; ++i) {
        static char text[5000];
        SQLLEN length = 0;
        SQLGetData(statement, i, SQL_C_CHAR, text, sizeof text, &length);
        printf("%s", i == 1 ? "" : ", ");
        if (length == SQL_NULL_DATA)
          printf("null");
        else
          quote(text);
      }
      putchar(']');
    }
    printf("]}");
  }
  if (more == SQL_ERROR) {
    printf(", ");
    say_error(SQL_HANDLE_STMT, statement);
  }
  putchar(']');
}

static void say(SQLHSTMT statement, SQLRETURN done) {
  if (SQL_SUCCEEDED(done) || done == SQL_NO_DATA)
    say_results(statement);
  else
    say_error(SQL_HANDLE_STMT, statement);
  SQLFreeStmt(statement, SQL_CLOSE);
}

static SQLHSTMT new_statement(SQLHDBC connection) {
  SQLHSTMT statement;
  SQLAllocHandle(SQL_HANDLE_STMT, connection, &statement);
  return statement;
}

static void run(SQLHDBC connection, const char *sql) {
  SQLHSTMT statement = new_statement(connection);
  say(statement, SQLExecDirect(statement, (SQLCHAR *)sql, SQL_NTS));
  SQLFreeHandle(SQL_HANDLE_STMT, statement);
}

/* A statement on a table of the other cluster, in a transaction of its own; without routing, one like it. */
static void elsewhere(SQLHDBC connection) {
  char who[20] = "";
  SQLLEN length;
  char sql[100];
  SQLHSTMT statement = new_statement(connection);
  SQLEndTran(SQL_HANDLE_DBC, connection, SQL_COMMIT);
  snprintf(sql, sizeof sql, "SELECT current_setting('cluster_name') FROM %s LIMIT 1", routed ? "sales" : "customers");
  if (SQL_SUCCEEDED(SQLExecDirect(statement, (SQLCHAR *)sql, SQL_NTS)) && SQL_SUCCEEDED(SQLFetch(statement)))
    SQLGetData(statement, 1, SQL_C_CHAR, who, sizeof who, &length);
  else
    say_error(SQL_HANDLE_STMT, statement);
  SQLFreeHandle(SQL_HANDLE_STMT, statement);
  SQLEndTran(SQL_HANDLE_DBC, connection, SQL_COMMIT);
  if (strcmp(who, routed ? "analytics" : "oltp") != 0) {
    fprintf(stderr, "ran on '%s'\n", who);
    exit(1);
  }
}

static void statements(SQLHDBC connection) {
  static char text[100000];
  FILE *file = fopen(getenv("STATEMENTS"), "rb");
  size_t size = file ? fread(text, 1, sizeof text - 1, file) : 0;
  putchar('[');
  for (char *group = text; group < text + size;) {
    char *name = group + strlen(group) + 1, *sql = name + strlen(name) + 1;
    printf("%s[", group == text ? "" : ", ");
    quote(name);
    printf(", ");
    run(connection, sql);
    putchar(']');
    SQLEndTran(SQL_HANDLE_DBC, connection, SQL_ROLLBACK);
    elsewhere(connection);
    group = sql + strlen(sql) + 1;
  }
  putchar(']');
  fclose(file);
}

static void parameters(SQLHDBC connection) {
  SQLHSTMT statement = new_statement(connection);
  SQLINTEGER id;
  SQLLEN length = 0, text_length = SQL_NTS;
  SQLPrepare(statement, (SQLCHAR *)"SELECT id, name, CAST(? AS text) FROM customers WHERE id = ?", SQL_NTS);
  SQLBindParameter(statement, 1, SQL_PARAM_INPUT, SQL_C_CHAR, SQL_VARCHAR, 100, 0, (SQLPOINTER) "it's \\", 0, &text_length);
  SQLBindParameter(statement, 2, SQL_PARAM_INPUT, SQL_C_SLONG, SQL_INTEGER, 0, 0, &id, 0, &length);
  putchar('[');
  for (id = 1; id <= 6; ++id) {
    printf("%s", id == 1 ? "" : ", ");
    say(statement, SQLExecute(statement));
    elsewhere(connection);
  }
  putchar(']');
  SQLFreeHandle(SQL_HANDLE_STMT, statement);
}

static void transactions(SQLHDBC connection) {
  const char *const some[] = {"INSERT INTO written (what) VALUES ('kept')", "SELECT 1/0", "INSERT INTO written (what) VALUES ('after')",
      "INSERT INTO written (amount) VALUES (-1)", "SELECT what FROM written ORDER BY what"};
  putchar('[');
  for (int commit = 0; commit < 2; ++commit) {
    for (size_t i = 0; i < sizeof some / sizeof *some; ++i) {
      run(connection, some[i]);
      printf(", ");
    }
    SQLEndTran(SQL_HANDLE_DBC, connection, commit ? SQL_COMMIT : SQL_ROLLBACK);
    elsewhere(connection);
  }
  run(connection, some[4]);
  printf(", ");
  run(connection, "TRUNCATE written RESTART IDENTITY");
  SQLEndTran(SQL_HANDLE_DBC, connection, SQL_COMMIT);
  putchar(']');
}

static void catalogue(SQLHDBC connection) {
  SQLHSTMT s = new_statement(connection);
  SQLCHAR *schema = (SQLCHAR *)"public", *table = (SQLCHAR *)"written", *any = (SQLCHAR *)"%";
  putchar('[');
  say(s, SQLTables(s, NULL, 0, schema, SQL_NTS, any, SQL_NTS, (SQLCHAR *)"TABLE", SQL_NTS));
  printf(", ");
  say(s, SQLColumns(s, NULL, 0, schema, SQL_NTS, (SQLCHAR *)"every_type", SQL_NTS, any, SQL_NTS));
  printf(", ");
  say(s, SQLPrimaryKeys(s, NULL, 0, schema, SQL_NTS, table, SQL_NTS));
  printf(", ");
  say(s, SQLStatistics(s, NULL, 0, schema, SQL_NTS, table, SQL_NTS, SQL_INDEX_ALL, SQL_QUICK));
  printf(", ");
  say(s, SQLForeignKeys(s, NULL, 0, schema, SQL_NTS, table, SQL_NTS, NULL, 0, NULL, 0, NULL, 0));
  printf(", ");
  say(s, SQLSpecialColumns(s, SQL_BEST_ROWID, NULL, 0, schema, SQL_NTS, table, SQL_NTS, SQL_SCOPE_SESSION, SQL_NULLABLE));
  printf(", ");
  say(s, SQLGetTypeInfo(s, SQL_ALL_TYPES));
  printf(", ");
  say(s, SQLProcedures(s, NULL, 0, schema, SQL_NTS, any, SQL_NTS));
  putchar(']');
  SQLFreeHandle(SQL_HANDLE_STMT, s);
}

static void many_rows(SQLHDBC connection) { run(connection, "SELECT id, name FROM customers ORDER BY id"); }

static void scenario(const char *mode, const char *options, const char *name, int autocommit, void (*body)(SQLHDBC)) {
  char url[500];
  SQLHDBC connection;
  snprintf(url, sizeof url, "Driver=PostgreSQL Unicode;Servername=%s;Port=%s;Database=%s;UID=%s;PWD=%s;SSLmode=%s;%s", getenv("PGHOST"),
      getenv("PGPORT"), getenv("PGDATABASE"), getenv("PGUSER"), getenv("PGPASSWORD"), getenv("PGSSLMODE"), options);
  SQLAllocHandle(SQL_HANDLE_DBC, environment, &connection);
  printf("{\"scenario\": \"%s: %s%s\", \"seen\": ", mode, name, autocommit ? "" : ", autocommit off");
  if (SQL_SUCCEEDED(SQLDriverConnect(connection, NULL, (SQLCHAR *)url, SQL_NTS, NULL, 0, NULL, SQL_DRIVER_NOPROMPT))) {
    if (!autocommit) SQLSetConnectAttr(connection, SQL_ATTR_AUTOCOMMIT, (SQLPOINTER)SQL_AUTOCOMMIT_OFF, 0);
    body(connection);
    SQLDisconnect(connection);
  } else {
    say_error(SQL_HANDLE_DBC, connection);
  }
  printf("}\n");
  SQLFreeHandle(SQL_HANDLE_DBC, connection);
}

int main(int count, char **arguments) {
  routed = count > 1 && strcmp(arguments[1], "routed") == 0;
  SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &environment);
  SQLSetEnvAttr(environment, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0);
  for (int mode = 0; mode < 12; ++mode) {
    char options[100], name[100];
    const int prepare = mode & 1, fetch = mode >> 1 & 1, rollback = mode >> 2;
    snprintf(options, sizeof options, "UseServerSidePrepare=%d;UseDeclareFetch=%d;Fetch=100;Protocol=7.4-%d", prepare, fetch, rollback);
    snprintf(name, sizeof name, "%s, %s, rollback of %s", prepare ? "prepared" : "simple", fetch ? "cursors" : "whole results",
        rollback == 0 ? "nothing" : rollback == 1 ? "the transaction" : "the statement");
    for (int autocommit = 0; autocommit < 2; ++autocommit) {
      if (rollback == 2 && autocommit) scenario(name, options, "statements", autocommit, statements);
      scenario(name, options, "parameters", autocommit, parameters);
      scenario(name, options, "transactions", autocommit, transactions);
    }
    if (rollback == 0) scenario(name, options, "the catalogue", 1, catalogue);
    scenario(name, options, "many rows", 0, many_rows);
  }
  SQLFreeHandle(SQL_HANDLE_ENV, environment);
  return 0;
}
