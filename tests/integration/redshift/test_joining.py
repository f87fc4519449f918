"""Redshift and PostgreSQL joined by dblink and postgres_fdw, which connect through pgswitch: the set-ups that people publish.

The cluster "oltp" is where users work. Its foreign servers lead to pgswitch's port, and from there to the databases "warehouse" (Redshift) and
"orders" (another PostgreSQL). What each statement must return is computed beside it, by the cluster that has the tables."""
import json
import subprocess
from pathlib import Path

import launch
import psycopg
import pytest
from cluster import Cluster
from endpoint import USERS, Endpoint, one
from redshift import StandIn

HERE = Path(__file__).resolve().parent
pytestmark = pytest.mark.pgswitch
SELLERS = """
    SELECT sellerid, sum(pricepaid) sales
    FROM sales
    WHERE saletime >= '2008-01-01'
    AND saletime < '2008-02-01'
    GROUP BY sellerid
    ORDER BY sales DESC
"""
FROM_DBLINK = f"FROM dblink('warehouse', $REDSHIFT${SELLERS}$REDSHIFT$) AS t1 (sellerid int, sales decimal)"
LIKES = "SELECT state, sum(likesports::int) sports_like_count FROM users GROUP BY state"
HOURS = """
    SELECT date_trunc('hours', saletime) AS ts, sellerid, sum(pricepaid) sales
    FROM sales
    WHERE saletime >= '{since}'
    AND saletime < '{until}'
    GROUP BY ts, sellerid
    ORDER BY sales
"""
SERVERS = """
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE EXTENSION IF NOT EXISTS dblink;
CREATE SERVER warehouse FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{port}', dbname 'warehouse', sslmode 'require');
CREATE SERVER orders FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{port}', dbname 'orders', sslmode 'require');
CREATE USER MAPPING FOR app SERVER warehouse OPTIONS (user 'app', password 'app-secret');
CREATE USER MAPPING FOR app SERVER orders OPTIONS (user 'app', password 'app-secret');
GRANT USAGE ON FOREIGN SERVER warehouse, orders TO app;
"""
FOREIGN_TABLES = """
CREATE FOREIGN TABLE warehouse_sales (salesid integer, sellerid integer, qtysold smallint, pricepaid decimal(8, 2), saletime timestamp)
  SERVER warehouse OPTIONS (schema_name 'public', table_name 'sales');
CREATE FOREIGN TABLE warehouse_users (userid integer, username varchar(40), state char(2), likesports boolean)
  SERVER warehouse OPTIONS (schema_name 'public', table_name 'users');
"""


@pytest.fixture(scope="module")
def orders(place):
    """Another PostgreSQL, which nobody reaches but through pgswitch."""
    with Cluster(place / "orders", "orders") as cluster:
        cluster.sql((HERE.parent / "roles.sql").read_text())
        cluster.sql("SET ROLE app; CREATE TABLE orders (id integer PRIMARY KEY, userid integer, total numeric, note text);"
                    "INSERT INTO orders SELECT i, 1 + i % 400, i, 'note ' || i FROM generate_series(1, 2000) AS i;", "app")
        yield cluster


@pytest.fixture(scope="module")
def warehouse(analytics):
    """The database behind Redshift, asked directly."""
    analytics.sql("CREATE DATABASE warehouse OWNER app")
    analytics.sql((HERE / "joining.sql").read_text(), "warehouse")
    with psycopg.connect(**Endpoint(analytics.port).parameters(dbname="warehouse"), autocommit=True) as connection:
        yield connection
    analytics.sql("DROP DATABASE warehouse WITH (FORCE)")


@pytest.fixture(scope="module")
def redshift(analytics, place, warehouse):
    with StandIn(analytics, place / "stand-in-joining", auth="md5", users=USERS) as started:
        yield started


