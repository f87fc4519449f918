"""What rules cost."""
from load import open_servers, with_script
from throughput import Throughput, sample
from ways import DEMO_RULES

_TABLE = "rules {\n" + "".join(f'  {{ name = "rule {n}", when = {{ tables = "other_{n}", user = "app" }}, route = "app.redshift" }},\n'
                              for n in range(200)) + "}\n"
_FILTER = 'rules { { name = "filter", rewrite = { add_filter = { pgbench_accounts = "aid > 0 AND $user IS NOT NULL" } } } }\n'
_ON_TEXT = 'function route(stmt, session)\n  if stmt.text:find("sales", 1, true) then return "app.redshift" end\nend\n'


class Routing(Throughput):
    name = "routing"
    title = ("What rules cost, `pgbench` with a SELECT by primary key. \"same text\": the statement is known byte by byte; \"fresh "
             "literals\": it differs in a number each time, the shape is known; \"prepared\": the same number as a parameter; \"many shapes\": "
             "100,000 of them, in a cache of 16 MB. \"demo\": conf/demo/rules.lua; \"200\": a table of 200 rules that look at tables and user, "
             "none of which matches; \"filter\": add_filter in every statement, which PostgreSQL runs as a subquery; \"text\": a function that "
             "reads the whole text, so that each new text is parsed and asked about.")
    heads = ("statements", "protocol", "clients")
    cells = tuple((statements, "prepared" if statements == "prepared" else "simple", clients)
                  for statements in ("same text", "prepared", "fresh literals", "many shapes") for clients in (1, 16))
    reference = "pgswitch without rules"
    _rules = {reference: "", "pgswitch, demo": DEMO_RULES, "pgswitch, 200": _TABLE, "pgswitch, filter": _FILTER, "pgswitch, text": _ON_TEXT}
    ways = tuple(_rules)

    def measure(self, stage, name, cell, arguments):
        statements, protocol, clients = cell
        script = {"same text": "SELECT abalance FROM pgbench_accounts WHERE aid = 4711;\n",
                  "many shapes": "SELECT abalance AS b:aid FROM pgbench_accounts WHERE aid = :aid;\n"}.get(
                      statements, "SELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n")
        way = stage.way("pgswitch", rules=self._rules[name])
        open_servers(way, clients)
        return with_script("\\set aid random(1, 100000)\n" + script,
                           lambda path: sample(way, "-f", path, "-M", protocol, "-c", clients, "-j", min(2, clients),
                                               "-T", round(arguments.seconds)))
