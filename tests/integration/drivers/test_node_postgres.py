"""node-postgres with pg-cursor, pg-query-stream and pg-copy-streams."""
from programs import STATEMENTS, built


def test_node_postgres_sees_the_same_through_the_proxy(proxy, comparison):
    folder = built("node_postgres", ["npm", "install", "--no-audit", "--no-fund", "--silent"])
    comparison.check("node_postgres", ["node", "program.js"], proxy, cwd=folder, env={"STATEMENTS": str(STATEMENTS)})
