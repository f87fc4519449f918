"""pg_regress with SQL files of ours, all at once: what psql prints through the proxy is what it prints directly."""
import os
import subprocess
from pathlib import Path

import pytest
from compare import environment

REGRESS = "/usr/lib/postgresql/15/lib/pgxs/src/test/regress/pg_regress"
SOURCE = Path(__file__).parent / "regress"
NAMES = sorted(path.stem for path in (SOURCE / "sql").glob("*.sql"))


def pg_regress(endpoint, source, folder, routed=False):
    """Runs all files in parallel; `folder` gets what psql printed. Returns (exit status, the differences from source/expected)."""
    folder.mkdir()
    schedule = folder / "schedule"
    schedule.write_text(f"test: {' '.join(NAMES)}\n")
    done = subprocess.run(
        [REGRESS, "--use-existing", "--bindir=/usr/lib/postgresql/15/bin", f"--inputdir={source}", f"--outputdir={folder}",
         f"--schedule={schedule}", f"--host={endpoint.host}", f"--port={endpoint.port}", "--user=app", "--dbname=app"],
        env={**environment(endpoint), **({"ROUTED": "1"} if routed else {})}, cwd=folder, capture_output=True, text=True, timeout=80)
    differences = folder / "regression.diffs"
    return done.returncode, differences.read_text() if differences.exists() else done.stdout + done.stderr


@pytest.fixture(scope="module")
def source(direct, tmp_path_factory):
    """The SQL files, and beside them as expected output what psql prints directly."""
    folder = tmp_path_factory.mktemp("regress")
    for name in ("sql", "route.sql"):
        (folder / name).symlink_to(SOURCE / name)
    (folder / "expected").mkdir()
    outputs = [f"{name}.out" for name in NAMES]
    for output in outputs:
        (folder / "expected" / output).touch()
    _, differences = pg_regress(direct, folder, folder / "direct")
    for output in outputs:
        assert (folder / "direct" / "results" / output).exists(), differences
        os.replace(folder / "direct" / "results" / output, folder / "expected" / output)
    return folder


def test_pg_regress_directly_is_the_same_twice(direct, source, tmp_path):
    status, differences = pg_regress(direct, source, tmp_path / "again")
    assert status == 0, differences


def test_pg_regress_through_the_proxy_finds_no_difference(proxy, source, tmp_path):
    status, differences = pg_regress(proxy, source, tmp_path / "through", routed=proxy.pooler is not None and proxy.pooler.is_pgswitch)
    assert status == 0, differences
