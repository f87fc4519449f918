import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The calls of DatabaseMetaData by which tools look around. */
final class Metadata {
  private static final String SETUP = "CREATE TABLE parents (id serial PRIMARY KEY, name varchar(20) NOT NULL UNIQUE, n numeric(8, 3) DEFAULT 1.5);"
      + "CREATE TABLE children (a int, b int, parent int REFERENCES parents ON DELETE CASCADE, tags text[], made timestamptz DEFAULT now(), PRIMARY KEY (a, b));"
      + "CREATE INDEX children_by_tags ON children USING gin (tags); CREATE INDEX children_made ON children (made DESC, parent) WHERE a > 0;"
      + "COMMENT ON TABLE parents IS 'of children'; COMMENT ON COLUMN parents.n IS 'a number';"
      + "CREATE VIEW family AS SELECT p.name, c.a FROM parents p JOIN children c ON c.parent = p.id; CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one;"
      + "CREATE TYPE colour AS ENUM ('red', 'blue'); CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TYPE pair AS (x int, y text);"
      + "CREATE FUNCTION added(a int, b int DEFAULT 1, OUT sum int) LANGUAGE sql AS 'SELECT a + b';"
      + "CREATE PROCEDURE nothing(IN a int, INOUT b text) LANGUAGE sql AS 'SELECT b'; GRANT SELECT ON family TO other";
  private static final String TEARDOWN = "DROP VIEW family; DROP MATERIALIZED VIEW kept; DROP TABLE children, parents; DROP TYPE colour, pair;"
      + "DROP DOMAIN positive; DROP FUNCTION added; DROP PROCEDURE nothing";

  /** The port, the object itself, and the schemas of temporary tables that sessions made. */
  private static final Set<String> LEFT_OUT = Set.of("getURL", "getConnection", "getSchemas");

  private interface Call {
    ResultSet of(DatabaseMetaData about) throws SQLException;
  }

  private Metadata() {}

  static void add(Map<String, Program.Body> scenarios) {
    scenarios.put("metadata: the objects are made", s -> s.failure(SETUP));
    add(scenarios, "getTables", m -> m.getTables(null, "public", "%", null));
    add(scenarios, "getTables of some types", m -> m.getTables(null, null, "%s", new String[] {"TABLE", "VIEW", "MATERIALIZED VIEW"}));
    add(scenarios, "getColumns", m -> m.getColumns(null, "public", "%", "%"));
    add(scenarios, "getColumns of one", m -> m.getColumns("app", "public", "every\\_type", null));
    add(scenarios, "getPrimaryKeys", m -> m.getPrimaryKeys(null, "public", "children"));
    add(scenarios, "getIndexInfo", m -> m.getIndexInfo(null, "public", "children", false, true));
    add(scenarios, "getIndexInfo of unique ones", m -> m.getIndexInfo(null, null, "parents", true, false));
    add(scenarios, "getImportedKeys", m -> m.getImportedKeys(null, "public", "children"));
    add(scenarios, "getExportedKeys", m -> m.getExportedKeys(null, "public", "parents"));
    add(scenarios, "getCrossReference", m -> m.getCrossReference(null, "public", "parents", null, "public", "children"));
    add(scenarios, "getBestRowIdentifier", m -> m.getBestRowIdentifier(null, null, "children", DatabaseMetaData.bestRowSession, false));
    add(scenarios, "getVersionColumns", m -> m.getVersionColumns(null, null, "children"));
    add(scenarios, "getProcedures", m -> m.getProcedures(null, "public", "%"));
    add(scenarios, "getProcedureColumns", m -> m.getProcedureColumns(null, "public", "%", "%"));
    add(scenarios, "getFunctions", m -> m.getFunctions(null, "public", "%"));
    add(scenarios, "getFunctionColumns", m -> m.getFunctionColumns(null, "public", "added", "%"));
    add(scenarios, "getSchemas", m -> m.getSchemas(null, "p%i%"));
    add(scenarios, "getTablePrivileges", m -> m.getTablePrivileges(null, "public", "family"));
    add(scenarios, "getColumnPrivileges", m -> m.getColumnPrivileges(null, "public", "family", "%"));
    add(scenarios, "getUDTs", m -> m.getUDTs(null, "public", "%", null));
    scenarios.put("metadata: properties, and tables without parameters", Metadata::properties);
    scenarios.put("metadata: the objects are dropped", s -> s.failure(TEARDOWN));
  }

  private static void add(Map<String, Program.Body> scenarios, String name, Call call) {
    scenarios.put("metadata: " + name, session -> {
      try (ResultSet rows = call.of(session.connection.getMetaData())) {
        return withoutOids(rows);
      }
    });
  }

  private static Object properties(Session session) throws Exception {
    Map<String, Object> seen = new TreeMap<>();
    for (Method method : DatabaseMetaData.class.getMethods()) {
      if (method.getParameterCount() == 0 && !LEFT_OUT.contains(method.getName())) {
        seen.put(method.getName(), call(session, method));
      }
    }
    return seen;
  }

  /** A property, or a table without parameters (getTypeInfo, getCatalogs, ...), whose rows the driver does not put in order. */
  private static Object call(Session session, Method method) throws Exception {
    try {
      Object value = method.invoke(session.connection.getMetaData());
      return value instanceof ResultSet rows ? sorted(rows) : value;
    } catch (InvocationTargetException problem) {
      throw (Exception) problem.getCause();
    }
  }

  private static Object sorted(ResultSet rows) throws SQLException {
    Object columns = Look.columns(rows.getMetaData());
    return Look.map("columns", columns, "rows", Look.rows(rows).stream().map(Json::of).sorted().toList());
  }

  /** A specific name of a function ends with its oid. */
  private static Object withoutOids(ResultSet rows) throws SQLException {
    return Json.of(Look.table(rows)).replaceAll("_\\d{5,}\"", "_N\"");
  }
}
