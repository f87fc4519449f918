"""node-postgres."""
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import HERE, IS_PGSWITCH
from endpoint import USERS

CACHE = Path(os.environ.get("PGSWITCH_CACHE") or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pgswitch-tests")
ROUTED = ["routed"] if IS_PGSWITCH else []


@pytest.fixture(scope="module")
def node_folder():
    """check.js beside its packages from the npm registry, which are kept in the cache folder."""
    folder = CACHE / "node"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "node" / "check.js", folder)
    wanted = (HERE / "node" / "package.json").read_text()
    manifest = folder / "package.json"
    if not (folder / "node_modules" / "pg-cursor").exists() or manifest.read_text() != wanted:
        manifest.write_text(wanted)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True, timeout=200)
    return folder


def test_node_postgres(proxy, node_folder):
    environment = dict(os.environ, PGHOST=proxy.host, PGPORT=str(proxy.port), PGUSER="app", PGPASSWORD=USERS["app"], PGDATABASE="app",
                       PGSSLMODE="require" if proxy.tls else "disable")
    done = subprocess.run(["node", "check.js", *ROUTED], cwd=node_folder, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert {promise: seen for promise, seen in results.items() if seen is not True} == {}
    assert len(results) >= 11