@pytest.fixture(scope="module")
def joined(make_pooler, oltp, orders, warehouse, redshift):
    """pgswitch in front of all three, and "oltp" with foreign servers that lead to it."""
    pooler = make_pooler(tls=True, rules=None, default_pool_size=10, face_database="app", server_tls_sslmode="prefer", databases={
        "warehouse": f"host=127.0.0.1 port={redshift.port} dbname=warehouse kind=redshift translate=auto",
        "orders": f"host=127.0.0.1 port={orders.port} dbname=app"})
    with pooler:
        oltp.sql(SERVERS.format(port=pooler.port), "app")
        oltp.sql("SET ROLE app;" + FOREIGN_TABLES + "IMPORT FOREIGN SCHEMA public LIMIT TO (orders) FROM SERVER orders INTO public", "app")
        yield Endpoint(pooler.port, tls=True, pooler=pooler)
        oltp.sql("DROP EXTENSION postgres_fdw CASCADE; DROP EXTENSION dblink CASCADE", "app")


@pytest.fixture
def connection(joined):
    """A client of pgswitch in the database "app", whose server is "oltp"."""
    with joined.connect() as connected:
        yield connected


def rows(connection, sql):
    return connection.execute(sql).fetchall()


class TestDblink:
    def test_the_whole_query_runs_in_redshift(self, connection, warehouse):
        assert rows(connection, f"SELECT * {FROM_DBLINK}") == rows(warehouse, SELLERS)

    def test_the_result_becomes_json(self, connection, warehouse):
        found = one(connection, f"SELECT array_to_json(array_agg(t1)) FROM (SELECT * {FROM_DBLINK}) t1")
        assert found == [{"sellerid": seller, "sales": json.loads(str(sales))} for seller, sales in rows(warehouse, SELLERS)]

    def test_a_view_hides_it(self, connection, warehouse):
        connection.execute(f"CREATE OR REPLACE VIEW v_sales AS SELECT * {FROM_DBLINK}")
        assert rows(connection, "SELECT * FROM v_sales") == rows(warehouse, SELLERS)
        connection.execute("DROP VIEW v_sales")

    def test_a_function_takes_the_dates(self, connection, warehouse):
        connection.execute("""
            CREATE OR REPLACE FUNCTION get_sales(_startdate timestamp, _enddate timestamp)
            RETURNS TABLE (sellerid int, sales decimal) AS $body$
            DECLARE
              remote_sql TEXT;
            BEGIN
              remote_sql = FORMAT('
                SELECT sellerid, sum(pricepaid) sales
                FROM sales
                WHERE saletime >= %L AND saletime < %L
                GROUP BY sellerid
                ORDER BY sales DESC
              ', _startdate, _enddate);
              RETURN QUERY SELECT * FROM dblink('warehouse', remote_sql) AS t1 (sellerid int, sales decimal);
            END; $body$ LANGUAGE plpgsql VOLATILE""")
        assert rows(connection, "SELECT * FROM get_sales('2008-01-01', '2008-02-01')") == rows(warehouse, SELLERS)
        assert rows(connection, "SELECT * FROM get_sales('2009-01-01', '2009-02-01')") == []

    def test_format_quotes_what_redshift_reads(self, connection, warehouse):
        """%L makes E'..' of what has a backslash."""
        name = one(warehouse, "SELECT username FROM users WHERE userid = 7")
        assert name == "user 7 '\\"
        found = rows(connection, f"""SELECT * FROM dblink('warehouse', format('SELECT userid, username FROM users WHERE username = %L',
                                     $name${name}$name$)) AS t (userid int, username text)""")
        assert found == [(7, name)]

    def test_a_materialized_view_is_a_copy_until_it_is_refreshed(self, connection, warehouse):
        connection.execute(f"""CREATE MATERIALIZED VIEW v_users_likes_by_state AS
            SELECT * FROM dblink('warehouse', $REDSHIFT${LIKES}$REDSHIFT$) AS t1 (state text, sports_like_count int)""")
        before = sorted(rows(warehouse, LIKES))
        assert sorted(rows(connection, "SELECT * FROM v_users_likes_by_state")) == before
        warehouse.execute("INSERT INTO users VALUES (401, 'late', 'WA', true)")
        assert sorted(rows(connection, "SELECT * FROM v_users_likes_by_state")) == before
        connection.execute("REFRESH MATERIALIZED VIEW v_users_likes_by_state")
        assert sorted(rows(connection, "SELECT * FROM v_users_likes_by_state")) == sorted(rows(warehouse, LIKES)) != before
        connection.execute("DROP MATERIALIZED VIEW v_users_likes_by_state")
        warehouse.execute("DELETE FROM users WHERE userid = 401")

    def test_new_rows_are_copied_into_a_table_with_a_brin_index(self, connection, warehouse):
        connection.execute("CREATE TABLE sales_summary (saletime timestamp, sellerid int, sales decimal)")
        connection.execute("CREATE INDEX idx_sales_summary_brin ON sales_summary USING BRIN (saletime)")
        for since, until in (("2008-01-01", "2008-02-01"), ("2008-02-01", "2008-03-01")):
            connection.execute(f"""INSERT INTO sales_summary SELECT * FROM dblink('warehouse', $REDSHIFT${HOURS.format(since=since, until=until)}$REDSHIFT$)
                AS t1 (saletime timestamp, sellerid int, sales decimal)""")
        assert sorted(rows(connection, "SELECT * FROM sales_summary")) == sorted(rows(warehouse, HOURS.format(since="2008-01-01", until="2008-03-01")))
        connection.execute("DROP TABLE sales_summary")

    def test_a_named_connection_fetches_by_cursor(self, connection, warehouse):
        with connection.transaction():
            connection.execute("SELECT dblink_connect('linked', 'warehouse')")
            connection.execute("SELECT dblink_open('linked', 'c', 'SELECT salesid FROM sales ORDER BY salesid')")
            found = []
            while part := rows(connection, "SELECT * FROM dblink_fetch('linked', 'c', 700) AS t (salesid int)"):
                found += part
            connection.execute("SELECT dblink_close('linked', 'c')")
            connection.execute("SELECT dblink_disconnect('linked')")
        assert found == rows(warehouse, "SELECT salesid FROM sales ORDER BY salesid")

    def test_an_asynchronous_query_runs_while_the_caller_works(self, connection, warehouse):
        with connection.transaction():
            connection.execute("SELECT dblink_connect('linked', 'warehouse')")
            assert one(connection, f"SELECT dblink_send_query('linked', $q${LIKES}$q$)") == 1
            assert one(connection, "SELECT count(*) FROM customers") == 1000
            assert sorted(rows(connection, "SELECT * FROM dblink_get_result('linked') AS t (state text, n int)")) == sorted(rows(warehouse, LIKES))
            connection.execute("SELECT dblink_disconnect('linked')")


