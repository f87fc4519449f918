import java.sql.BatchUpdateException;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.postgresql.PGResultSetMetaData;
import org.postgresql.util.PSQLException;
import org.postgresql.util.PSQLWarning;
import org.postgresql.util.ServerErrorMessage;

/** Everything that can be seen of results, errors and warnings, as values for Json. */
final class Look {
  private Look() {}

  /** All results of a statement that was executed, and its warnings. `more`: what execute() returned. */
  static Map<String, Object> results(Statement statement, boolean more) throws SQLException {
    List<Object> results = new ArrayList<>();
    while (more || statement.getUpdateCount() != -1) {
      if (more) {
        try (ResultSet rows = statement.getResultSet()) {
          results.add(table(rows));
        }
      } else {
        results.add(statement.getUpdateCount());
      }
      more = statement.getMoreResults();
    }
    return map("results", results, "warnings", warnings(statement.getWarnings()));
  }

  static Map<String, Object> table(ResultSet rows) throws SQLException {
    return map("columns", columns(rows.getMetaData()), "rows", rows(rows));
  }

  static List<Object> rows(ResultSet rows) throws SQLException {
    List<Object> all = new ArrayList<>();
    int width = rows.getMetaData().getColumnCount();
    while (rows.next()) {
      List<String> row = new ArrayList<>();
      for (int i = 1; i <= width; i++) {
        row.add(rows.getMetaData().getColumnType(i) == Types.BINARY ? Arrays.toString(rows.getBytes(i)) : rows.getString(i));
      }
      all.add(row);
    }
    return all;
  }

  static List<Object> columns(ResultSetMetaData about) throws SQLException {
    PGResultSetMetaData base = about.unwrap(PGResultSetMetaData.class);
    List<Object> columns = new ArrayList<>();
    for (int i = 1; i <= about.getColumnCount(); i++) {
      columns.add(Arrays.asList(about.getColumnLabel(i), base.getBaseColumnName(i), about.getColumnTypeName(i), about.getColumnType(i),
          about.getColumnClassName(i), about.getPrecision(i), about.getScale(i), about.getColumnDisplaySize(i), about.isNullable(i),
          about.isAutoIncrement(i), about.isSigned(i), base.getBaseSchemaName(i), base.getBaseTableName(i), base.getFormat(i)));
    }
    return columns;
  }

  static List<Object> warnings(SQLWarning warning) {
    List<Object> all = new ArrayList<>();
    for (; warning != null; warning = warning.getNextWarning()) {
      all.add(warning instanceof PSQLWarning of ? fields(of.getServerErrorMessage()) : warning.toString());
    }
    return all;
  }

  static Map<String, Object> error(Throwable problem) {
    Map<String, Object> seen = map("class", problem.getClass().getSimpleName());
    if (problem instanceof BatchUpdateException batch) {
      seen.put("counts", Arrays.toString(batch.getUpdateCounts()));
    }
    if (problem instanceof PSQLException said && said.getServerErrorMessage() != null) {
      seen.put("fields", fields(said.getServerErrorMessage()));
    } else {
      seen.put("message", problem.getMessage());
    }
    if (problem instanceof SQLException sql) {
      seen.put("sqlstate", sql.getSQLState());
      if (sql.getNextException() != null) {
        seen.put("next", error(sql.getNextException()));
      }
    }
    return seen;
  }

  /** The same without the place in the server's source: a proxy has no auth.c to refuse a login in. */
  static Map<String, Object> loginError(SQLException problem) {
    Map<String, Object> seen = error(problem);
    if (seen.get("fields") instanceof Map<?, ?> fields) {
      fields.keySet().removeAll(List.of("file", "line", "routine"));
    }
    return seen;
  }

  private static Map<String, Object> fields(ServerErrorMessage e) {
    return map("severity", e.getSeverity(), "sqlstate", e.getSQLState(), "message", e.getMessage(), "detail", e.getDetail(), "hint", e.getHint(),
        "position", e.getPosition(), "internal position", e.getInternalPosition(), "internal query", e.getInternalQuery(),
        "where", e.getWhere(), "schema", e.getSchema(), "table", e.getTable(), "column", e.getColumn(), "type", e.getDatatype(),
        "constraint", e.getConstraint(), "file", e.getFile(), "line", e.getLine(), "routine", e.getRoutine());
  }

  /** map("a", 1, "b", 2) */
  static Map<String, Object> map(Object... pairs) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      map.put((String) pairs[i], pairs[i + 1]);
    }
    return map;
  }
}
