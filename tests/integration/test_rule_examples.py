"""The rule files of conf/rules: each passes its own tests, and does on two real clusters what its header says."""
import psycopg
import pytest
from endpoint import WHO, failure, one
from launch import ROOT, eventually, write_file
from pooler import ini_text, run_command
from rewriting import PROTOCOLS
from test_cancel import in_background, sleeping

pytestmark = pytest.mark.pgswitch
FOLDER = ROOT / "conf" / "rules"
EXAMPLES = sorted(path.stem.removesuffix("_test") for path in FOLDER.glob("*_test.lua"))
MODULES = {"allow_list": ["allow_list_known.lua"]}
ROUTES = ("app", "app.redshift", "app.redshift2", "app.replica")
REPORTS = """
SET ROLE app;
CREATE TABLE store (storeid int, storename text);
CREATE TABLE product (productid int, prodname text);
CREATE TABLE store_sales (storename text, total numeric);
CREATE TABLE product_sales (prodname text, total numeric);
INSERT INTO store_sales VALUES ('here', 1), ('here', 2);
INSERT INTO product_sales VALUES ('soap', 7);
CREATE TABLE orders (id int, tenant text, total numeric);
INSERT INTO orders VALUES (1, 'app', 10), (2, 'other', 20), (3, 'app', 30);
CREATE TABLE invoices (id int, tenant text);
CREATE SCHEMA shop CREATE TABLE orders (id int, note text);
INSERT INTO shop.orders VALUES (1, 'shop_v1');
CREATE TABLE sales_by_day (day date, total numeric);
INSERT INTO sales_by_day VALUES ('2020-01-01', 5), ('2020-01-02', 6);
CREATE TABLE job_runs (id int PRIMARY KEY, state text);
CREATE TABLE sales (id int);
INSERT INTO sales VALUES (1);
CREATE TABLE sales_2020 (id int, year int);
INSERT INTO sales_2020 VALUES (5, 2020), (6, 2020);
CREATE TABLE events (id int);
INSERT INTO events VALUES (1);
GRANT ALL ON ALL TABLES IN SCHEMA public TO other;
"""
TABLES_GONE = """
DROP TABLE store, product, store_sales, product_sales, orders, invoices, sales_by_day, job_runs, sales, sales_2020, events;
DROP SCHEMA shop CASCADE;
"""
ANALYTICS = """
SET ROLE app;
CREATE VIEW v_all_sales AS SELECT *, '2020-01-15'::date AS saletime FROM sales;
GRANT SELECT ON v_all_sales TO other;
"""


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_own_tests_pass(name, tmp_path):
    write_file(tmp_path / "users.txt", '"app" "secret"\n')
    settings = {"auth_file": tmp_path / "users.txt", "rules_file": FOLDER / f"{name}.lua"}
    ini = write_file(tmp_path / "pgswitch.ini", ini_text({route: "host=127.0.0.1" for route in ROUTES}, settings))
    status, out, err = run_command("test", ini, FOLDER / f"{name}_test.lua")
    assert status == 0, out + err


def test_every_rule_file_has_its_tests_here():
    files = {path.stem for path in FOLDER.glob("*.lua")} - {name.removesuffix(".lua") for names in MODULES.values() for name in names}
    assert files == {*EXAMPLES, *(f"{name}_test" for name in EXAMPLES)}
    assert {name for name in globals() if name.startswith("test_example_")} == {f"test_example_{name}" for name in EXAMPLES}


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_header_says_in_three_lines_what_it_is_for(name):
    lines = (FOLDER / f"{name}.lua").read_text().splitlines()
    assert [line.startswith("-- ") for line in lines[:4]] == [True, True, True, False]
    assert "Routes:" in lines[2]


@pytest.fixture(scope="module")
def schema(clusters):
    oltp, analytics = clusters
    oltp.sql(REPORTS, "app")
    analytics.sql(ANALYTICS, "app")
    yield
    oltp.sql(TABLES_GONE, "app")
    analytics.sql("DROP VIEW v_all_sales", "app")


@pytest.fixture(params=PROTOCOLS.values(), ids=PROTOCOLS)
def protocol(request):
    return request.param


@pytest.fixture
def start(start_proxy, clusters, schema):
    """Starts a proxy with an example, its text changed by `edit`. The routes app and app.redshift2 lead to the cluster oltp, app.redshift
    and app.replica to analytics."""
    def start(name, edit=lambda text: text, **settings):
        oltp, analytics = clusters
        databases = {name: f"host=127.0.0.1 port={port} dbname=app"
                     for name, port in (("app.redshift2", oltp.port), ("app.replica", analytics.port))}
        proxy = start_proxy(rules="\n", databases=databases, pool_mode="transaction", **settings)
        for module in MODULES.get(name, ()):
            write_file(proxy.pooler.folder / module, (FOLDER / module).read_text())
        write_file(proxy.pooler.folder / "rules.lua", edit((FOLDER / f"{name}.lua").read_text()))
        proxy.console("RELOAD")
        return proxy
    return start


