import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

/** The PostgreSQL JDBC driver through the proxy: prints "ok PROMISE" or "FAILED PROMISE: what was seen" for each check. */
public final class Check {
  private interface Body {
    void run(Connection connection) throws Exception;
  }

  private static final String WHO = "current_setting('cluster_name')";
  private static String url;

  /** args: JDBC URL with user and password; "routed" adds the checks of routing. */
  public static void main(String[] args) {
    url = args[0];
    check("a query with autocommit off is a transaction until rollback", Check::rollback);
    check("a committed transaction stays", Check::commit);
    check("a prepared statement outlives the prepare threshold", Check::prepareThreshold);
    check("a fetch size reads in steps", Check::fetchSize);
    check("a batch of inserts counts each row", Check::batch);
    check("a failing batch tells which row", Check::failingBatch);
    check("an error has its SQLSTATE and the connection goes on", Check::error);
    check("a savepoint is rolled back alone", Check::savepoint);
    check("several statements in one string give several results", Check::multipleResults);
    check("generated keys come back", Check::generatedKeys);
    check("copy works both ways", Check::copy);
    check("cancel ends the query", Check::cancel);
    check("a query timeout ends the query", Check::queryTimeout);
    check("metadata lists columns", Check::metadata);
    check("isolation and read-only are the connection's own", Check::modes);
    if (args.length > 1 && args[1].equals("routed")) {
      check("statements run where the rules said, autocommit on", Check::routed);
      check("transactions run where the rules said, autocommit off", Check::routedTransactions);
    }
  }

  private static void check(String promise, Body body) {
    try (Connection connection = DriverManager.getConnection(url)) {
      body.run(connection);
      System.out.println("ok " + promise);
    } catch (Exception | AssertionError problem) {
      System.out.println("FAILED " + promise + ": " + problem);
    }
  }

  private static void equal(Object wanted, Object seen) {
    if (!wanted.equals(seen)) {
      throw new AssertionError("wanted " + wanted + ", saw " + seen);
    }
  }

