import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** What PostgreSQL's JDBC driver sees of the stand-in for Redshift; one "name: value" a line. */
public class Look {
    public static void main(String[] arguments) throws SQLException {
        try (Connection connection = DriverManager.getConnection(arguments[0])) {
            say("version", connection.getMetaData().getDatabaseProductVersion());
            try (Statement statement = connection.createStatement()) {
                statement.execute("create temp table t (a int, b varchar(40))");
            }
            connection.setAutoCommit(false);
            try (PreparedStatement insert = connection.prepareStatement("insert into t values (?, ?)")) {
                for (int i = 0; i < 25; i++) {
                    insert.setInt(1, i);
                    insert.setString(2, "it's \\ " + i);
                    insert.addBatch();
                }
                say("batch", Integer.toString(insert.executeBatch().length));
            }
            connection.commit();
            int rows = 0;
            try (PreparedStatement select = connection.prepareStatement("select a, b from t where a >= ? order by a")) {
                select.setFetchSize(4);
                select.setInt(1, 0);
                try (ResultSet result = select.executeQuery()) {
                    while (result.next()) {
                        rows += result.getString(2).equals("it's \\ " + rows) ? 1 : 0;
                    }
                }
            }
            say("as written", Integer.toString(rows));
            try (Statement statement = connection.createStatement()) {
                statement.execute("savepoint s");
            } catch (SQLException error) {
                say("savepoint", error.getSQLState());
            }
            try (Statement statement = connection.createStatement()) {
                statement.execute("select 1");
            } catch (SQLException error) {
                say("behind it", error.getSQLState());
            }
            connection.rollback();
            try (Statement statement = connection.createStatement(); ResultSet result = statement.executeQuery("select count(*) from t")) {
                result.next();
                say("kept", result.getString(1));
            }
            connection.rollback();
            say("valid", Boolean.toString(connection.isValid(5)));
        }
    }

    private static void say(String name, String value) {
        System.out.println(name + ": " + value);
    }
}
