"""How clients are refused, sent away, and keep others waiting."""
import psycopg
import pytest
from endpoint import one


def told(error):
    """The text of what ended a connection or a statement."""
    return str(error).split("FATAL:")[-1].removeprefix("consuming input failed:").strip().splitlines()[0]


def refused(endpoint, **parameters):
    with pytest.raises(psycopg.OperationalError) as error:
        endpoint.connect(**parameters)
    return str(error.value).split("FATAL:")[-1].strip().splitlines()[0]


def hold(connection):
    """Takes a server and keeps it."""
    connection.execute("BEGIN")
    one(connection, "SELECT 1")
