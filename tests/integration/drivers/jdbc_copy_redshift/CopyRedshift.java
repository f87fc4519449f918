import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;
import org.postgresql.copy.CopyManager;
import org.postgresql.copy.CopyOut;
import org.postgresql.copy.PGCopyOutputStream;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** CopyManager on a route to Redshift: arguments are the URL, the user and the password. Prints a line for each thing seen. */
public final class CopyRedshift {
  private static final String IN = "COPY loaded (id, what) FROM STDIN";
  private static final String OUT = "COPY (SELECT id, what FROM loaded ORDER BY id) TO STDOUT";
  private final Connection connection;
  private final CopyManager manager;

  private CopyRedshift(Connection connection) throws SQLException {
    this.connection = connection;
    this.manager = connection.unwrap(PGConnection.class).getCopyAPI();
  }

  public static void main(String[] arguments) throws Exception {
    try (Connection connection = DriverManager.getConnection(arguments[0], arguments[1], arguments[2])) {
      CopyRedshift program = new CopyRedshift(connection);
      for (boolean transaction : new boolean[] {false, true}) {
        connection.setAutoCommit(!transaction);
        program.fromStream(transaction ? "transaction" : "autocommit");
        program.byHand(transaction ? "transaction" : "autocommit");
        program.givenUp(transaction ? "transaction" : "autocommit");
        program.wrongValue(transaction ? "transaction" : "autocommit");
        program.wrongLine(transaction ? "transaction" : "autocommit");
      }
      connection.setAutoCommit(true);
      program.out();
      program.large();
      program.refused();
    }
  }

  private static void say(String what, Object seen) {
    System.out.println(what + " = " + String.valueOf(seen).replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t"));
  }

  private String rows() throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("SELECT count(*), sum(id) FROM loaded")) {
      result.next();
      return result.getString(1) + " " + result.getString(2);
    }
  }

  private void empty() throws SQLException {
    if (!connection.getAutoCommit()) {
      connection.rollback();
    }
    try (Statement statement = connection.createStatement()) {
      statement.execute("DELETE FROM loaded");
    }
    if (!connection.getAutoCommit()) {
      connection.commit();
    }
  }

  private void end() throws SQLException {
    if (!connection.getAutoCommit()) {
      connection.commit();
    }
  }

  private void fromStream(String mode) throws SQLException, IOException {
    say(mode + " text", manager.copyIn(IN, new StringReader("1\tone\n2\tzwei ä€\n3\t\\N\n")));
    byte[] csv = "id,what\n4,\"a \"\"b\"\"\nc\"\n5,\n".getBytes(StandardCharsets.UTF_8);
    say(mode + " csv", manager.copyIn(IN + " (FORMAT csv, HEADER)", new ByteArrayInputStream(csv), 7));
    say(mode + " rows loaded", rows());
    if (!connection.getAutoCommit()) {
      connection.rollback();
      say(mode + " rows after rollback", rows());
    }
    empty();
  }

  private void byHand(String mode) throws SQLException {
    CopyIn copy = manager.copyIn(IN);
    say(mode + " format", copy.getFormat() + " " + copy.getFieldCount() + " " + copy.getFieldFormat(1));
    byte[] data = "1\tone\n2\ttwo\n3\tthree\n".getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < data.length; i++) {
      copy.writeToCopy(data, i, 1);
      copy.flushCopy();
    }
    say(mode + " endCopy", copy.endCopy());
    say(mode + " handled", copy.getHandledRowCount());
    say(mode + " active", copy.isActive());
    end();
    say(mode + " rows", rows());
    empty();
  }

  private void givenUp(String mode) throws SQLException {
    CopyIn copy = manager.copyIn(IN);
    byte[] row = "1\tgiven up\n".getBytes(StandardCharsets.UTF_8);
    copy.writeToCopy(row, 0, row.length);
    copy.flushCopy();
    copy.cancelCopy();
    say(mode + " active after cancelCopy", copy.isActive());
    empty();
    say(mode + " rows after cancelCopy", rows());
  }

  private void fails(String what, String sql, String data) throws SQLException, IOException {
    try {
      say(what, manager.copyIn(sql, new StringReader(data)));
    } catch (PSQLException problem) {
      ServerErrorMessage error = problem.getServerErrorMessage();
      say(what, problem.getSQLState() + " " + error.getMessage() + " | " + error.getWhere());
    }
  }

  private void wrongValue(String mode) throws SQLException, IOException {
    fails(mode + " wrong value", IN, "1\tone\nzwei\ttwo\n");
    empty();
  }

  private void wrongLine(String mode) throws SQLException, IOException {
    fails(mode + " wrong line", IN + " CSV", "1,one\n2,two,three\n");
    if (!connection.getAutoCommit()) {
      try {
        rows();
      } catch (SQLException problem) {
        say(mode + " behind it", problem.getSQLState());
      }
    }
    empty();
  }

  private void out() throws SQLException, IOException {
    manager.copyIn(IN, new StringReader("1\tone\n2\ta,\"b\"\n3\t\\N\n"));
    StringWriter text = new StringWriter();
    say("copyOut rows", manager.copyOut(OUT, text));
    say("copyOut text", text);
    ByteArrayOutputStream csv = new ByteArrayOutputStream();
    manager.copyOut(OUT + " (FORMAT csv, HEADER)", csv);
    say("copyOut csv", csv.toString(StandardCharsets.UTF_8));
    CopyOut copy = manager.copyOut(OUT);
    StringBuilder lines = new StringBuilder();
    for (byte[] line = copy.readFromCopy(); line != null; line = copy.readFromCopy()) {
      lines.append(new String(line, StandardCharsets.UTF_8));
    }
    say("readFromCopy", lines.length() + " " + copy.getHandledRowCount());
    say("rows after copyOut", rows());
    empty();
  }

  private void large() throws SQLException, IOException {
    try (PGCopyOutputStream out = new PGCopyOutputStream(connection.unwrap(PGConnection.class), IN, 10000)) {
      for (int i = 0; i < 20000; i++) {
        out.write((i + "\t" + "x".repeat(150) + "\n").getBytes(StandardCharsets.UTF_8));
      }
    }
    say("large rows", rows());
    empty();
  }

  private void refused() throws SQLException, IOException {
    fails("binary", IN + " (FORMAT binary)", "");
    fails("no table", "COPY missing FROM STDIN", "");
    say("works on", manager.copyIn(IN, new StringReader("1\tone\n")));
  }
}
