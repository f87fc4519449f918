#!/usr/bin/python3
"""Makes the corpus again: statements from PostgreSQL's manual and from what clients send, without their facts.

  collect.py manual FOLDER    FOLDER: the HTML pages of Debian's postgresql-doc-15 (apt-get download, dpkg-deb -x)
  collect.py clients [NAME]   psql, jdbc, ...; needs the packages that the integration tests need

Facts come from the analysis, and are to be read and compared before they are committed:
  PGSWITCH_CORPUS_WRITE=1 build/rules_tests --gtest_filter='Corpus.*'
"""
import json
import shutil
import sys
from pathlib import Path

from pg_parser import fingerprint

HERE = Path(__file__).resolve().parent
_LONGEST = 8000


def write(name, rows):
    with (HERE / f"{name}.jsonl").open("w") as file:
        for source, sql in rows:
            file.write(json.dumps({"from": source, "sql": sql}, ensure_ascii=False) + "\n")
    print(f"{name}.jsonl: {len(rows)} statements")


def once(pairs, key):
    seen = set()
    for source, sql in pairs:
        known = key(sql)
        if known not in seen and len(sql) <= _LONGEST:
            seen.add(known)
            yield source, sql


def main(what, *names):
    if what == "manual":
        import manual
        return write("manual", list(once(manual.collect(names[0]), lambda sql: " ".join(sql.split()))))
    import clients
    import launch
    names = names or [client.__name__ for client in clients.CLIENTS]
    folder = launch.temporary_folder()
    try:
        rows = list(clients.collect(folder, names))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name in names:
        write(name, list(once((row for row in rows if row[0] == name), lambda sql: fingerprint(sql) or sql)))


if __name__ == "__main__":
    main(*sys.argv[1:])
