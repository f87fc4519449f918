"""Statements of the corpus on a real server: the schema that they need, as far as their pages make it, and what it does with each."""
import json
import re
from collections import defaultdict

from psycopg import pq

from launch import ROOT

CORPUS = ROOT / "tests" / "rules" / "corpus"
READ_ONLY_VIOLATION = "25006"
# What builds no schema but changes the server, the session or the transaction of the statements behind it.
_NOT_FOR_SCHEMA = re.compile(
    r"\s*(DROP|ALTER\s+(SYSTEM|DATABASE|ROLE|USER|GROUP|TABLESPACE)|"
    r"CREATE\s+(DATABASE|ROLE|USER(?!\s+MAPPING)|GROUP|TABLESPACE|SUBSCRIPTION|EVENT)|SET|RESET|DISCARD|BEGIN|START|COMMIT|END|ROLLBACK|"
    r"ABORT|SAVEPOINT|RELEASE|PREPARE|EXECUTE|DEALLOCATE|COPY|VACUUM|CLUSTER|REINDEX|CHECKPOINT|LOAD|LOCK|DECLARE|FETCH|MOVE|CLOSE|LISTEN|"
    r"UNLISTEN|NOTIFY|SHOW|EXPLAIN|TRUNCATE|REASSIGN|REVOKE|GRANT|CALL|DO)\b", re.I)
_RELATION = re.compile(r":rtekind 0 :relid (\d+) (?:(?!:rtekind ).)*? :inFromCl (\w+) :requiredPerms (\d+)")
_FUNCTION = re.compile(r"\{(?:FUNCEXPR :funcid (\d+) .*?:funcformat (\d)|AGGREF :aggfnoid (\d+)|WINDOWFUNC :winfnoid (\d+))")
_BY_NAME = "03"  # of funcformat: f(x), and the words that the grammar has for functions
_SETTINGS = ("debug_pretty_print=off", "statement_timeout=2s", "lock_timeout=1s", "client_min_messages=log")
_AS_AT_FIRST = "ROLLBACK; RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; DEALLOCATE ALL"
_UTILITY = "{QUERY :commandType 6"
_MERGE = "{QUERY :commandType 5"
_MARKS = {"aggregate": [":hasAggs true"], "window": [":hasWindowFuncs true"], "group_by": [":groupClause (", ":groupingSets ("],
          "distinct": [":distinctClause ("], "for_update": [":hasForUpdate true"], "modifying_cte": [":hasModifyingCTE true"],
          "returning": [":returningList ("]}
_NO_LIMIT = ("<>", "{CONST :consttype 20 :consttypmod -1 :constcollid 0 :constlen 8 :constbyval true :constisnull true")  # or LIMIT ALL
_WRITES = 1 | 4 | 8  # INSERT, UPDATE and DELETE of requiredPerms


def entries():
    """{page or client: [entry, ...]} in the order of the files."""
    pages = defaultdict(list)
    for path in sorted(CORPUS.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            pages[entry["from"]].append(entry)
    return pages


class Outcome:
    """What the server did: the SQLSTATE of its error, if any, and the tables and functions of the query that it analysed."""

    def __init__(self, sqlstate, trees):
        self.sqlstate = sqlstate
        self._tree = trees[0] if trees else None

    @property
    def analysed(self):
        return self._tree is not None

    def relations(self):
        """({oid read}, {oid written}) of the first query, before its views are looked into."""
        found = _RELATION.findall(self._tree)
        merges = self._tree.startswith(_MERGE)  # DO NOTHING needs no permission
        return ({int(oid) for oid, in_from, _ in found if in_from == "true"},
                {int(oid) for oid, in_from, needs in found if in_from == "false" and (merges or int(needs) & _WRITES)})

    def marks(self):
        """Those of the facts' marks that the tree tells."""
        marks = {name for name, words in _MARKS.items() if any(word in self._tree for word in words)}
        return marks if _outermost(self._tree, ":limitCount ").startswith(_NO_LIMIT) else marks | {"limit"}

    def functions(self):
        """{oid} of what is called by name."""
        return {int(call or aggregate or window) for call, form, aggregate, window in _FUNCTION.findall(self._tree)
                if not call or form in _BY_NAME}


def _outermost(tree, field):
    """The text behind a field of the outermost node."""
    depth = 0
    for token in re.finditer("[{}]|" + field, tree):
        depth += {"{": 1, "}": -1}.get(token.group(), 0)
        if token.group() == field and depth == 1:
            return tree[token.end():]
    return ""


class Server:
    """A superuser's session that tells the tree of each query."""

    def __init__(self, cluster, database):
        options = " ".join(f"-c {setting}" for setting in _SETTINGS)
        self._conninfo = f"host={cluster.socket_folder} port={cluster.port} user=postgres dbname={database} options='{options}'"
        self._connection = None
        self._trees = []
        self._connect()

    def _connect(self):
        self._connection = pq.PGconn.connect(self._conninfo.encode())
        assert self._connection.status == pq.ConnStatus.OK, self._connection.error_message.decode()
        self._connection.notice_handler = self._on_notice

    def _on_notice(self, result):
        detail = result.error_field(pq.DiagnosticField.MESSAGE_DETAIL)
        if result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) == b"parse tree:" and detail:
            self._trees.append(" ".join(detail.decode(errors="replace").split()))

    def run(self, sql, parameters=0):
        """Runs it to its end; the SQLSTATE of its error or None. COPY FROM gets no data."""
        connection = self._connection
        if connection.status != pq.ConnStatus.OK:
            self._connect()
            connection = self._connection
        if parameters:
            result = connection.exec_params(sql.encode(), [None] * parameters)
        else:
            result = connection.exec_(sql.encode())
        if result.status == pq.ExecStatus.COPY_IN:
            connection.put_copy_end(b"no data")
            result = _last(connection)
        elif result.status == pq.ExecStatus.COPY_OUT:
            while connection.get_copy_data(0)[0] > 0:
                pass
            result = _last(connection)
        state = result.error_field(pq.DiagnosticField.SQLSTATE) if result else b"08006"
        return state.decode() if state else None

    def value(self, sql):
        return self._connection.exec_(sql.encode()).get_value(0, 0).decode()

    def rows(self, sql):
        result = self._connection.exec_(sql.encode())
        return [tuple((result.get_value(i, j) or b"").decode() for j in range(result.nfields)) for i in range(result.ntuples)]

    def build(self, page, statements):
        """Runs what makes the schema of a page in a schema of its own; what fails is left out."""
        self.run(f'CREATE SCHEMA "{page}"')
        for sql in statements:
            if not _NOT_FOR_SCHEMA.match(sql):
                self.run(f'{_AS_AT_FIRST}; SET search_path = "{page}", public')
                self.run(sql)

    def read_only(self, sql, page, path, parameters):
        """The Outcome of a statement in a READ ONLY transaction."""
        self.run(f'{_AS_AT_FIRST}; SET search_path = "{page}", {path}')
        self.run("BEGIN READ ONLY")
        self.run("SET LOCAL debug_print_parse = on")
        self._trees.clear()
        state = self.run(sql, parameters)
        return Outcome(state, [tree for tree in self._trees[:1] if not tree.startswith(_UTILITY)])


def _last(connection):
    result = None
    while (more := connection.get_result()) is not None:
        result = more
    return result
