"""Driver programs that are built, or need packages, once: kept in the cache folder until their sources change."""
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
STATEMENTS = HERE / "statements.json"
_USERS_CACHE = os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")
CACHE = Path(os.environ.get("PGSWITCH_CACHE") or Path(_USERS_CACHE) / "pgswitch-tests")


def built(name, command, timeout=400):
    """A copy of the folder `name` in which `command` was run since its sources last changed."""
    sources = sorted(path for path in (HERE / name).iterdir() if path.is_file())
    state = json.dumps([command, *(hashlib.sha256(path.name.encode() + path.read_bytes()).hexdigest() for path in sources)])
    folder = CACHE / name
    stamp = folder / "built"
    if not stamp.exists() or stamp.read_text() != state:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(HERE / name, folder)
        environment = dict(os.environ, HOME=str(folder))
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, f"{name} cannot be built:\n{done.stdout[-2000:]}\n{done.stderr[-5000:]}"
        stamp.write_text(state)
    return folder


def statements_file(path):
    """statements.json for languages without JSON: group, name and SQL of each, all separated by zero bytes."""
    groups = json.loads(STATEMENTS.read_text())
    fields = [field for group, statements in groups.items() for name, sql in statements.items() for field in (group, name, sql)]
    Path(path).write_text("\0".join(fields))
    return path
