"""What the tests of Redshift share. The other fixtures are those of the folder above; tests here do not import from conftest."""
import sys
from pathlib import Path

import launch
import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "drivers"))
from programs import built  # noqa: E402
from redshift import StandIn  # noqa: E402
from stand_in_client import connect  # noqa: E402


@pytest.fixture(scope="session")
def node_modules():
    """node_modules with the package pg."""
    return built("node_postgres", ["npm", "install", "--no-audit", "--no-fund", "--silent"]) / "node_modules"


@pytest.fixture(scope="module")
def redshift(analytics):
    """A stand-in that trusts everybody."""
    with StandIn(analytics, launch.temporary_folder()) as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def table(redshift):
    """The name of a table of users there, with two rows."""
    with connect(redshift) as connection:
        connection.execute("create table of_users (a int, b varchar(10)) diststyle even sortkey (a)")
        connection.execute("insert into of_users values (1, 'x'), (2, 'y')")
        yield "of_users"
        connection.execute("drop table of_users")