class TestForeignTables:
    def test_its_tables_are_imported(self, connection, warehouse):
        """Redshift has neither collations nor generated columns to tell of."""
        connection.execute("CREATE SCHEMA imported")
        connection.execute("IMPORT FOREIGN SCHEMA public LIMIT TO (sales) FROM SERVER warehouse INTO imported OPTIONS (import_collate 'false', import_generated 'false')")
        query = "SELECT count(*), sum(pricepaid), max(saletime) FROM {}sales"
        assert rows(connection, query.format("imported.")) == rows(warehouse, query.format(""))
        connection.execute("DROP SCHEMA imported CASCADE")

    def test_one_query_reads_both_databases(self, connection, warehouse, orders):
        """Three servers in one join: local customers, users in Redshift, orders in the other PostgreSQL."""
        found = rows(connection, """
            SELECT c.name, u.state, sum(o.total) FROM customers c JOIN warehouse_users u ON u.userid = c.id JOIN orders o ON o.userid = u.userid
            WHERE c.id <= 20 GROUP BY c.name, u.state ORDER BY c.name""")
        states = dict(rows(warehouse, "SELECT userid, state FROM users WHERE userid <= 20"))
        totals = dict(line.split("|") for line in orders.sql("SELECT userid, sum(total) FROM orders WHERE userid <= 20 GROUP BY userid", "app").splitlines())
        assert found == sorted((f"customer {user}", states[user], int(totals[str(user)])) for user in states)

    def test_two_tables_of_redshift_are_read_at_once(self, connection, warehouse):
        """Not joined there, for the local function cannot be sent: two cursors are open in one session."""
        sql = "SELECT count(*), sum(s.qtysold) FROM {sales} s JOIN {users} u ON s.sellerid = u.userid AND {local} WHERE u.state = 'NY'"
        connection.execute("CREATE FUNCTION local_true(int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END'")
        found = rows(connection, sql.format(sales="warehouse_sales", users="warehouse_users", local="local_true(s.sellerid) AND local_true(u.userid)"))
        connection.execute("DROP FUNCTION local_true(int)")
        assert found == rows(warehouse, sql.format(sales="sales", users="users", local="true"))

    @pytest.mark.parametrize("sql", (
        "SELECT count(*) FILTER (WHERE qtysold > 2), sum(pricepaid) FROM {sales}",
        "SELECT sellerid, string_agg(salesid::text, ',' ORDER BY salesid) FROM {sales} WHERE salesid < 30 GROUP BY sellerid ORDER BY sellerid",
        "SELECT salesid FROM {sales} WHERE salesid = ANY ('{{1,2,3,5000}}'::int[]) ORDER BY salesid",
        "SELECT salesid, saletime FROM {sales} ORDER BY saletime DESC NULLS LAST, salesid LIMIT 5",
        "SELECT username FROM {users} WHERE username LIKE 'user 1%' AND username <> E'user 14 ''\\\\' ORDER BY username COLLATE \"C\"",
        "SELECT DISTINCT state FROM {users} WHERE likesports IS DISTINCT FROM true ORDER BY state",
        "SELECT u.state, sum(s.pricepaid) FROM {sales} s JOIN {users} u ON s.sellerid = u.userid GROUP BY u.state HAVING sum(s.pricepaid) > 0 ORDER BY 1",
    ))
    def test_what_is_pushed_down_is_answered_as_postgresql_would(self, connection, warehouse, sql):
        found = rows(connection, sql.format(sales="warehouse_sales", users="warehouse_users"))
        assert found == rows(warehouse, sql.format(sales="sales", users="users"))

    def test_a_parameter_of_a_prepared_statement_arrives(self, connection, warehouse):
        sql = "SELECT salesid FROM {table} WHERE sellerid = %s AND saletime < %s ORDER BY salesid"
        for seller in (1, 2, 3):
            found = connection.execute(sql.format(table="warehouse_sales"), (seller, "2008-01-03"), prepare=True).fetchall()
            assert found == warehouse.execute(sql.format(table="sales"), (seller, "2008-01-03")).fetchall()

    def test_a_cursor_goes_back_in_a_nested_loop(self, connection, warehouse):
        """A rescan: MOVE BACKWARD ALL, or CLOSE and DECLARE again."""
        with connection.transaction():
            connection.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_material = off")
            found = rows(connection, """SELECT c.id, count(*) FROM (SELECT id FROM customers WHERE id <= 5 OFFSET 0) c
                JOIN (SELECT userid FROM warehouse_users OFFSET 0) u ON u.userid <= c.id GROUP BY c.id ORDER BY c.id""")
        assert found == [(n, n) for n in range(1, 6)]

    def test_a_write_through_a_foreign_table_reaches_redshift(self, connection, warehouse):
        with connection.transaction():
            connection.execute("INSERT INTO warehouse_users VALUES (900, 'nine', 'WA', true), (901, E'it''s \\\\', 'WA', NULL)")
        assert rows(warehouse, "SELECT * FROM users WHERE userid >= 900 ORDER BY userid") == [(900, "nine", "WA", True), (901, "it's \\", "WA", None)]
        connection.execute("DELETE FROM warehouse_users WHERE userid >= 900")
        assert one(warehouse, "SELECT count(*) FROM users WHERE userid >= 900") == 0

    def test_a_rollback_here_is_one_there(self, connection, warehouse):
        with connection.transaction(force_rollback=True):
            connection.execute("INSERT INTO warehouse_users VALUES (910, 'gone', 'WA', true)")
            connection.execute("INSERT INTO orders VALUES (9999, 910, 1, 'gone')")
            assert one(connection, "SELECT count(*) FROM warehouse_users WHERE userid = 910") == 1
        assert one(warehouse, "SELECT count(*) FROM users WHERE userid = 910") == 0
        assert one(connection, "SELECT count(*) FROM orders WHERE id = 9999") == 0

    def test_a_subtransaction_that_goes_well_does_well(self, connection, warehouse):
        with connection.transaction(force_rollback=True):
            with connection.transaction():
                assert one(connection, "SELECT count(*) FROM warehouse_sales") == 3000
            assert one(connection, "SELECT count(*) FROM warehouse_users") == one(warehouse, "SELECT count(*) FROM users")

    def test_an_operator_sees_the_foreign_servers(self, connection, orders):
        assert {row[0] for row in rows(connection, "SELECT srvname FROM pg_foreign_server")} >= {"warehouse", "orders"}
        assert one(connection, "SELECT count(*) FROM pg_user_mappings WHERE srvname IN ('warehouse', 'orders')") == 2
        with connection.transaction():
            assert one(connection, "SELECT count(*) FROM orders") == 2000
            assert orders.sql("SELECT DISTINCT application_name FROM pg_stat_activity WHERE application_name LIKE '%fdw%'") == "postgres_fdw"


