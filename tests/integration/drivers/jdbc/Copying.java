import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

import org.postgresql.copy.CopyIn;
import org.postgresql.copy.CopyManager;
import org.postgresql.copy.CopyOut;
import org.postgresql.copy.PGCopyOutputStream;
import org.postgresql.largeobject.LargeObject;
import org.postgresql.largeobject.LargeObjectManager;

/** CopyManager in both directions, and large objects, which are function calls of the protocol. */
final class Copying {
  private static final String IN = "COPY written (what, amount) FROM STDIN";
  private static final String LEFT = "SELECT count(*), sum(amount) FROM written";

  private Copying() {}

  static void add(Map<String, Program.Body> scenarios) {
    scenarios.put("copy in", Copying::in);
    scenarios.put("copy in of 3 MB", Copying::muchIn);
    scenarios.put("copy in that fails", Copying::failing);
    scenarios.put("copy in whose server is terminated", Copying::terminated);
    scenarios.put("copy in that the client gives up", Copying::givenUp);
    scenarios.put("copy in, binary, of what was copied out", Copying::binary);
    scenarios.put("copy out", Copying::out);
    scenarios.put("copy out of 3 MB", Copying::muchOut);
    scenarios.put("copy out that the client leaves", Copying::leftOut);
    scenarios.put("copy out that fails in the middle", Copying::failingOut);
    scenarios.put("copy of what is no copy", Copying::noCopy);
    scenarios.put("large objects", Copying::largeObjects);
  }

  private static CopyManager manager(Session s) throws SQLException {
    return s.pg().getCopyAPI();
  }

