import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.Properties;

/** What applications do by PostgreSQL's JDBC driver, on a Redshift; prints a line for each thing. Arguments: URL, user, password, and the driver's properties as name=value. */
public class Redshift {
  private static int count(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery("SELECT count(*) FROM notes")) {
      rows.next();
      return rows.getInt(1);
    }
  }

  private static void insert(Connection connection, int id, String what) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement("INSERT INTO notes VALUES (?, ?)")) {
      statement.setInt(1, id);
      statement.setString(2, what);
      System.out.println("insert " + statement.executeUpdate());
    }
  }

  private static String state(Connection connection, String sql) {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
      return "done";
    } catch (SQLException error) {
      return error.getSQLState();
    }
  }

  public static void main(String[] arguments) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", arguments[1]);
    properties.setProperty("password", arguments[2]);
    for (int i = 3; i < arguments.length; ++i) properties.setProperty(arguments[i].split("=")[0], arguments[i].split("=")[1]);
    try (Connection connection = DriverManager.getConnection(arguments[0], properties)) {
      System.out.println("isolation " + (connection.getTransactionIsolation() == Connection.TRANSACTION_READ_COMMITTED));
      connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
      System.out.println("isolation " + (connection.getTransactionIsolation() == Connection.TRANSACTION_SERIALIZABLE));
      connection.setAutoCommit(false);
      for (int i = 0; i < 7; ++i) insert(connection, i, "it's a \\ " + i);
      Savepoint savepoint = connection.setSavepoint();
      System.out.println("count " + count(connection));
      connection.rollback(savepoint);
      insert(connection, 7, "'");
      try {
        connection.rollback(savepoint);
        System.out.println("rolled back");
      } catch (SQLException error) {
        System.out.println("rollback to " + error.getSQLState());
      }
      connection.rollback();
      System.out.println("count " + count(connection));
      insert(connection, 8, "\\");
      connection.commit();
      System.out.println("count " + count(connection));
      connection.commit();
      connection.setReadOnly(true);
      System.out.println("read only " + state(connection, "DELETE FROM notes"));
      connection.rollback();
      connection.setReadOnly(false);
      System.out.println("read write " + state(connection, "DELETE FROM notes WHERE what = '\\'"));
      connection.commit();
      System.out.println("count " + count(connection));
      System.out.println("valid " + connection.isValid(5));
    }
  }
}
