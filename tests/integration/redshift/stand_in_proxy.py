"""A proxy between its clients and the stand-in for Redshift: database "app" is PostgreSQL, "dw" is Redshift, both of the cluster analytics."""
import sys
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "lib"))
sys.path.insert(0, str(HERE.parent / "drivers"))
from redshift import StandIn  # noqa: E402

RULES = """
function route(stmt, session)
  if stmt:touches("postgres_only") then return "app" end
end
"""
TABLES = """
DROP TABLE IF EXISTS notes; CREATE TABLE notes (id int, what varchar(200));
GRANT ALL ON notes TO PUBLIC;
"""


@contextmanager
def stand_in(cluster, folder, **options):
    cluster.sql(TABLES, "app")
    with StandIn(cluster, folder, auth="trust", **options) as redshift:
        yield redshift


def databases(cluster, redshift, more=""):
    return {"app": f"host=127.0.0.1 port={cluster.port} dbname=app",
            "dw": f"host=127.0.0.1 port={redshift.port} dbname=app kind=redshift {more}"}
