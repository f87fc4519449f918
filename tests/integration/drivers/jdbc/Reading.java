import java.math.BigDecimal;
import java.sql.Array;
import java.sql.CallableStatement;
import java.sql.Date;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Values, parameters, and ways to read rows. */
final class Reading {
  private Reading() {}

  static void add(Map<String, Program.Body> scenarios) {
    scenarios.put("objects of every type", Reading::everyType);
    scenarios.put("parameters of every type", Reading::parameters);
    scenarios.put("parameters that change their type", Reading::changingParameters);
    scenarios.put("five thousand parameters", Reading::manyParameters);
    scenarios.put("metadata before execution", Reading::described);
    scenarios.put("prepared statements beyond the threshold", Reading::threshold);
    scenarios.put("fetch size", Reading::fetchSize);
    scenarios.put("fetch size, left early", Reading::leftEarly);
    scenarios.put("fetch size after the commit", Reading::afterCommit);
    scenarios.put("most rows", Reading::maxRows);
    scenarios.put("scrolling and updating", Reading::updatable);
    scenarios.put("generated keys", Reading::keys);
    scenarios.put("cursor in SQL", Reading::cursor);
    scenarios.put("functions and procedures", Reading::calls);
  }

  private static Object everyType(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    try (PreparedStatement statement = s.connection.prepareStatement("SELECT * FROM every_type ORDER BY i4")) {
      for (int round = 0; round < 6; round++) {
        try (ResultSet rows = statement.executeQuery()) {
          while (rows.next()) {
            for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
              Object value = rows.getObject(i);
              seen.add(value == null ? null : value.getClass().getSimpleName() + " " + shown(value));
            }
          }
        }
      }
    }
    return seen;
  }

  private static Object shown(Object value) throws SQLException {
    if (value instanceof byte[] bytes) {
      return Arrays.toString(bytes);
    }
    return value instanceof Array array ? Arrays.deepToString((Object[]) array.getArray()) : value;
  }

  private static Object parameters(Session s) throws SQLException {
    Object[] values = {true, (short) 7, 42, 1L << 40, 1.5f, 0.1, new BigDecimal("12345678901234567890.0123456789"), "día ☃ 'q' \\",
        Date.valueOf("2024-02-29"), LocalDate.of(2024, 2, 29), OffsetDateTime.parse("2024-02-29T12:00:00.123456+02:00"),
        UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), s.connection.createArrayOf("int4", new Integer[] {1, null, 3}),
        s.connection.createArrayOf("text", new String[] {"a", "b \"c\"", null}), new byte[] {0, -1, 10}};
    List<Object> seen = new ArrayList<>();
    for (Object value : values) {
      try {
        seen.add(s.query("SELECT ?, pg_typeof(?)", value, value));
      } catch (SQLException problem) {
        seen.add(Look.error(problem));
      }
    }
    return seen;
  }

  private static Object changingParameters(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    try (PreparedStatement statement = s.connection.prepareStatement("SELECT pg_typeof(?), ?::text")) {
      for (int round = 0; round < 3; round++) {
        for (Object value : new Object[] {1, 2, "three", 4L, new BigDecimal("5.5"), true}) {
          statement.setObject(1, value);
          statement.setObject(2, value);
          seen.add(Look.rows(statement.executeQuery()));
        }
        statement.setNull(1, Types.DATE);
        statement.setNull(2, Types.INTEGER);
        seen.add(Look.rows(statement.executeQuery()));
      }
    }
    return seen;
  }

  private static Object manyParameters(Session s) throws SQLException {
    String sql = "SELECT count(*) FROM customers WHERE id IN (" + String.join(", ", Collections.nCopies(5000, "?")) + ")";
    Integer[] values = new Integer[5000];
    Arrays.setAll(values, i -> i + 501);
    return s.query(sql, (Object[]) values);
  }

  private static Object described(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    for (String sql : List.of("SELECT id, name FROM customers WHERE id = ? AND since > ?", "INSERT INTO written (what, amount) VALUES (?, ?)",
        "SELECT ? + no_such_column")) {
      try (PreparedStatement statement = s.connection.prepareStatement(sql)) {
        seen.add(statement.getMetaData() == null ? null : Look.columns(statement.getMetaData()));
        for (int i = 1; i <= statement.getParameterMetaData().getParameterCount(); i++) {
          seen.add(statement.getParameterMetaData().getParameterTypeName(i));
        }
      } catch (SQLException problem) {
        seen.add(Look.error(problem));
      }
    }
    return seen;
  }

  private static Object threshold(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    for (int round = 0; round < 3; round++) {
      try (PreparedStatement one = s.connection.prepareStatement("SELECT name FROM customers WHERE id = ?");
          PreparedStatement other = s.connection.prepareStatement("SELECT id, since FROM customers WHERE name = ?")) {
        for (int i = 1; i <= 12; i++) {
          one.setInt(1, i);
          other.setString(1, "customer " + i);
          seen.add(Look.rows(one.executeQuery()));
          seen.add(Look.rows(other.executeQuery()));
          s.elsewhere();
        }
      }
    }
    return seen;
  }

  private static Object fetchSize(Session s) throws SQLException {
    s.connection.setAutoCommit(false);
    List<Object> seen = new ArrayList<>();
    try (PreparedStatement outer = s.connection.prepareStatement("SELECT i FROM generate_series(1, 500) AS i");
        PreparedStatement inner = s.connection.prepareStatement("SELECT id, name FROM customers WHERE id > ? ORDER BY id")) {
      outer.setFetchSize(37);
      inner.setFetchSize(1);
      int sum = 0;
      try (ResultSet rows = outer.executeQuery()) {
        while (rows.next()) {
          sum += rows.getInt(1);
          if (rows.getInt(1) % 100 == 0) {
            inner.setInt(1, rows.getInt(1));
            ResultSet others = inner.executeQuery();
            others.next();
            others.next();
            seen.add(others.getString("name"));
          }
        }
      }
      seen.add(sum);
    }
    s.connection.commit();
    return seen;
  }

  private static Object leftEarly(Session s) throws SQLException {
    s.connection.setAutoCommit(false);
    List<Object> seen = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      try (Statement statement = s.connection.createStatement()) {
        statement.setFetchSize(10);
        ResultSet rows = statement.executeQuery("SELECT i FROM generate_series(1, 10000) AS i");
        for (int n = 0; n < 25; n++) {
          rows.next();
        }
        seen.add(rows.getInt(1));
      }
      seen.add(s.transaction());
      s.connection.commit();
    }
    return seen;
  }

  private static Object afterCommit(Session s) throws SQLException {
    s.connection.setAutoCommit(false);
    List<Object> seen = new ArrayList<>();
    try (Statement statement = s.connection.createStatement()) {
      statement.setFetchSize(10);
      ResultSet rows = statement.executeQuery("SELECT i FROM generate_series(1, 100) AS i");
      rows.next();
      s.connection.commit();
      s.elsewhere();
      try {
        while (rows.next()) {
          seen.add(rows.getInt(1));
        }
      } catch (SQLException problem) {
        String message = problem.getMessage().replaceAll("\"C_\\d+\"", "\"C_N\"");
        seen.add(List.of(problem.getSQLState(), message));
      }
    }
    seen.add(s.transaction());
    return seen;
  }

  private static Object maxRows(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    try (Statement statement = s.connection.createStatement()) {
      statement.setMaxRows(3);
      statement.setFetchSize(2);
      seen.add(Look.results(statement, statement.execute("SELECT i FROM generate_series(1, 100) AS i")));
      seen.add(Look.results(statement, statement.execute("INSERT INTO written (amount) SELECT i FROM generate_series(1, 9) AS i RETURNING amount")));
    }
    return seen;
  }

  private static Object updatable(Session s) throws SQLException {
    s.run("INSERT INTO written (what, amount) SELECT 'row ' || i, i FROM generate_series(1, 10) AS i");
    try (Statement statement = s.connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE);
        ResultSet rows = statement.executeQuery("SELECT id, what, amount FROM written ORDER BY id")) {
      rows.absolute(5);
      rows.updateInt("amount", 500);
      rows.updateRow();
      rows.last();
      rows.deleteRow();
      rows.moveToInsertRow();
      rows.updateString("what", "inserted");
      rows.insertRow();
      rows.beforeFirst();
      rows.relative(3);
      rows.refreshRow();
    }
    return s.query("SELECT * FROM written ORDER BY id");
  }

  private static Object keys(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      try (PreparedStatement statement = s.connection.prepareStatement("INSERT INTO written (amount) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
        statement.setInt(1, i);
        seen.add(statement.executeUpdate());
        seen.add(Look.table(statement.getGeneratedKeys()));
      }
    }
    return seen;
  }

  private static Object cursor(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.connection.setAutoCommit(false);
    s.run("DECLARE c SCROLL CURSOR FOR SELECT id, name FROM customers ORDER BY id");
    seen.add(s.query("FETCH 3 FROM c"));
    seen.add(s.query("FETCH BACKWARD 2 FROM c"));
    s.run("MOVE LAST IN c");
    seen.add(s.query("FETCH PRIOR FROM c"));
    s.run("CLOSE c");
    seen.add(s.failure("FETCH 1 FROM c"));
    s.connection.rollback();
    s.connection.setAutoCommit(true);
    s.run("DECLARE held CURSOR WITH HOLD FOR SELECT id FROM customers ORDER BY id");
    for (int i = 0; i < 3; i++) {
      seen.add(s.query("FETCH 2 FROM held"));
      s.elsewhere();
    }
    s.run("CLOSE held");
    return seen;
  }

  private static Object calls(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.run("CREATE OR REPLACE FUNCTION cursor_of(wanted int) RETURNS refcursor LANGUAGE plpgsql AS $$"
        + " DECLARE c refcursor := 'of_a_function'; BEGIN OPEN c FOR SELECT name FROM customers WHERE id <= wanted ORDER BY id; RETURN c; END $$");
    s.run("CREATE OR REPLACE PROCEDURE twice(INOUT n int) LANGUAGE plpgsql AS $$ BEGIN n := n * 2; RAISE NOTICE 'twice'; END $$");
    try (CallableStatement call = s.connection.prepareCall("{? = call upper(?)}")) {
      call.registerOutParameter(1, Types.VARCHAR);
      call.setString(2, "shouted");
      call.execute();
      seen.add(call.getString(1));
    }
    try (CallableStatement call = s.connection.prepareCall("CALL twice(?)")) {
      call.setInt(1, 21);
      call.registerOutParameter(1, Types.INTEGER);
      call.execute();
      seen.add(call.getInt(1));
      seen.add(Look.warnings(call.getWarnings()));
    } catch (SQLException problem) {
      seen.add(Look.error(problem));
    }
    s.connection.setAutoCommit(false);
    try (CallableStatement call = s.connection.prepareCall("{? = call cursor_of(?)}")) {
      call.registerOutParameter(1, Types.REF_CURSOR);
      call.setInt(2, 3);
      call.execute();
      seen.add(Look.rows((ResultSet) call.getObject(1)));
    }
    s.connection.rollback();
    s.connection.setAutoCommit(true);
    s.run("DROP FUNCTION cursor_of; DROP PROCEDURE twice");
    return seen;
  }
}