  private static String one(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getString(1);
    }
  }

  private static void run(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static void rollback(Connection c) throws SQLException {
    c.setAutoCommit(false);
    run(c, "INSERT INTO written (what) VALUES ('jdbc rollback')");
    equal("1", one(c, "SELECT count(*) FROM written WHERE what = 'jdbc rollback'"));
    c.rollback();
    equal("0", one(c, "SELECT count(*) FROM written WHERE what = 'jdbc rollback'"));
    c.rollback();
  }

  private static void commit(Connection c) throws SQLException {
    c.setAutoCommit(false);
    run(c, "INSERT INTO written (what) VALUES ('jdbc commit')");
    c.commit();
    equal("1", one(c, "SELECT count(*) FROM written WHERE what = 'jdbc commit'"));
    c.rollback();
  }

  private static void prepareThreshold(Connection c) throws SQLException {
    try (PreparedStatement statement = c.prepareStatement("SELECT name FROM customers WHERE id = ?")) {
      for (int i = 1; i <= 50; i++) {
        statement.setInt(1, i);
        try (ResultSet rows = statement.executeQuery()) {
          rows.next();
          equal("customer " + i, rows.getString(1));
        }
      }
    }
  }

  private static void fetchSize(Connection c) throws SQLException {
    c.setAutoCommit(false);
    try (PreparedStatement statement = c.prepareStatement("SELECT i FROM generate_series(1, 5000) AS i")) {
      statement.setFetchSize(37);
      int expected = 0;
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          equal(++expected, rows.getInt(1));
        }
      }
      equal(5000, expected);
    }
    c.commit();
  }

  private static void batch(Connection c) throws SQLException {
    c.setAutoCommit(false);
    try (PreparedStatement statement = c.prepareStatement("INSERT INTO written (what, amount) VALUES (?, ?)")) {
      for (int i = 0; i < 1000; i++) {
        statement.setString(1, "batch " + i);
        statement.setInt(2, i);
        statement.addBatch();
      }
      int[] counts = statement.executeBatch();
      equal(1000, counts.length);
      equal(1, counts[999]);
    }
    equal("499500", one(c, "SELECT sum(amount) FROM written WHERE what LIKE 'batch %'"));
    c.rollback();
  }

  private static void failingBatch(Connection c) throws SQLException {
    try (PreparedStatement statement = c.prepareStatement("INSERT INTO written (amount) VALUES (?)")) {
      for (int i = 3; i >= -1; i--) {
        statement.setInt(1, i);
        statement.addBatch();
      }
      statement.executeBatch();
      throw new AssertionError("the batch succeeded");
    } catch (BatchUpdateException problem) {
      equal("23514", problem.getSQLState());
    }
  }

  private static void error(Connection c) throws SQLException {
    try {
      one(c, "SELECT 1/0");
      throw new AssertionError("no error");
    } catch (SQLException problem) {
      equal("22012", problem.getSQLState());
    }
    equal("1", one(c, "SELECT 1"));
  }

  private static void savepoint(Connection c) throws SQLException {
    c.setAutoCommit(false);
    run(c, "INSERT INTO written (what) VALUES ('jdbc kept')");
    Savepoint savepoint = c.setSavepoint();
    try {
      run(c, "INSERT INTO written (amount) VALUES (-1)");
      throw new AssertionError("no error");
    } catch (SQLException problem) {
      c.rollback(savepoint);
    }
    equal("1", one(c, "SELECT count(*) FROM written WHERE what = 'jdbc kept'"));
    c.rollback();
  }

  private static void multipleResults(Connection c) throws SQLException {
    List<String> seen = new ArrayList<>();
    try (Statement statement = c.createStatement()) {
      boolean more = statement.execute("SELECT 1; SELECT 2; SELECT 3");
      while (more) {
        try (ResultSet rows = statement.getResultSet()) {
          rows.next();
          seen.add(rows.getString(1));
        }
        more = statement.getMoreResults();
      }
    }
    equal(List.of("1", "2", "3"), seen);
  }

  private static void generatedKeys(Connection c) throws SQLException {
    c.setAutoCommit(false);
    try (PreparedStatement statement = c.prepareStatement("INSERT INTO written (what) VALUES ('key')", Statement.RETURN_GENERATED_KEYS)) {
      statement.executeUpdate();
      try (ResultSet keys = statement.getGeneratedKeys()) {
        equal(true, keys.next());
      }
    }
    c.rollback();
  }

  private static void copy(Connection c) throws Exception {
    c.setAutoCommit(false);
    CopyManager manager = c.unwrap(PGConnection.class).getCopyAPI();
    equal(3L, manager.copyIn("COPY written (amount) FROM STDIN", new java.io.StringReader("1\n2\n3\n")));
    java.io.StringWriter out = new java.io.StringWriter();
    manager.copyOut("COPY (SELECT sum(amount) FROM written) TO STDOUT", out);
    equal("6\n", out.toString());
    c.rollback();
  }

  private static void cancel(Connection c) throws Exception {
    try (Statement statement = c.createStatement()) {
      Thread thread = new Thread(() -> {
        try (Connection watcher = DriverManager.getConnection(url)) {
          while (!one(watcher, "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(61)' AND state = 'active'").equals("1")) {
            Thread.onSpinWait();
          }
          statement.cancel();
        } catch (SQLException problem) {
          throw new IllegalStateException(problem);
        }
      });
      thread.start();
      try {
        statement.execute("SELECT pg_sleep(61)");
        throw new AssertionError("was not cancelled");
      } catch (SQLException problem) {
        equal("57014", problem.getSQLState());
      }
      thread.join();
    }
    equal("1", one(c, "SELECT 1"));
  }

  private static void queryTimeout(Connection c) throws SQLException {
    try (Statement statement = c.createStatement()) {
      statement.setQueryTimeout(1);
      statement.execute("SELECT pg_sleep(60)");
      throw new AssertionError("was not cancelled");
    } catch (SQLException problem) {
      equal("57014", problem.getSQLState());
    }
    equal("1", one(c, "SELECT 1"));
  }

  private static void metadata(Connection c) throws SQLException {
    List<String> columns = new ArrayList<>();
    try (ResultSet rows = c.getMetaData().getColumns(null, "public", "customers", null)) {
      while (rows.next()) {
        columns.add(rows.getString("COLUMN_NAME"));
      }
    }
    equal(List.of("id", "name", "since"), columns);
  }

  private static void modes(Connection c) throws SQLException {
    c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
    c.setReadOnly(true);
    c.setAutoCommit(false);
    equal("serializable", one(c, "SHOW transaction_isolation"));
    equal("on", one(c, "SHOW transaction_read_only"));
    c.rollback();
  }

  private static void routed(Connection c) throws SQLException {
    List<String> seen = new ArrayList<>();
    for (int round = 0; round < 10; round++) {
      for (String table : new String[] {"customers", "sales", "events"}) {
        seen.add(one(c, "SELECT " + WHO + " FROM " + table + " LIMIT 1"));
      }
      equal(List.of("oltp", "analytics", "analytics"), seen);
      seen.clear();
    }
  }

  private static void routedTransactions(Connection c) throws SQLException {
    c.setAutoCommit(false);
    for (int round = 0; round < 10; round++) {
      equal("analytics", one(c, "SELECT " + WHO + " FROM sales LIMIT 1"));
      equal("analytics", one(c, "SELECT " + WHO));
      c.commit();
      equal("oltp", one(c, "SELECT " + WHO + " FROM customers LIMIT 1"));
      c.commit();
    }
  }
}
