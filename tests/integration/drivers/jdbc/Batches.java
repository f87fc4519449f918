import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Batches of statements and of parameters, rewritten to INSERTs of many rows where the mode says so. */
final class Batches {
  private static final String INSERT = "INSERT INTO written (what, amount) VALUES (?, ?)";
  private static final String LEFT = "SELECT count(*), sum(amount), min(what), max(what) FROM written";

  private Batches() {}

  static void add(Map<String, Program.Body> scenarios) {
    scenarios.put("batch of 1,500 inserts", s -> inserts(s, 1500, "x", true));
    scenarios.put("batch of 1,500 inserts without a transaction", s -> inserts(s, 1500, "x", false));
    scenarios.put("batch of long rows", s -> inserts(s, 40, "long ".repeat(3000), true));
    scenarios.put("batch with generated keys", Batches::keys);
    scenarios.put("batch that fails in a transaction", s -> failing(s, true));
    scenarios.put("batch that fails without a transaction", s -> failing(s, false));
    scenarios.put("batch of different statements", Batches::different);
    scenarios.put("batch of different statements that fails", Batches::differentFailing);
    scenarios.put("batch of updates again and again", Batches::updates);
    scenarios.put("batch whose parameter types change", Batches::changingTypes);
    scenarios.put("batch of selects", Batches::selects);
  }

  private static void addRow(PreparedStatement statement, String what, int amount) throws SQLException {
    statement.setString(1, what);
    statement.setInt(2, amount);
    statement.addBatch();
  }

  private static Object inserts(Session s, int count, String text, boolean transaction) throws SQLException {
    s.connection.setAutoCommit(!transaction);
    try (PreparedStatement statement = s.connection.prepareStatement(INSERT)) {
      for (int i = 0; i < count; i++) {
        addRow(statement, text + i, i);
      }
      return List.of(Arrays.toString(statement.executeBatch()), s.query(LEFT), s.transaction());
    }
  }

  private static Object keys(Session s) throws SQLException {
    s.connection.setAutoCommit(false);
    List<Object> seen = new ArrayList<>();
    try (PreparedStatement statement = s.connection.prepareStatement(INSERT, new String[] {"id", "what"})) {
      for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++) {
          addRow(statement, round + "." + i, i);
        }
        seen.add(Arrays.toString(statement.executeBatch()));
        seen.add(Look.rows(statement.getGeneratedKeys()));
      }
    }
    return seen;
  }

  private static Object failing(Session s, boolean transaction) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.connection.setAutoCommit(!transaction);
    try (PreparedStatement statement = s.connection.prepareStatement(INSERT)) {
      for (int i = 0; i < 300; i++) {
        addRow(statement, "x" + i, i == 200 ? -1 : i);
      }
      seen.add(Arrays.toString(statement.executeBatch()));
    } catch (SQLException problem) {
      seen.add(Look.error(problem));
    }
    seen.add(s.transaction());
    seen.add(s.failure("SELECT 1"));
    if (transaction) {
      s.connection.rollback();
    }
    seen.add(s.query(LEFT));
    return seen;
  }

  private static Object different(Session s) throws SQLException {
    try (Statement statement = s.connection.createStatement()) {
      statement.addBatch("INSERT INTO written (what) VALUES ('a'), ('b')");
      statement.addBatch("SET LOCAL work_mem = '2MB'");
      statement.addBatch("UPDATE written SET amount = 3");
      statement.addBatch("DELETE FROM written WHERE what = 'a'; DELETE FROM written WHERE what = 'c'");
      statement.addBatch("CREATE TEMP TABLE for_a_batch (a int)");
      statement.addBatch("INSERT INTO for_a_batch VALUES (1)");
      statement.addBatch("DROP TABLE for_a_batch");
      return List.of(Arrays.toString(statement.executeBatch()), Look.warnings(statement.getWarnings()), s.query(LEFT));
    }
  }

  private static Object differentFailing(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    try (Statement statement = s.connection.createStatement()) {
      statement.addBatch("INSERT INTO written (what) VALUES ('a')");
      statement.addBatch("INSERT INTO written (what) VALUES ('b')");
      statement.addBatch("SELECT 1/0");
      statement.addBatch("INSERT INTO written (what) VALUES ('c')");
      seen.add(Arrays.toString(statement.executeBatch()));
    } catch (SQLException problem) {
      seen.add(Look.error(problem));
    }
    seen.add(s.query(LEFT));
    return seen;
  }

  private static Object updates(Session s) throws SQLException {
    s.run("INSERT INTO written (what, amount) SELECT 'row ' || i, i FROM generate_series(1, 50) AS i");
    List<Object> seen = new ArrayList<>();
    try (PreparedStatement statement = s.connection.prepareStatement("UPDATE written SET amount = amount + ? WHERE amount < ?")) {
      for (int round = 0; round < 8; round++) {
        for (int i = 0; i < 10; i++) {
          statement.setInt(1, i);
          statement.setInt(2, i + round);
          statement.addBatch();
        }
        seen.add(Arrays.toString(statement.executeBatch()));
        s.elsewhere();
      }
    }
    seen.add(s.query(LEFT));
    return seen;
  }

  private static Object changingTypes(Session s) throws SQLException {
    try (PreparedStatement statement = s.connection.prepareStatement(INSERT)) {
      for (int i = 0; i < 30; i++) {
        statement.setObject(1, "x" + i);
        if (i % 3 == 0) {
          statement.setNull(2, java.sql.Types.INTEGER);
        } else if (i % 3 == 1) {
          statement.setLong(2, i);
        } else {
          statement.setInt(2, i);
        }
        statement.addBatch();
      }
      return List.of(Arrays.toString(statement.executeBatch()), s.query(LEFT));
    }
  }

  private static Object selects(Session s) throws SQLException {
    try (PreparedStatement statement = s.connection.prepareStatement("SELECT name FROM customers WHERE id = ?")) {
      for (int i = 0; i < 5; i++) {
        statement.setInt(1, i);
        statement.addBatch();
      }
      return Arrays.toString(statement.executeBatch());
    }
  }
}
