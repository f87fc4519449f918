import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;

/** JDBC with a fetch size: two results read in turns, and other statements in between. Prints what it read. */
public final class Cursors {
  private Cursors() {}

  public static void main(String[] args) throws Exception {
    try (Connection connection = DriverManager.getConnection(args[0])) {
      connection.setAutoCommit(false);
      for (String bound : new String[] {"300", "57", "0"}) {
        interleaved(connection, Integer.parseInt(bound));
      }
      connection.commit();
      backwards(connection);
      connection.commit();
    }
  }

  private static void interleaved(Connection connection, int bound) throws Exception {
    try (PreparedStatement sales = connection.prepareStatement("SELECT id, price FROM sales WHERE id <= ? ORDER BY id");
        Statement events = connection.createStatement();
        Statement between = connection.createStatement()) {
      sales.setFetchSize(7);
      events.setFetchSize(3);
      sales.setInt(1, bound);
      long sum = 0;
      StringBuilder read = new StringBuilder();
      try (ResultSet one = sales.executeQuery(); ResultSet other = events.executeQuery("SELECT name FROM events ORDER BY id")) {
        for (int i = 0; one.next(); ++i) {
          sum += one.getLong(1) * 1000 + one.getBigDecimal(2).longValue();
          if (i % 10 == 0 && other.next()) read.append(other.getString(1)).append(' ');
          if (i % 25 == 0) {
            try (ResultSet single = between.executeQuery("SELECT count(*) FROM events WHERE id > " + i)) {
              single.next();
              read.append(single.getInt(1)).append(' ');
            }
          }
        }
        int rest = 0;
        while (other.next()) ++rest;
        System.out.println(bound + ": " + sum + ' ' + rest + ' ' + read);
      }
    }
  }

  private static void backwards(Connection connection) throws Exception {
    try (Statement statement = connection.createStatement()) {
      statement.execute("DECLARE c SCROLL CURSOR FOR SELECT id FROM events ORDER BY id");
      for (String fetch : new String[] {"FORWARD 5", "BACKWARD 2", "LAST", "ABSOLUTE 10", "RELATIVE -4", "BACKWARD ALL"}) {
        StringBuilder read = new StringBuilder();
        try (ResultSet rows = statement.executeQuery("FETCH " + fetch + " FROM c")) {
          while (rows.next()) read.append(rows.getInt(1)).append(' ');
        }
        System.out.println(fetch + ": " + read);
      }
      System.out.println("MOVE: " + statement.executeUpdate("MOVE FORWARD 3 IN c"));
      statement.execute("CLOSE c");
    }
  }
}
