"""postgres.js, which pipelines by itself."""
import pytest
from programs import STATEMENTS, built


@pytest.mark.xfail(strict=True, reason="drivers-py-startup-application-name-by-options")
def test_postgres_js_sees_the_same_through_the_proxy(proxy, comparison):
    folder = built("postgres_js", ["npm", "install", "--no-audit", "--no-fund", "--silent"])
    comparison.check("postgres_js", ["node", "program.js"], proxy, cwd=folder, env={"STATEMENTS": str(STATEMENTS)})
