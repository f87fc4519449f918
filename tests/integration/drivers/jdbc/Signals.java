import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.postgresql.PGNotification;
import org.postgresql.jdbc.PgStatement;

/** Notifications, cancel, timeouts and connections that end. */
final class Signals {
  private static final String SLOW = "SELECT pg_sleep(60)";

  private Signals() {}

  static void add(Map<String, Program.Body> scenarios) {
    scenarios.put("notifications", Signals::notifications);
    scenarios.put("notifications in transactions", Signals::inTransactions);
    scenarios.put("the notifier's PID is that of its connection", Signals::pid);
    scenarios.put("cancel", s -> cancel(s, true));
    scenarios.put("cancel in a transaction", s -> cancel(s, false));
    scenarios.put("cancel of nothing", Signals::cancelOfNothing);
    scenarios.put("query timeout", Signals::timeout);
    scenarios.put("statement timeout", Signals::statementTimeout);
    scenarios.put("connection aborted", Signals::abort);
    scenarios.put("backend terminated", Signals::terminated);
    scenarios.put("advisory locks", Signals::locks);
  }

  private static List<Object> heard(Session s) throws SQLException {
    List<Object> heard = new ArrayList<>();
    PGNotification[] some = s.pg().getNotifications();
    for (PGNotification one : some == null ? new PGNotification[0] : some) {
      heard.add(one.getName() + ": " + one.getParameter());
    }
    return heard;
  }

  private static Object notifications(Session s) throws SQLException {
    try (Session listener = s.another(); Session other = s.another()) {
      listener.run("LISTEN news");
      listener.elsewhere();
      other.run("NOTIFY news, 'one'");
      other.run("SELECT pg_notify('news', 'two'), pg_notify('old', 'three')");
      listener.run("NOTIFY news");
      List<Object> seen = heard(listener);
      listener.run("UNLISTEN *");
      other.run("NOTIFY news, 'unheard'");
      listener.run("SELECT 1");
      seen.addAll(heard(listener));
      return seen;
    }
  }

  private static Object inTransactions(Session s) throws SQLException {
    try (Session listener = s.another(); Session other = s.another()) {
      List<Object> seen = new ArrayList<>();
      listener.connection.setAutoCommit(false);
      listener.run("LISTEN news");
      listener.connection.commit();
      other.connection.setAutoCommit(false);
      for (boolean commit : new boolean[] {false, true}) {
        other.run("NOTIFY news, 'inside'");
        listener.run("SELECT 1");
        listener.connection.commit();
        seen.add(heard(listener));
        if (commit) {
          other.connection.commit();
        } else {
          other.connection.rollback();
        }
        listener.run("SELECT 1");
        listener.connection.commit();
        seen.add(heard(listener));
      }
      return seen;
    }
  }

  private static Object pid(Session s) throws SQLException {
    try (Session listener = s.another()) {
      listener.run("LISTEN self");
      listener.run("NOTIFY self");
      return listener.pg().getNotifications()[0].getPID() == listener.pg().getBackendPID()
          && listener.one("SELECT pg_backend_pid()").equals(Integer.toString(listener.pg().getBackendPID()));
    }
  }

  private static Object cancel(Session s, boolean autocommit) throws Exception {
    s.connection.setAutoCommit(autocommit);
    List<Object> seen = new ArrayList<>();
    try (Session watcher = s.another(); Statement statement = s.connection.createStatement()) {
      Thread canceller = new Thread(() -> {
        try {
          while (!watcher.one("SELECT count(*) FROM pg_stat_activity WHERE query = '" + SLOW + "' AND state = 'active'").equals("1")) {
            Thread.onSpinWait();
          }
          statement.cancel();
        } catch (SQLException problem) {
          throw new IllegalStateException(problem);
        }
      });
      canceller.start();
      try {
        statement.execute(SLOW);
      } catch (SQLException problem) {
        seen.add(Look.error(problem));
      }
      canceller.join();
    }
    seen.add(s.transaction());
    seen.add(s.failure("SELECT 1"));
    return seen;
  }

  private static Object cancelOfNothing(Session s) throws SQLException {
    try (Statement statement = s.connection.createStatement()) {
      s.pg().cancelQuery();
      statement.cancel();
    }
    return s.one("SELECT 1");
  }

  private static Object timeout(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      try (Statement statement = s.connection.createStatement()) {
        statement.unwrap(PgStatement.class).setQueryTimeoutMs(100);
        statement.execute(SLOW);
      } catch (SQLException problem) {
        seen.add(Look.error(problem));
      }
      seen.add(s.one("SELECT 1"));
    }
    return seen;
  }

  private static Object statementTimeout(Session s) throws SQLException {
    List<Object> seen = new ArrayList<>();
    s.run("SET statement_timeout = '50ms'");
    seen.add(s.failure(SLOW));
    s.run("RESET statement_timeout");
    seen.add(s.one("SELECT 1 FROM pg_sleep(0.1)"));
    return seen;
  }

  private static Object abort(Session s) throws SQLException {
    try (Session other = s.another()) {
      other.connection.setAutoCommit(false);
      other.run("INSERT INTO written (what) VALUES ('aborted')");
      other.connection.abort(Runnable::run);
      return List.of(other.connection.isClosed(), other.failure("SELECT 1"), s.one("SELECT count(*) FROM written"));
    }
  }

  private static Object terminated(Session s) throws SQLException {
    try (Session other = s.another()) {
      other.connection.setAutoCommit(false);
      String pid = other.one("SELECT pg_backend_pid()");
      s.one("SELECT pg_terminate_backend(" + pid + ", 5000)");
      return List.of(other.failure("SELECT 1"), other.connection.isClosed());
    }
  }

  private static Object locks(Session s) throws SQLException {
    try (Session other = s.another()) {
      s.run("SELECT pg_advisory_lock(4711)");
      s.elsewhere();
      String whileHeld = other.one("SELECT pg_try_advisory_lock(4711)");
      String released = s.one("SELECT pg_advisory_unlock(4711)");
      return List.of(whileHeld, released, other.one("SELECT pg_try_advisory_lock(4711)"));
    }
  }
}
