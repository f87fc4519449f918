"""What the tests of Redshift share. The other fixtures are those of the folder above; tests here do not import from conftest."""
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "drivers"))
from programs import built  # noqa: E402


@pytest.fixture(scope="session")
def node_modules():
    """node_modules with the package pg."""
    return built("node_postgres", ["npm", "install", "--no-audit", "--no-fund", "--silent"]) / "node_modules"
