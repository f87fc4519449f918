"""What the READMEs tell a newcomer to type works as it stands there."""
import re
import subprocess
from pathlib import Path

import launch
import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PORTS = {"@OLTP_PORT@": "5432", "@ANALYTICS_PORT@": "5433", "@LISTEN_PORT@": "6432"}
pytestmark = pytest.mark.pgswitch


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def commands():
    lines = [line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line]


@pytest.fixture(scope="module")
def demo(place):
    """build/demo as the demo leaves it: its configuration with the ports filled in."""
    folder = launch.make_folder(place / "demo")
    text = (ROOT / "conf/demo/pgswitch.ini").read_text()
    for word, value in {**PORTS, "@FOLDER@": str(folder)}.items():
        text = text.replace(word, value)
    launch.write_file(folder / "pgswitch.ini", text)
    for name in ("rules.lua", "userlist.txt"):
        launch.write_file(folder / name, (ROOT / "conf/demo" / name).read_text())
    return folder


@pytest.mark.parametrize("command", [line for line in commands() if line.startswith("build/pgswitch")])
def test_the_command_works(command, demo):
    command = command.replace("build/pgswitch", str(launch.PROXY), 1).replace("build/demo", str(demo))
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("command", [line for line in commands() if not line.startswith(("build/", "cmake ", "cpack "))])  # the last two: test_install.py
def test_the_script_is_there_and_can_be_run(command):
    script = ROOT / command.split()[0]
    assert script.stat().st_mode & 0o111, f"{script} cannot be executed"
    assert subprocess.run(["bash", "-n", script], timeout=60).returncode == 0


@pytest.mark.parametrize("ini", blocks("ini"))
def test_the_configuration_is_valid(ini, demo):
    launch.write_file(demo / "readme_itself.ini", re.sub(r"^server_tls_ca_file.*$", "", ini, flags=re.M).replace("verify-full", "require"))
    done = subprocess.run([launch.PROXY, "check", demo / "readme_itself.ini"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


@pytest.mark.parametrize("rules", blocks("lua"))
def test_the_rules_load(rules, demo):
    launch.write_file(demo / "readme.lua", rules)
    ini = (demo / "pgswitch.ini").read_text().replace("rules.lua", "readme.lua")
    launch.write_file(demo / "readme.ini", ini)
    done = subprocess.run([launch.PROXY, "check", demo / "readme.ini"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("tests", blocks("lua tests"))
def test_the_tests_of_rules_pass(tests, demo):
    launch.write_file(demo / "readme_test.lua", tests)
    done = subprocess.run([launch.PROXY, "test", demo / "pgswitch.ini", "--allow-unhit", demo / "readme_test.lua"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_setting_of_the_readme_exists():
    named = re.findall(r"^\| (`[a-z_`, ]+`) \|", README, re.M)
    listed = subprocess.run([launch.PROXY, "--settings"], capture_output=True, text=True, timeout=60).stdout
    names = [name for cell in named for name in re.findall(r"`([a-z_]+)`", cell)]
    assert names
    assert [name for name in names if f"| `{name}` |" not in listed] == []
