import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** The PostgreSQL JDBC driver for drivers/compare.py: each scenario in each mode of the driver. */
public final class Program {
  /** What a scenario sees; an exception that it lets go is seen as well. */
  interface Body {
    Object see(Session session) throws Exception;
  }

  /** Name of a mode -> options of its URL. */
  private static final Map<String, String> MODES = new LinkedHashMap<>();

  static {
    MODES.put("extended", "");
    MODES.put("simple", "&preferQueryMode=simple");
    MODES.put("extended for prepared", "&preferQueryMode=extendedForPrepared");
    MODES.put("cache everything", "&preferQueryMode=extendedCacheEverything&prepareThreshold=2");
    MODES.put("prepared at once", "&prepareThreshold=1");
    MODES.put("binary", "&prepareThreshold=-1");
    MODES.put("autosave always", "&autosave=always");
    MODES.put("autosave conservative", "&autosave=conservative&prepareThreshold=1&cleanupSavepoints=true");
    MODES.put("rewritten batches", "&reWriteBatchedInserts=true&defaultRowFetchSize=7");
  }

  /** Modes that send single statements in ways of their own. */
  private static final Set<String> MODES_OF_STATEMENTS = Set.of("extended", "simple");

  /** Modes that the scenarios about the driver's sessions run in; the options matter nothing to the others. */
  private static final Set<String> MODES_OF_SESSIONS = Set.of("extended", "simple");

  private Program() {}

  public static void main(String[] args) throws Exception {
    Session.routed = args.length > 0 && args[0].equals("routed");
    for (Map.Entry<String, String> mode : MODES.entrySet()) {
      Map<String, Body> scenarios = new LinkedHashMap<>();
      if (MODES_OF_STATEMENTS.contains(mode.getKey())) {
        Statements.add(scenarios);
      }
      Transactions.add(scenarios);
      Reading.add(scenarios);
      Batches.add(scenarios);
      Copying.add(scenarios);
      if (MODES_OF_SESSIONS.contains(mode.getKey())) {
        Metadata.add(scenarios);
        Settings.add(scenarios);
        Signals.add(scenarios);
      }
      run(mode.getKey(), mode.getValue(), scenarios);
      if (Session.routed) {
        Map<String, Body> routes = new LinkedHashMap<>();
        Routes.add(routes);
        run("routed, " + mode.getKey(), mode.getValue(), routes);
      }
    }
  }

  /** All scenarios of a mode share one connection, as those of an application do, unless one of them ends it. */
  private static void run(String mode, String options, Map<String, Body> scenarios) throws Exception {
    Session session = new Session(options);
    for (Map.Entry<String, Body> scenario : scenarios.entrySet()) {
      Object seen;
      try {
        session.elsewhere();
        seen = scenario.getValue().see(session);
      } catch (Exception problem) {
        seen = Look.error(problem);
      }
      System.out.println(Json.of(Look.map("scenario", mode + ": " + scenario.getKey(), "seen", seen)));
      if (session.connection.isClosed()) {
        session = new Session(options);
      }
      session.tidy();
    }
    session.close();
  }
}
