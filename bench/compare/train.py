"""Puts a pgswitch to work that notes what it does (PGSWITCH_PROFILE=write), so that the next one is optimized for it.

    PGSWITCH=build/optimized/noting/pgswitch /usr/bin/python3 bench/compare/train.py FOLDER     the notes go there
"""
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ways import PASSWORD, Stage, Way, make_folder

from launch import exit_on_sigterm, temporary_folder
from load import open_servers, pgbench, pipelined, select_only, with_script

_ROWS = 50_000
_ONE = "SELECT 1;\n"
_SETTINGS = "SET application_name TO trained;\nSELECT abalance FROM pgbench_accounts WHERE aid = 4711;\n"


def work(way, tls):
    """A second of each: statements in every protocol, transactions, pipelines, settings, logins, bulk data."""
    def run(*options):
        pgbench(way, *options, "-T", 1, tls=tls)

    open_servers(way, 16, tls=tls)
    for protocol in ("simple", "extended", "prepared"):
        for clients in (1, 16):
            run(*select_only(protocol, clients))
        run("-M", protocol, "-c", 4)
        with_script(_SETTINGS, lambda path: run("-f", path, "-M", protocol, "-c", 4))
    for protocol in ("extended", "prepared"):
        run(*pipelined(protocol, 4))
    for user in ("app", "app_scram"):
        with_script(_ONE, lambda path: run("-f", path, "-c", 4, "-C", "-U", user))
    environment = dict(os.environ, PGPASSWORD=PASSWORD, PGSSLMODE="require" if tls else "disable")
    psql = ["psql", "-X", "-q", "-h", way.host, "-p", str(way.port), "-U", "app", "-d", "app", "-c"]
    subprocess.run([*psql, "COPY sink FROM STDIN"], env=environment, check=True, text=True, input=("x" * 1000 + "\n") * _ROWS)
    subprocess.run([*psql, "SELECT * FROM sink"], env=environment, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*psql, "TRUNCATE sink"], env=environment, check=True)


def main():
    notes = Path(sys.argv[1])
    exit_on_sigterm()
    folder = temporary_folder()
    try:
        with Stage(folder, 1) as stage:
            os.environ["GCOV_PREFIX"] = str(make_folder(folder / "notes"))  # the program may not write where it was built
            for tls in (False, True):
                users = [(user, stage.secret(user)) for user in ("app", "app_scram")]
                with stage.pooler("pgswitch", users=users, **(stage.tls_settings("both") if tls else {})) as pooler:
                    work(Way("pgswitch", pooler.port), tls)
        found = list((folder / "notes").rglob("*.gcda"))
        if not found:
            sys.exit("train.py: the program noted nothing")
        shutil.rmtree(notes, ignore_errors=True)
        notes.mkdir(parents=True)
        for file in found:
            shutil.copy(file, notes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
