"""`comparison`: what each driver saw directly is kept for all configurations, which are those of `proxy`. The other fixtures are those of the folder above.

Tests here do not import from conftest: there are two modules of that name.
"""
import pytest
from compare import Comparison


@pytest.fixture(scope="session")
def comparison(direct, oltp):
    return Comparison(direct, oltp)


# Each two of pool mode, workers and TLS in every combination.
@pytest.fixture(params=("transaction", "transaction-2-workers-tls", "session-tls", "session-2-workers"))
def proxy(request, shared_proxies):
    return shared_proxies(request.param)
