"""The PostgreSQL JDBC driver, in each query mode, with prepared statements and binary transfer, autosave and rewritten batches."""
import pytest
from programs import built, statements_file

DRIVER = "/usr/share/java/postgresql.jar"


@pytest.fixture(scope="module")
def statements(tmp_path_factory):
    return statements_file(tmp_path_factory.mktemp("jdbc") / "statements")


@pytest.mark.timeout(400)
def test_jdbc_sees_the_same_through_the_proxy(proxy, comparison, statements):
    folder = built("jdbc", ["bash", "-c", f"javac -Xlint:all -Werror -cp {DRIVER} *.java"])
    command = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{folder}:{DRIVER}", "Program"]
    comparison.check("jdbc", command, proxy, timeout=390, env={"STATEMENTS": str(statements)})
