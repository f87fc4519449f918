"""CopyManager of the PostgreSQL JDBC driver on a Redshift route: streams and single writes, both formats, in a transaction and outside."""
import subprocess

import pytest
from copying import warehouse, with_keys
from endpoint import USERS
from programs import built

pytestmark = pytest.mark.pgswitch
DRIVER = "/usr/share/java/postgresql.jar"


@pytest.fixture(scope="module")
def stock(analytics, place):
    with warehouse(analytics, place / "copy-jdbc") as started:
        yield started


BOTH = {
    "text": "3", "csv": "2", "rows loaded": "5 15", "format": "0 2 0", "endCopy": "3", "handled": "3", "active": "false", "rows": "3 6",
    "active after cancelCopy": "false", "rows after cancelCopy": "0 null",
    "wrong value": '22P02 invalid input syntax for type integer: "zwei" | COPY loaded, line 2, column id: "zwei"',
    "wrong line": '22P04 extra data after last expected column | COPY loaded, line 2: "2,two,three"',
}
WANTED = {
    "copyOut rows": "3", "copyOut text": r'1\tone\n2\ta,"b"\n3\t\\N\n', "copyOut csv": r'id,what\n1,one\n2,"a,""b"""\n3,\n',
    "readFromCopy": "19 3", "rows after copyOut": "3 6", "large rows": "20000 199990000",
    "binary": "0A000 COPY in the binary format cannot be run on Redshift | null", "works on": "1",
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ("transaction", "session"))
def test_copy_manager(start_proxy, stock, mode):
    folder = built("jdbc_copy_redshift", ["bash", "-c", f"javac -Xlint:all -Werror -cp {DRIVER} *.java"])
    stock.cluster.sql("TRUNCATE loaded", "app")
    proxy = start_proxy(rules=None, wrapper=with_keys(), pool_mode=mode, databases={"dw": stock.database()})
    url = f"jdbc:postgresql://127.0.0.1:{proxy.port}/dw?sslmode=disable"
    done = subprocess.run(["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{folder}:{DRIVER}", "CopyRedshift", url, "app", USERS["app"]],
                          capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = dict(line.split(" = ", 1) for line in done.stdout.splitlines())
    for each in ("autocommit", "transaction"):
        for what, value in BOTH.items():
            assert seen[f"{each} {what}"] == value, what
    assert seen["transaction rows after rollback"] == "0 null"
    assert seen["transaction behind it"] == "25P02"
    for what, value in WANTED.items():
        assert seen[what] == value, what
    assert seen["no table"].startswith('42P01 relation "missing" does not exist')
    stock.expect_clean()
