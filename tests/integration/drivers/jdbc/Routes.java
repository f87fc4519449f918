import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** Through pgswitch only: `sales` and `events` are tables of the cluster analytics, all else is on oltp. */
final class Routes {
  private static final String WHO = "SELECT current_setting('cluster_name') FROM ";

  private Routes() {}

  static void add(Map<String, Program.Body> scenarios) {
    scenarios.put("statements run where the rules say", Routes::statements);
    scenarios.put("transactions run where their first statement says", Routes::transactions);
    scenarios.put("prepared statements live on both", Routes::prepared);
    scenarios.put("batch over two routes", Routes::batch);
    scenarios.put("string of statements over two routes", Routes::string);
    scenarios.put("rows are fetched there while a temporary table waits here", Routes::pinned);
    scenarios.put("settings follow to both", Routes::settings);
    scenarios.put("errors of the other cluster", Routes::errors);
  }

  private static Object same(Object seen, Object wanted) {
    return seen.equals(wanted) ? true : List.of("wanted", wanted, "saw", seen);
  }

  private static Object statements(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    for (int round = 0; round < 10; round++) {
      for (String table : List.of("customers", "sales", "events")) {
        seen.add(s.one(WHO + table + " WHERE id = ?", 1));
      }
    }
    return same(seen, repeated(10, "oltp", "analytics", "analytics"));
  }

  private static List<Object> repeated(int times, String... some) {
    List<Object> all = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      Collections.addAll(all, (Object[]) some);
    }
    return all;
  }

  private static Object transactions(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.connection.setAutoCommit(false);
    for (int round = 0; round < 10; round++) {
      seen.add(s.one(WHO + "sales LIMIT 1"));
      seen.add(s.one("SELECT current_setting('cluster_name')"));
      s.connection.commit();
      seen.add(s.one(WHO + "customers LIMIT 1"));
      s.connection.rollback();
    }
    return same(seen, repeated(10, "analytics", "analytics", "oltp"));
  }

  private static Object prepared(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    try (PreparedStatement here = s.connection.prepareStatement(WHO + "customers WHERE id = ?");
        PreparedStatement there = s.connection.prepareStatement(WHO + "sales WHERE id = ?")) {
      for (int i = 1; i <= 20; i++) {
        for (PreparedStatement statement : List.of(here, there)) {
          statement.setInt(1, i);
          try (ResultSet rows = statement.executeQuery()) {
            rows.next();
            seen.add(rows.getString(1));
          }
        }
      }
    }
    return same(seen, repeated(20, "oltp", "analytics"));
  }

  /** A batch that writes is of one route; what is asked behind it, in the same statement object, is of another. */
  private static Object batch(Session s) throws SQLException {
    try (Statement statement = s.connection.createStatement()) {
      statement.addBatch("SET work_mem = '6MB'");
      statement.addBatch("UPDATE written SET amount = 1");
      statement.addBatch("RESET work_mem");
      int[] counts = statement.executeBatch();
      return same(List.of(counts.length, s.one(WHO + "events LIMIT 1")), List.of(3, "analytics"));
    }
  }

  private static Object string(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    try (Statement statement = s.connection.createStatement()) {
      boolean more = statement.execute(WHO + "sales LIMIT 1; " + WHO + "customers LIMIT 1; " + WHO + "events LIMIT 1");
      while (more) {
        try (ResultSet rows = statement.getResultSet()) {
          rows.next();
          seen.add(rows.getString(1));
        }
        more = statement.getMoreResults();
      }
    }
    return same(seen, List.of("analytics", "oltp", "analytics"));
  }

  private static Object pinned(Session s) throws SQLException {
    s.run("CREATE TEMP TABLE waits (a int)");
    s.connection.setAutoCommit(false);
    int sum = 0;
    try (PreparedStatement statement = s.connection.prepareStatement("SELECT id FROM sales")) {
      statement.setFetchSize(1000);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          sum += rows.getInt(1);
        }
      }
    }
    s.connection.commit();
    s.run("INSERT INTO waits VALUES (" + sum + ")");
    s.connection.commit();
    String kept = s.one("SELECT a FROM waits");
    s.run("DROP TABLE waits");
    s.connection.commit();
    return same(kept, "50005000");
  }

  private static Object settings(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.run("SET IntervalStyle = 'iso_8601'");
    for (String table : List.of("sales", "customers", "events")) {
      seen.add(s.one("SELECT current_setting('IntervalStyle') FROM " + table + " LIMIT 1"));
    }
    s.run("RESET IntervalStyle");
    seen.add(s.one("SELECT current_setting('IntervalStyle') FROM sales LIMIT 1"));
    return same(seen, List.of("iso_8601", "iso_8601", "iso_8601", "postgres"));
  }

  private static Object errors(Session s) throws SQLException {
    String failed = Json.of(s.failure("SELECT 1/(id - 1), no_such_column FROM sales"));
    return failed.contains("\"42703\"") && failed.contains("\"position\": 20") ? true : failed;
  }
}