  private static Object in(Session s) throws SQLException, IOException {
    List<Object> seen = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      seen.add(manager(s).copyIn(IN, new StringReader("a" + i + "\t1\nb" + i + "\t2\n")));
      s.elsewhere();
      s.connection.setAutoCommit(false);
      seen.add(manager(s).copyIn(IN, new StringReader("c" + i + "\t3\n")));
      seen.add(s.transaction());
      s.connection.rollback();
      s.connection.setAutoCommit(true);
    }
    seen.add(s.query(LEFT));
    return seen;
  }

  private static Object muchIn(Session s) throws SQLException, IOException {
    try (PGCopyOutputStream out = new PGCopyOutputStream(s.pg(), IN, 10000)) {
      for (int i = 0; i < 3000; i++) {
        out.write((i + "x".repeat(1000) + "\t" + i + "\n").getBytes(StandardCharsets.UTF_8));
      }
    }
    return s.query(LEFT);
  }

  private static Object failing(Session s) throws SQLException, IOException {
    List<Object> seen = new ArrayList<>();
    for (String data : List.of("a\tone\n", "a\t1\nb\t-1\n", "a\n", "a\t1\tmore\n", "a\t1\na\t2\n")) {
      try {
        seen.add(manager(s).copyIn(IN, new StringReader(data + "fill\t1\n".repeat(5000))));
      } catch (SQLException problem) {
        seen.add(Look.error(problem));
      }
      seen.add(s.transaction());
      s.elsewhere();
    }
    seen.add(s.query(LEFT));
    return seen;
  }

  /** The driver looks for an error at the end of the data at the latest, where pgjdbc's own CopyTest never comes to behind a pooler. */
  private static Object terminated(Session s) throws SQLException {
    try (Session other = s.another()) {
      other.connection.setAutoCommit(false);
      String pid = other.one("SELECT pg_backend_pid()");
      CopyIn copy = manager(other).copyIn(IN);
      s.one("SELECT pg_terminate_backend(" + pid + ", 5000)");
      byte[] row = "lost\t1\n".getBytes(StandardCharsets.UTF_8);
      for (int i = 0; i < 1000; i++) {
        copy.writeToCopy(row, 0, row.length);
        copy.flushCopy();
      }
      return copy.endCopy();
    } catch (SQLException problem) {
      return List.of("ends", s.query(LEFT));
    }
  }

  private static Object givenUp(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.connection.setAutoCommit(false);
    CopyIn copy = manager(s).copyIn(IN);
    seen.add(List.of(copy.getFormat(), copy.getFieldCount(), copy.getFieldFormat(1)));
    byte[] row = "given up\t1\n".getBytes(StandardCharsets.UTF_8);
    copy.writeToCopy(row, 0, row.length);
    copy.flushCopy();
    copy.cancelCopy();
    seen.add(copy.isActive());
    seen.add(s.transaction());
    s.connection.rollback();
    seen.add(s.query(LEFT));
    return seen;
  }

  private static Object binary(Session s) throws SQLException, IOException {
    s.run("INSERT INTO written (what, amount) SELECT 'x' || i, i FROM generate_series(1, 100) AS i");
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    long read = manager(s).copyOut("COPY written (what, amount) TO STDOUT (FORMAT binary)", out);
    s.run("DELETE FROM written");
    long wrote = manager(s).copyIn(IN + " (FORMAT binary)", new ByteArrayInputStream(out.toByteArray()));
    return List.of(out.size(), read, wrote, s.query(LEFT));
  }

  private static Object out(Session s) throws SQLException, IOException {
    List<Object> seen = new ArrayList<>();
    for (String sql : List.of("COPY (SELECT id, name FROM customers WHERE id < 4 ORDER BY id) TO STDOUT", "COPY written TO STDOUT",
        "COPY (SELECT E'a\\tb\\n', NULL, 'día') TO STDOUT (FORMAT csv, HEADER)")) {
      StringWriter text = new StringWriter();
      seen.add(manager(s).copyOut(sql, text));
      seen.add(text);
      s.elsewhere();
    }
    return seen;
  }

  private static Object muchOut(Session s) throws SQLException, IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    long rows = manager(s).copyOut("COPY (SELECT i, repeat('x', 300) FROM generate_series(1, 10000) AS i) TO STDOUT", out);
    return List.of(rows, out.size(), Arrays.hashCode(out.toByteArray()));
  }

  /** The driver loses its place when the cancel comes in time, so this takes a connection of its own. */
  private static Object leftOut(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    try (Session other = s.another()) {
      CopyOut copy = manager(other).copyOut("COPY (SELECT i, repeat('x', 300) FROM generate_series(1, 300000) AS i) TO STDOUT");
      seen.add(copy.readFromCopy().length);
      other.connection.abort(Runnable::run);
    }
    seen.add(s.one("SELECT 1"));
    return seen;
  }

  private static Object failingOut(Session s) throws SQLException, IOException {
    List<Object> seen = new ArrayList<>();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      seen.add(manager(s).copyOut("COPY (SELECT 1/(50 - i) FROM generate_series(1, 100) AS i) TO STDOUT", out));
    } catch (SQLException problem) {
      seen.add(Look.error(problem));
    }
    seen.add(out.size());
    seen.add(s.transaction());
    return seen;
  }

  private static Object noCopy(Session s) throws SQLException, IOException {
    List<Object> seen = new ArrayList<>();
    for (String sql : List.of("SELECT 1", "COPY no_such_table FROM STDIN")) {
      try {
        seen.add(manager(s).copyIn(sql, new StringReader("x\n")));
      } catch (SQLException problem) {
        seen.add(Look.error(problem));
      }
    }
    return seen;
  }

  private static Object largeObjects(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.connection.setAutoCommit(false);
    LargeObjectManager objects = s.pg().getLargeObjectAPI();
    long oid = objects.createLO();
    byte[] data = new byte[100_000];
    data[99_999] = 7;
    try (LargeObject object = objects.open(oid)) {
      object.write(data);
      object.seek(50_000);
      object.write(new byte[] {1, 2, 3});
      seen.add(object.tell());
      seen.add(object.size());
      object.truncate(99_000);
    }
    s.connection.commit();
    s.elsewhere();
    try (LargeObject object = objects.open(oid, LargeObjectManager.READ)) {
      object.seek(49_999);
      seen.add(Arrays.toString(object.read(5)));
      seen.add(object.size());
    }
    objects.delete(oid);
    s.connection.commit();
    try {
      objects.open(oid);
    } catch (SQLException problem) {
      seen.add(problem.getMessage().replace(Long.toString(oid), "OID"));
    }
    seen.add(s.transaction());
    return seen;
  }
}
