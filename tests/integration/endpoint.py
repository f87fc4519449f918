"""One port to connect to: a proxy's, or a server's own."""
import os
import subprocess
from contextlib import contextmanager

import psycopg

USERS = {"app": "app-secret", "other": "other-secret", "md5user": "md5-secret", "plainuser": "plain-secret",
         "admin": "admin-secret"}
WHO = "current_setting('cluster_name')"


class Endpoint:
    def __init__(self, port, tls=False, pooler=None, host="127.0.0.1"):
        self.host, self.port, self.tls, self.pooler = host, port, tls, pooler

    def parameters(self, user="app", dbname="app", **more):
        return {"host": self.host, "port": self.port, "user": user, "password": USERS.get(user, "none"), "dbname": dbname,
                "sslmode": "require" if self.tls else "disable", "connect_timeout": 10, **more}

    def url(self, user="app", dbname="app"):
        return " ".join(f"{key}={value}" for key, value in self.parameters(user, dbname).items())

    def connect(self, user="app", dbname="app", autocommit=True, cursor_factory=None, **more):
        connection = psycopg.connect(**self.parameters(user, dbname, **more), autocommit=autocommit)
        if cursor_factory:
            connection.cursor_factory = cursor_factory
        return connection

    @contextmanager
    def many(self, count, **more):
        """`count` connections at once."""
        connections = []
        try:
            for _ in range(count):
                connections.append(self.connect(**more))
            yield connections
        finally:
            for connection in connections:
                connection.close()

    def psql(self, script, *options, user="app", dbname="app"):
        """Runs a script through psql; the CompletedProcess has status, stdout and stderr."""
        return subprocess.run(["psql", "-X", "-A", "-t", *options, self.url(user, dbname), "-f", "-"], input=script, text=True,
                              capture_output=True, timeout=60)

    def pgbench(self, *options):
        environment = dict(os.environ, PGPASSWORD=USERS["app"], PGSSLMODE="require" if self.tls else "disable")
        return subprocess.run(["/usr/lib/postgresql/15/bin/pgbench", "-h", self.host, "-p", str(self.port), "-U", "app", "-n",
                               *map(str, options), "app"], env=environment, text=True, capture_output=True, timeout=120)

    def console(self, command, dbname="pgbouncer", user="admin"):
        """Rows of a console command, as dictionaries, by psql's protocol (simple query)."""
        with self.connect(user=user, dbname=dbname, cursor_factory=psycopg.ClientCursor) as connection:
            cursor = connection.execute(command)
            if cursor.description is None:
                return []
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor.fetchall()]

    def servers(self, **wanted):
        """Rows of SHOW SERVERS whose columns have these values."""
        return [row for row in self.console("SHOW SERVERS") if all(row[key] == value for key, value in wanted.items())]

    def busy_servers(self):
        return [row for row in self.console("SHOW SERVERS") if row["state"] not in ("idle", "used", "tested")]


def one(connection, sql, *parameters):
    """The single value that a statement returns."""
    return connection.execute(sql, *parameters).fetchone()[0]


def failure(connection, sql, *parameters):
    """The error that a statement is answered with; AssertionError when it succeeds."""
    try:
        connection.execute(sql, *parameters)
    except psycopg.Error as error:
        return error
    raise AssertionError(f"succeeded: {sql}")
