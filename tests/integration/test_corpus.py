"""The facts of the corpus (tests/rules/corpus) against what PostgreSQL itself does with each statement: its READ ONLY transactions, and the
tables and functions of the queries that it analyses."""
import re
from collections import Counter

import pytest
from corpus_server import CORPUS, READ_ONLY_VIOLATION, Server, entries
from launch import ROOT
from cluster import Cluster

pytestmark = [pytest.mark.pgswitch, pytest.mark.timeout(390)]

# Statements of which PostgreSQL says "read only transaction" and the facts "read_only": a pattern over the text, and the reason.
LAXER = (
    (r"a\.note_of", "a function written like a column: nothing tells it from one"),
    (r"upper\(ROW", "a function of one's own with the name of one that is built in"),
    (r"@@@", "an operator of one's own"),
    (r"AS bigint", "a cast of one's own"),
    (r"noting_domain", "a domain that checks by a function"),
    (r"FROM noting", "a view that calls a function"),
)
# Aggregates that pages of the manual make: the facts know those that are built in.
OWN_AGGREGATES = ("array_accum",)
# Their schema is hard.sql.
MADE_BY_HAND = ("hard", "seeds")
# Kinds that end or begin the transaction in which they would be compared.
TRANSACTION = {"begin", "commit", "rollback", "savepoint", "release", "rollback_to", "prepare_transaction", "set_transaction"}
_PARAMETER = re.compile(r"\$(\d+)")


@pytest.fixture(scope="module")
def compared(place):
    """[(entry, Outcome)] of all statements that say nothing about the transaction, and the server they ran on."""
    with Cluster(place / "corpus", "corpus", {"wal_level": "logical", "max_prepared_transactions": "5"}) as cluster:
        yield from _compare(cluster)


def _compare(cluster):
    cluster.sql((ROOT / "tests/integration/roles.sql").read_text())
    cluster.sql((ROOT / "tests/integration/oltp.sql").read_text(), "app")
    for name in ("objects", "hard"):
        script = re.sub(r"^.*(SUBSCRIPTION|SCHEMA private|private\.hidden|IN DATABASE).*$", "", (CORPUS / f"{name}.sql").read_text(),
                        flags=re.M)
        cluster.sql(f"CREATE SCHEMA of_{name}; SET search_path = of_{name}, public; {script}", "app")
    server = Server(cluster, "app")
    pages = entries()
    for page, of_page in pages.items():
        server.build(page, [entry["sql"] for entry in of_page if page not in MADE_BY_HAND])
    path = ", ".join(["public", "of_hard", "of_objects", *(f'"{page}"' for page in pages)])
    done = []
    for page, of_page in pages.items():
        for entry in of_page:
            if entry["kind"] not in TRANSACTION:
                done.append((entry, server.read_only(entry["sql"], page, path, _parameters(entry))))
    yield done, server


def _parameters(entry):
    """The highest number of a parameter; 0 where they are those of a function's body."""
    return max(map(int, _PARAMETER.findall(entry["sql"])), default=0) if entry["kind"] != "utility" else 0


def _is_known_laxer(entry):
    return entry["from"] == "hard" and any(re.search(pattern, entry["sql"]) for pattern, _ in LAXER)


def test_read_only_is_never_laxer_than_postgresql(compared):
    counts, laxer = Counter(), []
    for entry, outcome in compared[0]:
        refused = outcome.sqlstate == READ_ONLY_VIOLATION
        if not refused and outcome.sqlstate is not None:
            counts["not compared"] += 1
        elif entry.get("read_only", False) != refused:
            counts["agree"] += 1
        elif refused:
            counts["laxer"] += 1
            laxer.append(entry)
        else:
            counts["stricter"] += 1
    print(dict(counts))
    assert not [entry for entry in laxer if not _is_known_laxer(entry)]
    assert len(laxer) == len(LAXER), "a reason for a statement that is no longer laxer"
    assert counts["agree"] > 2000


def test_tables_are_those_that_postgresql_finds(compared):
    done, server = compared
    names = {int(oid): name for oid, name in server.rows("SELECT oid, relname FROM pg_class")}
    counts, wrong = Counter(), []
    for entry, outcome in done:
        if not outcome.analysed:
            continue
        read, written = ({names.get(oid) for oid in oids} for oids in outcome.relations())
        facts = tuple({name.rpartition(".")[2] for name in entry.get(key, [])} for key in ("reads", "writes"))
        if facts == (read, written):
            counts["agree"] += 1
        else:
            wrong.append((entry["from"], entry["sql"], facts, (read, written)))
    print(dict(counts))
    assert not wrong
    assert counts["agree"] > 1500


def test_functions_are_those_that_postgresql_calls(compared):
    done, server = compared
    names = {int(oid): name for oid, name in server.rows("SELECT oid, proname FROM pg_proc")}
    counts, wrong = Counter(), []
    for entry, outcome in done:
        if not outcome.analysed:
            continue
        missing = {names.get(oid) for oid in outcome.functions()} - {name.rpartition(".")[2] for name in entry.get("functions", [])}
        if missing and not _is_known_laxer(entry):
            wrong.append((entry["from"], entry["sql"], missing))
        counts["missing" if missing else "agree"] += 1
    print(dict(counts))
    assert not wrong


def test_marks_are_those_of_the_query_tree(compared):
    counts, wrong = Counter(), []
    for entry, outcome in compared[0]:
        if not outcome.analysed:
            continue
        facts = set(entry.get("marks", [])) - {"subquery"}
        if any(name in entry["sql"] for name in OWN_AGGREGATES):
            facts.add("aggregate")
        if facts != outcome.marks():
            wrong.append((entry["from"], entry["sql"], facts ^ outcome.marks()))
        else:
            counts["agree"] += 1
    print(dict(counts))
    assert not wrong
