"""Connection storms: log in, say goodbye, again."""
from load import bench_client, finished, operations
from process import cpu_ns
from table import Column, Group
from ways import PASSWORD


class Logins(Group):
    name = "logins"
    title = ("16 clients that do nothing but log in and leave. \"scram\" and \"md5\": the pooler's user list has the secret that the cluster "
             "stores; \"scram, plaintext\": it has the password. The clients remember the keys that they derived for a salt, so that "
             "the proxy is what is measured; haproxy leaves the login to PostgreSQL.")
    heads = ("method",)
    cells = (("trust",), ("md5",), ("scram",), ("scram, plaintext",))
    columns = (Column("rate", "logins/s", ratio=True), Column("cpu", "proxy CPU us/login", ".1f", ratio=True))
    ways = ("pgswitch", "pgbouncer", "haproxy", "direct")

    def measure(self, stage, name, cell, arguments):
        method = cell[0]
        if name in ("haproxy", "direct") and method in ("trust", "scram, plaintext"):
            return None
        user = "app_scram" if method.startswith("scram") else "app"
        password = PASSWORD if method in ("trust", "scram, plaintext") else stage.secret(user)
        way = stage.way(name, users=((user, password),), auth_type={"trust": "trust", "md5": "md5"}.get(method, "scram-sha-256"))
        finished(bench_client("logins", way.port, 1, 0.1, user=user))
        before = cpu_ns(way.pid) if way.pid else 0
        count, rate = operations(finished(bench_client("logins", way.port, 16, arguments.seconds, user=user)))
        return {"rate": rate, "cpu": (cpu_ns(way.pid) - before) / 1000 / count if way.pid else None}
