import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Autocommit off, savepoints, what a failed transaction does, modes of transactions. */
final class Transactions {
  private static final String COUNT = "SELECT count(*) FROM written";

  private Transactions() {}

  static void add(Map<String, Program.Body> scenarios) {
    scenarios.put("transaction is rolled back or committed", Transactions::ends);
    scenarios.put("transaction that failed", Transactions::fails);
    scenarios.put("transaction that failed goes back to a savepoint", Transactions::savepoints);
    scenarios.put("nested savepoints", Transactions::nested);
    scenarios.put("constraint deferred to the commit", Transactions::deferred);
    scenarios.put("isolation and read-only", Transactions::modes);
    scenarios.put("plan that a change of the table makes invalid", Transactions::changedTable);
    scenarios.put("BEGIN and COMMIT as statements", Transactions::written);
    scenarios.put("prepared in a transaction that rolls back", Transactions::preparedInside);
    scenarios.put("PREPARE TRANSACTION", Transactions::twoPhase);
  }

  private static Object ends(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.connection.setAutoCommit(false);
    for (boolean commit : new boolean[] {false, true}) {
      s.elsewhere();
      s.run("INSERT INTO written (what) VALUES ('" + commit + "')");
      seen.add(s.transaction());
      seen.add(s.one(COUNT));
      if (commit) {
        s.connection.commit();
      } else {
        s.connection.rollback();
      }
      seen.add(s.transaction());
      seen.add(s.one(COUNT));
      s.connection.rollback();
    }
    return seen;
  }

  private static Object fails(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.connection.setAutoCommit(false);
    s.run("INSERT INTO written (what) VALUES ('lost')");
    seen.add(s.failure("SELECT 1/0"));
    seen.add(s.transaction());
    seen.add(s.failure(COUNT));
    seen.add(s.transaction());
    try {
      s.connection.commit();
    } catch (SQLException problem) {
      seen.add(Look.error(problem));
    }
    seen.add(s.transaction());
    seen.add(s.one(COUNT));
    return seen;
  }

  private static Object savepoints(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.connection.setAutoCommit(false);
    Savepoint first = s.connection.setSavepoint();
    s.run("INSERT INTO written (what) VALUES ('kept')");
    Savepoint named = s.connection.setSavepoint("a \"name\"");
    for (int i = 0; i < 3; i++) {
      seen.add(s.failure("INSERT INTO written (amount) VALUES (-1)"));
      seen.add(s.transaction());
      s.connection.rollback(named);
      seen.add(s.transaction());
    }
    s.connection.releaseSavepoint(named);
    s.connection.commit();
    seen.add(s.query("SELECT what FROM written"));
    seen.add(first.getSavepointId() >= 0);
    return seen;
  }

  private static Object nested(Session s) throws SQLException {
    s.connection.setAutoCommit(false);
    List<Savepoint> points = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      points.add(s.connection.setSavepoint("level " + i));
      s.query("INSERT INTO written (what, amount) VALUES (?, ?) RETURNING id", "row " + i, i);
    }
    s.connection.rollback(points.get(3));
    s.connection.releaseSavepoint(points.get(1));
    Object failed = s.failure("ROLLBACK TO \"level 2\"");
    s.connection.rollback(points.get(0));
    return List.of(failed, s.query("SELECT what FROM written ORDER BY amount"));
  }

  private static Object deferred(Session s) throws SQLException {
    s.connection.setAutoCommit(false);
    s.run("SET CONSTRAINTS ALL DEFERRED");
    s.run("INSERT INTO written (what) VALUES ('a'), ('a')");
    Object failed = null;
    try {
      s.connection.commit();
    } catch (SQLException problem) {
      failed = Look.error(problem);
    }
    return List.of(failed, s.transaction(), s.one(COUNT));
  }

  private static Object modes(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    for (int isolation : new int[] {Connection.TRANSACTION_REPEATABLE_READ, Connection.TRANSACTION_SERIALIZABLE,
        Connection.TRANSACTION_READ_COMMITTED}) {
      for (boolean readOnly : new boolean[] {true, false}) {
        s.connection.setTransactionIsolation(isolation);
        s.connection.setReadOnly(readOnly);
        s.connection.setAutoCommit(false);
        seen.add(s.one("SHOW transaction_isolation") + " " + s.one("SHOW transaction_read_only"));
        seen.add(s.failure("INSERT INTO written (amount) VALUES (1)"));
        s.connection.rollback();
        s.elsewhere();
        s.connection.setAutoCommit(true);
        seen.add(s.failure("INSERT INTO written (amount) VALUES (2)"));
      }
    }
    return seen;
  }

  private static Object changedTable(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.run("CREATE TABLE changing (a int, b text)");
    s.run("INSERT INTO changing VALUES (1, 'one')");
    try (PreparedStatement statement = s.connection.prepareStatement("SELECT * FROM changing")) {
      for (int i = 0; i < 8; i++) {
        if (i == 6) {
          s.run("ALTER TABLE changing ADD c int DEFAULT 3");
        }
        try {
          seen.add(Look.rows(statement.executeQuery()));
        } catch (SQLException problem) {
          seen.add(Look.error(problem));
        }
      }
    } finally {
      s.run("DROP TABLE changing");
    }
    return seen;
  }

  private static Object written(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    for (String sql : List.of("BEGIN", "SELECT 1", "SAVEPOINT a", "SELECT 1/0", "SELECT 2", "ROLLBACK TO a", "SELECT 3", "COMMIT AND CHAIN", "ROLLBACK",
        "START TRANSACTION READ ONLY, ISOLATION LEVEL SERIALIZABLE", "SHOW transaction_isolation", "END", "BEGIN", "BEGIN", "ABORT",
        "BEGIN; INSERT INTO written (what) VALUES ('one string'); COMMIT; BEGIN", COUNT, "ROLLBACK")) {
      seen.add(s.failure(sql));
      seen.add(s.transaction());
    }
    return seen;
  }

  private static Object preparedInside(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.connection.setAutoCommit(false);
    try (PreparedStatement statement = s.prepare("SELECT name FROM customers WHERE id = ?", 1)) {
      for (int i = 1; i <= 8; i++) {
        statement.setInt(1, i);
        seen.add(Look.rows(statement.executeQuery()));
        if (i % 2 == 0) {
          s.connection.rollback();
          s.elsewhere();
        }
      }
    }
    return seen;
  }

  private static Object twoPhase(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.connection.setAutoCommit(false);
    s.run("INSERT INTO written (what) VALUES ('two phases')");
    seen.add(s.failure("PREPARE TRANSACTION 'jdbc'"));
    seen.add(s.transaction());
    s.connection.rollback();
    s.connection.setAutoCommit(true);
    seen.add(s.failure("ROLLBACK PREPARED 'jdbc'"));
    return seen;
  }
}
