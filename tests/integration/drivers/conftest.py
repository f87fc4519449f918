"""`comparison`: what each driver saw directly is kept for all configurations. The other fixtures are those of the folder above.

Tests here do not import from conftest: there are two modules of that name.
"""
import pytest
from compare import Comparison


@pytest.fixture(scope="session")
def comparison(direct, oltp):
    return Comparison(direct, oltp)
