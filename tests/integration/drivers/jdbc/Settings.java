import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Start-up parameters, settings of the session and what takes them back, temporary things, failed logins. */
final class Settings {
  private static final String SHOWN = "SELECT name, setting FROM pg_settings WHERE name IN ('application_name', 'search_path', 'work_mem', 'DateStyle',"
      + " 'TimeZone', 'statement_timeout', 'default_transaction_read_only', 'default_transaction_isolation', 'extra_float_digits') ORDER BY name";

  private Settings() {}

  static void add(Map<String, Program.Body> scenarios) {
    scenarios.put("start-up parameters", Settings::startup);
    scenarios.put("start-up parameters that the server refuses", Settings::refused);
    scenarios.put("RESET and DISCARD ALL go back to the start-up value", Settings::reset);
    scenarios.put("parameter statuses", Settings::statuses);
    scenarios.put("the connection's own settings", Settings::ofTheConnection);
    scenarios.put("settings in a transaction", Settings::inTransaction);
    scenarios.put("statements of the driver outlive DISCARD ALL", Settings::discarded);
    scenarios.put("PREPARE and EXECUTE", Settings::prepare);
    scenarios.put("temporary table", Settings::temporary);
    scenarios.put("settings do not leak", Settings::leak);
    scenarios.put("logins that fail", Settings::logins);
  }

  private static Object startup(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    for (String options : List.of("", "&ApplicationName=d%C3%ADa%20%22x%22&currentSchema=private,public", "&options=-c%20work_mem=3MB%20-c%20DateStyle=German",
        "&options=-c%20statement_timeout=12345%20--search_path=private", "&readOnly=true&readOnlyMode=always", "&readOnly=true&readOnlyMode=transaction",
        "&assumeMinServerVersion=9.0", "&targetServerType=primary", "&gssEncMode=disable&stringtype=unspecified&loginTimeout=9&socketTimeout=9",
        "&defaultRowFetchSize=2&preparedStatementCacheQueries=2&prepareThreshold=1")) {
      try (Session other = new Session(options)) {
        seen.add(other.query(SHOWN));
        other.elsewhere();
        seen.add(other.query(SHOWN));
        seen.add(new TreeMap<>(other.pg().getParameterStatuses()));
      }
    }
    return seen;
  }

  private static Object refused(Session s) {
    List<Object> seen = new ArrayList<>();
    for (String options : List.of("&options=-c%20no_such_setting=1", "&options=-c%20work_mem=nonsense", "&options=--nonsense", "&options=-c%20shared_buffers=1MB")) {
      try (Session other = new Session(options)) {
        seen.add(other.query(SHOWN));
      } catch (SQLException problem) {
        seen.add(Look.loginError(problem));
      }
    }
    return seen;
  }

  private static Object reset(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    try (Session other = new Session("&options=-c%20work_mem=3MB%20-c%20TimeZone=Asia/Kathmandu&ApplicationName=mine")) {
      for (String reset : List.of("RESET ALL", "DISCARD ALL", "RESET work_mem; RESET TimeZone; RESET application_name",
          "SET work_mem TO DEFAULT; SET TIME ZONE DEFAULT")) {
        other.run("SET work_mem = '7MB'; SET DateStyle = 'German'; SET application_name = 'other'");
        seen.add(other.query(SHOWN));
        for (String one : reset.split("; ")) {
          other.run(one);
        }
        other.elsewhere();
        seen.add(other.query(SHOWN));
        seen.add(new TreeMap<>(other.pg().getParameterStatuses()));
      }
    }
    return seen;
  }

  private static Object statuses(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    for (String sql : List.of("SELECT 1", "SET application_name = 'día'", "BEGIN", "SET DateStyle = 'SQL, DMY'", "ROLLBACK", "RESET ALL",
        "SELECT set_config('IntervalStyle', 'iso_8601', false)", "RESET IntervalStyle")) {
      s.failure(sql);
      seen.add(new TreeMap<>(s.pg().getParameterStatuses()));
    }
    return seen;
  }

  private static Object ofTheConnection(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    try (Session other = s.another()) {
      Connection c = other.connection;
      c.setSchema("private");
      seen.add(List.of(c.getSchema(), other.one("SELECT note FROM hidden"), c.getCatalog(), c.isValid(5)));
      c.setClientInfo("ApplicationName", "told");
      c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
      c.setReadOnly(true);
      other.elsewhere();
      seen.add(List.of(c.getClientInfo().toString(), c.getTransactionIsolation(), c.isReadOnly(), c.getSchema()));
      seen.add(other.query(SHOWN));
      c.setNetworkTimeout(Runnable::run, 5000);
      seen.add(List.of(c.getNetworkTimeout(), c.isValid(1), other.transaction()));
    }
    return seen;
  }

  private static Object inTransaction(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.connection.setAutoCommit(false);
    for (boolean commit : new boolean[] {false, true}) {
      s.run("SET work_mem = '11MB'");
      s.run("SET LOCAL statement_timeout = '77s'");
      seen.add(s.query(SHOWN));
      if (commit) {
        s.connection.commit();
      } else {
        s.connection.rollback();
      }
      s.elsewhere();
      seen.add(s.query(SHOWN));
    }
    s.run("RESET work_mem");
    s.connection.commit();
    return seen;
  }

  private static Object discarded(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    for (String sql : List.of("DISCARD ALL", "DEALLOCATE ALL", "SET search_path = public", "DISCARD PLANS", "RESET search_path")) {
      for (int i = 1; i <= 8; i++) {
        seen.add(s.query("SELECT name FROM customers WHERE id = ?", i));
      }
      seen.add(s.failure(sql));
      seen.add(s.query("SELECT name FROM customers WHERE id = ?", 9));
    }
    return seen;
  }

  private static Object prepare(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.run("PREPARE mine (int) AS SELECT name FROM customers WHERE id = $1");
    seen.add(s.query("EXECUTE mine(7)"));
    s.elsewhere();
    seen.add(s.query("EXECUTE mine(8)"));
    seen.add(s.failure("PREPARE mine AS SELECT 1"));
    s.run("DEALLOCATE mine");
    seen.add(s.failure("EXECUTE mine(9)"));
    return seen;
  }

  private static Object temporary(Session s) throws SQLException {
    s.run("CREATE TEMP TABLE mine (a int)");
    s.elsewhere();
    s.run("INSERT INTO mine VALUES (1), (2)");
    s.elsewhere();
    Object sum = s.query("SELECT sum(a) FROM mine");
    s.run("DROP TABLE mine");
    return List.of(sum, s.failure("SELECT * FROM mine"));
  }

  private static Object leak(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      try (Session other = s.another()) {
        seen.add(other.query(SHOWN));
        other.run("SET search_path = private");
        other.run("SET statement_timeout = '1234s'");
        other.run("SET DateStyle = 'German'");
        seen.add(other.query(SHOWN));
        seen.add(s.query(SHOWN));
      }
    }
    return seen;
  }

  private static Object logins(Session s) {
    List<Object> seen = new ArrayList<>();
    for (String options : List.of("&password=wrong", "&user=nobody", "&user=nobody&password=x")) {
      try (Session other = new Session(options)) {
        seen.add(other.one("SELECT 'logged in'"));
      } catch (SQLException problem) {
        seen.add(Look.loginError(problem));
      }
    }
    return seen;
  }
}