def test_example_postgres_to_redshift(start, protocol):
    proxy = start("postgres_to_redshift")
    with proxy.connect(**protocol) as client, proxy.connect(application_name="etl", **protocol) as loader:
        assert one(client, "SELECT count(*) FILTER (WHERE id IS DISTINCT FROM NULL) FROM sales") == one(client, "SELECT count(*) FROM sales")
        assert one(client, f"SELECT {WHO} FROM sales LIMIT 1") == "analytics"
        assert failure(client, "SELECT array_agg(id) FROM sales").sqlstate == "0A000"
        assert failure(client, "SELECT id FROM sales FOR UPDATE").diag.message_primary == "Redshift has no row locks (FOR UPDATE, FOR SHARE)"
        assert loader.execute("SELECT id FROM sales LIMIT 1 FOR UPDATE").fetchone() is not None
        assert failure(client, "SELECT nvl(id, 1) FROM sales").sqlstate == "42883"  # as it is, and no Redshift behind this route


def test_example_tables_on_two_clusters(start, protocol):
    proxy = start("tables_on_two_clusters")
    with proxy.connect(**protocol) as client:
        assert one(client, f"SELECT {WHO} FROM customers LIMIT 1") == "oltp"
        assert one(client, f"SELECT {WHO} FROM sales LIMIT 1") == "analytics"
        assert failure(client, "SELECT * FROM customers c JOIN sales s ON s.customer_id = c.id").sqlstate == "0A000"
        assert one(client, f"SELECT {WHO} FROM events LIMIT 1") == "analytics"


def test_example_ab_split(start):
    proxy = start("ab_split", lambda text: text.replace("percent = 10", "percent = 30"))  # of 100: other is 28, app is 31
    with proxy.connect() as old, proxy.connect(user="other") as new:
        for _ in range(3):
            assert one(old, f"SELECT {WHO} FROM sales LIMIT 1") == "analytics"
            assert one(new, f"SELECT {WHO} FROM sales LIMIT 1") == "oltp"


@pytest.mark.parametrize("workers", (1, 2))
def test_example_balanced_clusters(start, workers):
    proxy = start("balanced_clusters", workers=workers)
    with proxy.many(2) as clients:
        seen = [one(client, f"SELECT {WHO} FROM sales LIMIT 1") for _ in range(3) for client in clients]
        assert seen == ["oltp", "analytics"] * 3


def test_example_least_busy_cluster(start, analytics):
    proxy = start("least_busy_cluster")
    with proxy.many(2) as clients:
        assert one(clients[1], f"SELECT {WHO} FROM events LIMIT 1") == "analytics"
        wait = in_background(lambda: failure(clients[0], "SELECT pg_sleep(60) FROM events LIMIT 1"))
        eventually(lambda: sleeping(analytics) == 1, what="the first cluster is busy")
        eventually(lambda: one(clients[1], f"SELECT {WHO} FROM events LIMIT 1") == "oltp", what="the other one is less so")
        clients[0].cancel()
        wait()


def test_example_projections(start, protocol):
    proxy = start("projections")
    with proxy.connect(**protocol) as client:
        store = "SELECT storename, SUM(total) FROM sales JOIN store USING (storeid) GROUP BY storename ORDER BY storename"
        assert client.execute(store).fetchall() == [("here", 3)]
        product = "select prodname, sum(total) from sales join product using (productid) group by prodname order by prodname"
        assert client.execute(product).fetchall() == [("soap", 7)]


def test_example_row_filters(start, protocol):
    proxy = start("row_filters")
    with proxy.connect(**protocol) as app, proxy.connect(user="other", **protocol) as other:
        assert app.execute("SELECT id FROM orders ORDER BY id").fetchall() == [(1,), (3,)]
        assert other.execute("SELECT id FROM orders ORDER BY id").fetchall() == [(2,)]
        assert other.execute("UPDATE orders SET total = 21").rowcount == 1
        assert failure(other, "INSERT INTO orders VALUES (4, 'app', 1)").sqlstate == "0A000"


def test_example_renamed_schema(start, protocol):
    proxy = start("renamed_schema")
    with proxy.connect(**protocol) as client:
        assert client.execute("SELECT id FROM shop_v1.orders WHERE note = 'shop_v1'").fetchall() == [(1,)]
        cursor = client.execute("SELECT fullname FROM clients WHERE id = 5")
        assert cursor.description[0].name == "fullname" and cursor.fetchall() == [("customer 5",)]