class TestMirroring:
    def test_remote_rows_are_staged_in_a_local_table(self, connection, orders):
        connection.execute("""CREATE TABLE staging AS SELECT * FROM dblink('orders', 'SELECT id, userid, total FROM orders WHERE total > 1900')
            AS t (id int, userid int, total numeric)""")
        assert rows(connection, "SELECT count(*), sum(total) FROM staging") == [(100, 195050)]
        connection.execute("DROP TABLE staging")

    def test_a_trigger_sends_changes_on(self, connection, orders):
        connection.execute("""
            CREATE TABLE local_orders (id int PRIMARY KEY, note text);
            CREATE FUNCTION sync_changes() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE changes text;
            BEGIN
              SELECT string_agg(format('(%s, %L)', id, note), ', ') INTO changes FROM added;
              IF changes IS NOT NULL THEN
                PERFORM dblink_exec('orders', 'INSERT INTO orders (id, note) VALUES ' || changes);
              END IF;
              RETURN NULL;
            END $$;
            CREATE TRIGGER sync AFTER INSERT ON local_orders REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION sync_changes()""")
        connection.execute("INSERT INTO local_orders SELECT 5000 + i, 'it''s ' || i FROM generate_series(1, 100) AS i")
        assert orders.sql("SELECT count(*), min(note) FROM orders WHERE id > 5000", "app") == "100|it's 1"
        connection.execute("DROP TABLE local_orders; DROP FUNCTION sync_changes()")
        orders.sql("DELETE FROM orders WHERE id > 5000", "app")

    def test_notifications_of_the_other_server_arrive(self, connection, orders):
        with connection.transaction():
            connection.execute("SELECT dblink_connect('linked', 'orders')")
            connection.execute("SELECT dblink_exec('linked', 'LISTEN changed')")
            orders.sql("NOTIFY changed, 'row 7'", "app")
            found = launch.eventually(lambda: rows(connection, "SELECT notify_name, extra FROM dblink_get_notify('linked')"), what="the notification")
            connection.execute("SELECT dblink_disconnect('linked')")
        assert found == [("changed", "row 7")]


def test_a_job_in_node_refreshes_the_view(joined, connection, warehouse, node_modules):
    """What people run on a schedule: connect by URL, one statement, end."""
    connection.execute(f"""CREATE MATERIALIZED VIEW v_users_likes_by_state AS
        SELECT * FROM dblink('warehouse', $REDSHIFT${LIKES}$REDSHIFT$) AS t1 (state text, sports_like_count int) WITH NO DATA""")
    script = """
        const pg = require("pg");
        const client = new pg.Client({connectionString: process.argv[1], ssl: {rejectUnauthorized: false}});
        client.connect()
          .then(() => client.query('REFRESH MATERIALIZED VIEW v_users_likes_by_state'))
          .then(() => { console.log("Successfully Refreshed."); return client.end(); });"""
    url = f"pg://app:app-secret@127.0.0.1:{joined.port}/app"
    done = subprocess.run(["node", "-e", script, url], cwd=node_modules.parent, capture_output=True, text=True, timeout=60)
    assert done.stdout == "Successfully Refreshed.\n", done.stderr
    assert sorted(rows(connection, "SELECT * FROM v_users_likes_by_state")) == sorted(rows(warehouse, LIKES))
    connection.execute("DROP MATERIALIZED VIEW v_users_likes_by_state")
