import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

import org.postgresql.PGConnection;
import org.postgresql.core.BaseConnection;

/** A connection of the driver, opened with the options of one mode, and shorthands for what the scenarios do with it. */
final class Session implements AutoCloseable {
  static boolean routed;
  final Connection connection;
  private final String options;

  /** options: "&name=value..." of the JDBC URL. The server, the user and TLS are those of the PG* environment. */
  Session(String options) throws SQLException {
    this.options = options;
    connection = DriverManager.getConnection(url() + options);
  }

  private static String url() {
    return String.format("jdbc:postgresql://%s:%s/%s?user=%s&password=%s&sslmode=%s", variable("PGHOST"), variable("PGPORT"),
        variable("PGDATABASE"), variable("PGUSER"), variable("PGPASSWORD"), variable("PGSSLMODE"));
  }

  private static String variable(String name) {
    return System.getenv(name);
  }

  /** Another connection of the same mode. */
  Session another() throws SQLException {
    return new Session(options);
  }

  /** Runs a statement on a table of the other cluster; for the comparison run without routing, one that costs the driver the same. */
  void elsewhere() throws SQLException {
    String wanted = routed ? "analytics" : "oltp";
    String seen = one("SELECT current_setting('cluster_name') FROM " + (routed ? "public.sales" : "public.customers") + " LIMIT 1");
    if (!connection.getAutoCommit()) {
      connection.commit();
    }
    if (!seen.equals(wanted)) {
      throw new IllegalStateException("ran on " + seen);
    }
  }

  String one(String sql, Object... parameters) throws SQLException {
    List<?> row = (List<?>) query(sql, parameters).get(0);
    return (String) row.get(0);
  }

  List<Object> query(String sql, Object... parameters) throws SQLException {
    if (parameters.length == 0) {
      try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
        return Look.rows(rows);
      }
    }
    try (PreparedStatement statement = prepare(sql, parameters); ResultSet rows = statement.executeQuery()) {
      return Look.rows(rows);
    }
  }

  PreparedStatement prepare(String sql, Object... parameters) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    for (int i = 0; i < parameters.length; i++) {
      statement.setObject(i + 1, parameters[i]);
    }
    return statement;
  }

  void run(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** What a statement that should fail is answered with. */
  Object failure(String sql) {
    try {
      run(sql);
      return "no error";
    } catch (SQLException problem) {
      return Look.error(problem);
    }
  }

  PGConnection pg() throws SQLException {
    return connection.unwrap(PGConnection.class);
  }

  /** IDLE, OPEN or FAILED: of the last ReadyForQuery. */
  String transaction() throws SQLException {
    return connection.unwrap(BaseConnection.class).getTransactionState().name();
  }

  /** Back to how a new connection is: autocommit, nothing open, the table `written` empty. */
  void tidy() throws SQLException {
    if (!connection.getAutoCommit()) {
      connection.rollback();
      connection.setAutoCommit(true);
    }
    run("TRUNCATE written RESTART IDENTITY");
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