def test_example_wide_scans(start, protocol):
    proxy = start("wide_scans")
    with proxy.connect(**protocol) as client:
        query = "SELECT count(*) FROM v_all_sales WHERE saletime >= '2020-01-01' AND saletime < '2020-%s'"
        assert one(client, query % "01-31") == 10000
        cursor = client.execute(query % "03-01")
        assert cursor.description[0].name == "alert"
        assert cursor.fetchone()[0] == "WARNING: scans against v_all_sales must be limited to no more than 30 days"


def test_example_aggregates(start, protocol):
    proxy = start("aggregates")
    with proxy.connect(**protocol) as client:
        rows = client.execute("SELECT day, sum(total) FROM sales WHERE day >= '2020-01-02' GROUP BY day ORDER BY day").fetchall()
        assert [int(total) for _, total in rows] == [6]
        assert one(client, "SELECT count(*) FROM sales") == 10000


def test_example_tables_by_year(start, protocol):
    proxy = start("tables_by_year")
    with proxy.connect(**protocol) as client:
        assert client.execute("SELECT id FROM sales WHERE year = 2020 AND id > 5").fetchall() == [(6,)]
        assert client.execute("SELECT id FROM sales").fetchall() == [(1,)]


def test_example_captured_writes(start):
    proxy = start("captured_writes")
    with proxy.connect(cursor_factory=psycopg.ClientCursor) as client:
        for amount in (97, 98, 97):
            client.execute("INSERT INTO written (amount) VALUES (%s)", [amount])
        assert one(client, "SELECT count(*) FROM written") == 3
    captured = [line.partition("captured")[2] for line in proxy.pooler.log_text().splitlines() if "captured" in line]
    assert [line.partition(": ")[2] for line in captured] == [f"INSERT INTO written (amount) VALUES ({n})" for n in (97, 98, 97)]


def test_example_job_tracking(start):
    proxy = start("job_tracking")
    with proxy.connect(dbname="app.redshift") as job:
        job.execute("INSERT INTO job_runs VALUES (1, 'runs')")
        assert one(job, f"SELECT {WHO} FROM sales LIMIT 1") == "analytics"
        assert job.execute("UPDATE job_runs SET state = 'done' WHERE id = 1 RETURNING state, " + WHO).fetchall() == [("done", "oltp")]
        assert failure(job, "INSERT INTO job_runs SELECT id FROM sales").sqlstate == "0A000"


def test_example_read_write_split(start, protocol):
    proxy = start("read_write_split")
    with proxy.connect(**protocol) as client:
        assert one(client, f"SELECT {WHO}") == "analytics"
        assert one(client, f"INSERT INTO written (what) VALUES ('x') RETURNING {WHO}") == "oltp"
        assert one(client, f"SELECT {WHO}") == "oltp"
        with client.transaction():
            client.execute("UPDATE written SET what = 'y'")
            assert one(client, f"SELECT {WHO}") == "oltp"


def test_example_tenants(start):
    proxy = start("tenants", lambda text: text.replace("acme_*", "app").replace("globex_*", "other"))
    with proxy.connect() as first, proxy.connect(user="other") as second, proxy.connect(user="md5user") as nobody:
        assert one(first, f"SELECT {WHO}") == "analytics"
        assert one(second, f"SELECT {WHO}") == "oltp"
        assert failure(nobody, "SELECT 1").sqlstate == "28000"


def test_example_bi_users(start, protocol):
    proxy = start("bi_users")
    with proxy.connect(application_name="Tableau 9", **protocol) as tableau, proxy.connect(**protocol) as shop:
        assert one(tableau, f"SELECT {WHO}") == "analytics"
        assert failure(tableau, "DELETE FROM customers").sqlstate == "25006"
        assert one(shop, f"SELECT {WHO}") == "oltp"


def test_example_maintenance_window(start):
    proxy = start("maintenance_window", lambda text: text.replace("{ 2, 4 }", "{ 0, 24 }"))
    with proxy.connect() as client:
        assert failure(client, "SELECT * FROM sales").sqlstate == "57P03"
        assert one(client, f"SELECT {WHO} FROM customers LIMIT 1") == "oltp"


def test_example_allow_list(start):
    proxy = start("allow_list")
    with proxy.connect() as client:
        assert client.execute("SELECT name FROM customers WHERE id = %s", [5]).fetchone() == ("customer 5",)
        assert one(client, "SELECT count(*) FROM customers") == 1000
        assert failure(client, "SELECT * FROM customers").sqlstate == "42501"


def test_the_allow_list_learns_and_observes_first(start):
    for mode, said in (("learn", "new statement:"), ("observe", "allow-list")):
        proxy = start("allow_list", lambda text: text.replace('mode = "enforce"', f'mode = "{mode}"'))
        with proxy.connect() as client:
            assert len(client.execute("SELECT * FROM customers").fetchall()) == 1000
            eventually(lambda: said in proxy.pooler.log_text(), what="it is in the log")
