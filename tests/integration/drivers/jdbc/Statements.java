import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The statements that all drivers run: as statements, prepared, and in a transaction. */
final class Statements {
  private interface Run {
    Object see(Session session, String sql) throws SQLException;
  }

  private Statements() {}

  static void add(Map<String, Program.Body> scenarios) throws IOException {
    String[] fields = Files.readString(Path.of(System.getenv("STATEMENTS"))).split("\0");
    add(scenarios, fields, "", Statements::execute);
    add(scenarios, fields, "prepared ", Statements::executePrepared);
    add(scenarios, fields, "in a transaction, ", Statements::inTransaction);
  }

  /** fields: group, name, SQL, group, name, SQL, ... */
  private static void add(Map<String, Program.Body> scenarios, String[] fields, String how, Run run) {
    for (int i = 0; i + 2 < fields.length; i += 3) {
      String sql = fields[i + 2];
      scenarios.put(how + fields[i] + ", " + fields[i + 1], session -> run.see(session, sql));
    }
  }

  private static Object execute(Session s, String sql) throws SQLException {
    try (Statement statement = s.connection.createStatement()) {
      return List.of(Look.results(statement, statement.execute(sql)), s.transaction());
    }
  }

  /** Three times, so that a statement that the driver keeps is used again. */
  private static Object executePrepared(Session s, String sql) throws SQLException {
    List<Object> seen = new ArrayList<>();
    try (PreparedStatement statement = s.connection.prepareStatement(sql)) {
      for (int i = 0; i < 3; i++) {
        try {
          seen.add(Look.results(statement, statement.execute()));
        } catch (SQLException problem) {
          seen.add(Look.error(problem));
        }
      }
    }
    s.elsewhere();
    return seen;
  }

  private static Object inTransaction(Session s, String sql) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.connection.setAutoCommit(false);
    try {
      seen.add(execute(s, sql));
    } catch (SQLException problem) {
      seen.add(Look.error(problem));
    }
    seen.add(s.transaction());
    s.connection.rollback();
    seen.add(s.transaction());
    return seen;
  }
}
