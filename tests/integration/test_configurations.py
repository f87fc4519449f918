"""Configurations as people write them for pgbouncer: each is valid, starts, and serves."""
import grp
import re
import shutil

import launch
import psycopg
import pytest
from conftest import HERE
from endpoint import USERS, Endpoint, one
from launch import PROXY, eventually
from pooler import run_command, userlist_text

pytestmark = pytest.mark.pgswitch
FILES = sorted((HERE / "configurations").glob("*.ini"))
INCLUDED = {"databases.ini": "[databases]\napp = @SERVER@ auth_user=app dbname=app\n",
            "users.ini": "[users]\nother = pool_mode=transaction\n"}
# What each is warned about: settings that have no meaning here, and nothing else.
WARNED = ("has no meaning here",)


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def written(request, place, oltp, authority):
    """(ini file, port, folder) of a configuration with everything filled in."""
    name, port = request.param.stem, launch.free_port()
    folder = launch.make_folder(place / f"as-written-{name}")
    pair = authority.server("written")
    words = {"@SERVER@": f"host=127.0.0.1 port={oltp.port}", "@PORT@": str(port), "@FOLDER@": str(folder), "@USER@": launch.runner().pw_name,
             "@GROUP@": grp.getgrgid(launch.runner().pw_gid).gr_name, "@KEY@": str(pair.key), "@CERTIFICATE@": str(pair.certificate),
             "@CA@": str(authority.certificate)}

    def fill(text):
        for word, value in words.items():
            text = text.replace(word, value)
        return text
    launch.write_file(folder / "userlist.txt", userlist_text(USERS))
    for included, text in INCLUDED.items():
        launch.write_file(folder / included, fill(text))
    yield launch.write_file(folder / "pgbouncer.ini", fill(request.param.read_text())), port, folder
    shutil.rmtree(folder, ignore_errors=True)


def test_it_is_valid_and_warned_about_only_where_a_setting_has_no_effect(written):
    status, out, err = run_command("check", written[0])
    assert status == 0, out + err
    warnings = [line for line in (out + err).splitlines() if re.search(r"\.ini:\d+: |WARNING", line)]
    assert [line for line in warnings if not any(words in line for words in WARNED)] == []


def test_it_starts_and_serves(written):
    ini, port, folder = written
    log = folder / "stderr"
    process = launch.spawn([launch.reachable_copy(PROXY, folder), ini], log)
    try:
        eventually(lambda: launch.accepts(port) or process.poll() is not None, 20, "it listens")
        assert process.poll() is None, log.read_text()
        endpoint = Endpoint(port)
        with endpoint.connect() as connection:
            assert one(connection, "SELECT current_database()") == "app"
            assert one(connection, "SELECT current_user") == "app"
        config = {row["key"]: row["value"] for row in endpoint.console("SHOW CONFIG")}
        assert config["listen_port"] == str(port) and config["auth_file"] == str(folder / "userlist.txt")
        endpoint.console("RELOAD")
        with pytest.raises(psycopg.OperationalError):
            endpoint.connect(password="wrong")
    finally:
        launch.stop(process, launch.signal.SIGQUIT)


def test_there_are_ten_and_the_readme_names_each():
    readme = (HERE / "configurations" / "README.md").read_text()
    assert len(FILES) == 10 and [path.name for path in FILES if f"`{path.name}`" not in readme] == []
