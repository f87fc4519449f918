"""postgres.js, which pipelines by itself."""
from programs import STATEMENTS, built


def test_postgres_js_sees_the_same_through_the_proxy(proxy, comparison):
    folder = built("postgres_js", ["npm", "install", "--no-audit", "--no-fund", "--silent"])
    comparison.check("postgres_js", ["node", "program.js"], proxy, cwd=folder, env={"STATEMENTS": str(STATEMENTS)})
