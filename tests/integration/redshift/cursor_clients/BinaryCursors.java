import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;

/** JDBC that asks for binary results of FETCH, and of a query with a fetch size. Prints what it read. */
public final class BinaryCursors {
  private BinaryCursors() {}

  public static void main(String[] args) throws Exception {
    String query = Files.readString(Path.of(args[1]));
    try (Connection connection = DriverManager.getConnection(args[0])) {
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        statement.execute("DECLARE c SCROLL CURSOR FOR " + query);
      }
      try (PreparedStatement fetch = connection.prepareStatement("FETCH FORWARD 2 FROM c");
          PreparedStatement back = connection.prepareStatement("MOVE BACKWARD ALL IN c")) {
        for (int round = 0; round < 3; ++round) {
          for (int i = 0; i < 4; ++i) {
            print(fetch);
          }
          back.execute();
        }
      }
      try (PreparedStatement all = connection.prepareStatement(query)) {
        for (int round = 0; round < 2; ++round) {
          print(all);
        }
      }
      connection.commit();
    }
  }

  private static void print(PreparedStatement statement) throws Exception {
    try (ResultSet rows = statement.executeQuery()) {
      while (rows.next()) {
        StringBuilder line = new StringBuilder();
        for (int column = 1; column <= rows.getMetaData().getColumnCount(); ++column) {
          line.append(rows.getObject(column)).append('|').append(rows.getString(column)).append(' ');
        }
        System.out.println(line);
      }
    }
  }
}
