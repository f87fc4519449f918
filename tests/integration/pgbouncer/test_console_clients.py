"""Programs that read the console as they read pgbouncer's."""
import os
import subprocess
import urllib.request

import psycopg
import pytest
from endpoint import USERS, one
from launch import accepts, eventually, free_port

pytestmark = pytest.mark.pgswitch
EXPORTER = "/usr/bin/prometheus-pgbouncer-exporter"
JDBC = "/usr/share/java/postgresql.jar"
JAVA = """
import java.sql.*;
public class Console {
  public static void main(String[] a) throws SQLException {
    for (String mode : new String[] {"simple", "extended"}) {
      try (Connection c = DriverManager.getConnection(a[0] + "&preferQueryMode=" + mode); Statement s = c.createStatement()) {
        for (String subject : a[1].split(",")) {
          try (ResultSet r = s.executeQuery("SHOW " + subject)) {
            int rows = 0;
            while (r.next()) ++rows;
            System.out.println(mode + " " + subject + " " + r.getMetaData().getColumnCount() + " " + (rows > 0));
          }
        }
        s.execute("DISABLE app");
        s.execute("ENABLE app");
      }
    }
  }
}
"""
SUBJECTS = ("POOLS", "STATS", "CLIENTS", "SERVERS", "DATABASES", "LISTS", "CONFIG", "USERS", "VERSION", "MEM", "SOCKETS", "TOTALS")


@pytest.fixture
def used(pair):
    with pair.switch.connect() as connection:
        one(connection, "SELECT 1")
        yield pair.switch


def test_debians_exporter_scrapes_it(used):
    port = free_port()
    command = [EXPORTER, "--host", "127.0.0.1", "--port", str(port), "--pgbouncer-host", used.host, "--pgbouncer-port", str(used.port),
               "--pgbouncer-user", "admin"]
    exporter = subprocess.Popen(command, env=dict(os.environ, PGPASSWORD=USERS["admin"]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: accepts(port) or exporter.poll() is not None, what="it listens")
        assert exporter.poll() is None
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    finally:
        exporter.kill()
        exporter.wait()
    metrics = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("pgbouncer_"))
    assert float(metrics['pgbouncer_requests_total{database="app"}']) >= 1
    assert float(metrics['pgbouncer_active_clients{database="app",user="app"}']) == 1
    assert float(metrics['pgbouncer_pool_size{database="app"}']) == 5
    assert 'pgbouncer_reserve_pool{database="app"}' in metrics and float(metrics["pgbouncer_used_clients"]) >= 2


def test_jdbc_reads_it_in_both_protocols(used, tmp_path):
    (tmp_path / "Console.java").write_text(JAVA)
    url = f"jdbc:postgresql://{used.host}:{used.port}/pgbouncer?user=admin&password={USERS['admin']}&sslmode=disable"
    done = subprocess.run(["java", "-XX:+UseSerialGC", "-cp", JDBC, str(tmp_path / "Console.java"), url, ",".join(SUBJECTS)], capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2 * len(SUBJECTS) and all(line.endswith(" true") for line in lines), lines


@pytest.mark.parametrize("factory", (psycopg.ClientCursor, psycopg.Cursor), ids=("simple", "extended"))
def test_psycopg_reads_it(used, factory):
    with used.connect(user="admin", dbname="pgbouncer", cursor_factory=factory) as console:
        for subject in SUBJECTS:
            assert console.execute(f"SHOW {subject}").fetchall()
        assert console.execute("SET log_stats = 1").statusmessage == "SET log_stats=1"


def test_psql_reads_it(used):
    done = used.psql("".join(f"SHOW {subject};\n" for subject in SUBJECTS) + "SHOW HELP;\nSET verbose = 0;\n", user="admin", dbname="pgbouncer")
    assert done.returncode == 0 and "Console usage" in done.stderr and "ERROR" not in done.stderr
