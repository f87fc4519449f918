"""psqlODBC behind unixODBC: prepared by the server or not, with cursors or without, and its three ways to roll back an error."""
import pytest
from programs import built, statements_file


@pytest.fixture(scope="module")
def statements(tmp_path_factory):
    return statements_file(tmp_path_factory.mktemp("odbc") / "statements")


def test_odbc_sees_the_same_through_the_proxy(proxy, comparison, statements):
    folder = built("odbc", ["gcc", "-Wall", "-Wextra", "-Werror", "-o", "program", "program.c", "-lodbc"])
    comparison.check("odbc", [folder / "program"], proxy, env={"STATEMENTS": str(statements)})
