"""libpq itself: a C program that uses what the drivers above it do not."""
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "libpq"


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    result = tmp_path_factory.mktemp("libpq") / "scenarios"
    include = subprocess.run(["pg_config", "--includedir"], check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run(["cc", "-std=gnu17", "-O1", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-Wno-format-truncation", f"-I{include}",
                    "-o", result, *FOLDER.glob("*.c"), "-lpq"], check=True)
    return result


def test_libpq_sees_the_same(proxy, comparison, program):
    comparison.check("libpq", [program], proxy)
