"""COPY between clients and Redshift: an S3 that checks signatures, the stand-in, and what leads a proxy to both."""
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "lib"))
sys.path.insert(0, str(HERE.parent))
from launch import eventually, make_folder  # noqa: E402
from redshift import StandIn  # noqa: E402
from s3_server import Key, S3Server  # noqa: E402

BUCKET, REGION, PREFIX = "loads", "eu-central-1", "in/pgswitch/"
KEY_ID, SECRET, TOKEN = "AKIDCOPYTESTS", "secret/of+copy/tests", "the+session/token=="
TABLES = """
DROP TABLE IF EXISTS loaded, counted;
CREATE TABLE loaded (id int, what varchar(200), day date);
CREATE TABLE counted (n bigint, filler varchar(2000));
GRANT ALL ON loaded, counted TO PUBLIC;
"""


@dataclass
class Warehouse:
    s3: S3Server
    redshift: StandIn
    cluster: object

    def database(self, port=None, **settings):
        """The [databases] line of a route to it."""
        keys = {"copy_bucket": BUCKET, "copy_prefix": PREFIX, "copy_region": REGION, "copy_s3_endpoint": self.s3.endpoint, **settings}
        more = " ".join(f"{key}={value}" for key, value in keys.items() if value is not None)
        return f"host=127.0.0.1 port={port or self.redshift.port} dbname=app kind=redshift {more}"

    def is_clean(self):
        """Nothing is left in the bucket."""
        return not self.s3.list(BUCKET) and not self.s3.uploads()

    def expect_clean(self):
        eventually(self.is_clean, what="no object and no multipart upload is left")

    def rows(self, query="SELECT id, what, day FROM loaded ORDER BY id"):
        return self.cluster.sql(query, "app").strip()


@contextmanager
def warehouse(cluster, folder, token=None, **options):
    cluster.sql(TABLES, "app")
    folder = make_folder(folder)
    with S3Server(make_folder(folder / "s3"), keys={KEY_ID: Key(SECRET, token)}, buckets=(BUCKET,), region=REGION) as s3:
        with StandIn(cluster, folder / "stand-in", auth="trust", s3_endpoint=s3.endpoint, **options) as redshift:
            yield Warehouse(s3, redshift, cluster)


def connect(proxy, dbname="dw", **more):
    return proxy.connect(dbname=dbname, cursor_factory=psycopg.ClientCursor, **more)


def with_keys(token=None, key=KEY_ID, secret=SECRET):
    """What the proxy is run under."""
    names = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_EC2_METADATA_DISABLED": "true"}
    if token:
        names["AWS_SESSION_TOKEN"] = token
    return ("env", *(f"{name}={value}" for name, value in names.items()))
