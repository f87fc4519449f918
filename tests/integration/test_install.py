"""What `cmake --install` puts where, and the Debian package: that it installs, is upgraded and purged without a trace."""
import grp
import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from launch import PROXY, ROOT

pytestmark = pytest.mark.pgswitch
INSTALL = ROOT / "conf" / "install"
BUILD = Path(PROXY).resolve().parent


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **more)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of a `cmake --install --prefix`."""
    if not (BUILD / "CPackConfig.cmake").exists():
        pytest.skip("the program is not in a build folder")
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BUILD, "--prefix", prefix)
    return prefix


def test_every_file_has_its_place(installed):
    wanted = ("bin/pgswitch", "etc/pgswitch/pgswitch.ini", "etc/pgswitch/userlist.txt", "etc/logrotate.d/pgswitch",
              "lib/systemd/system/pgswitch.service", "lib/systemd/system/pgswitch.socket", "share/man/man1/pgswitch.1",
              "share/man/man5/pgswitch.5", "share/bash-completion/completions/pgswitch", "share/doc/pgswitch/MIGRATING.md",
              "share/doc/pgswitch/pgbouncer_rr.lua", "share/doc/pgswitch/rules/tenants.lua")
    assert [name for name in wanted if not (installed / name).is_file()] == []
    for name in ("userlist.txt", "pgswitch.ini"):
        assert (installed / "etc/pgswitch" / name).stat().st_mode & 0o777 == 0o640
    assert f"ExecStart={installed}/bin/pgswitch {installed}/etc/pgswitch/pgswitch.ini\n" in \
        (installed / "lib/systemd/system/pgswitch.service").read_text()


def test_a_second_install_keeps_the_configuration(installed):
    ini = installed / "etc/pgswitch/pgswitch.ini"
    before = ini.read_text()
    ini.write_text(before + "; mine\n")
    run("cmake", "--install", BUILD, "--prefix", installed)
    assert ini.read_text() == before + "; mine\n"
    ini.write_text(before)


def test_the_sample_configuration_is_valid(installed):
    run(installed / "bin/pgswitch", "check", installed / "etc/pgswitch/pgswitch.ini")


def test_the_link_pgbouncer_is_an_option(tmp_path):
    script = (f'set(CMAKE_INSTALL_PREFIX "{tmp_path}")\nset(source "{INSTALL}")\n'
              f'set(program "{PROXY}")\nset(version 1)\nset(bin_folder bin)\nset(data_folder share)\nset(man_folder share/man)\n'
              f'set(with_pgbouncer_link ON)\ninclude("{INSTALL}/install_files.cmake")\n')
    (tmp_path / "install.cmake").write_text(script)
    run("cmake", "-P", tmp_path / "install.cmake")
    assert os.readlink(tmp_path / "sbin/pgbouncer") == "../bin/pgswitch"


@pytest.mark.parametrize("page", ("man1/pgswitch.1", "man5/pgswitch.5"))
def test_the_manual_pages_format_without_a_warning(installed, page):
    path = installed / "share/man" / page
    assert run("groff", "-man", "-Tutf8", "-ww", "-z", path) == ""
    assert "pgswitch" in run("man", "-l", path, env={**os.environ, "MANPAGER": "cat", "MANWIDTH": "100"})


def words_of(page):
    """The bold words of a page, without roff's escapes."""
    return set(re.findall(r"[a-z0-9_]{3,}", page.replace("\\-", "-")))


def test_the_manual_has_every_setting_and_every_key(installed):
    page = (installed / "share/man/man5/pgswitch.5").read_text()
    settings = re.findall(r"^\| `(\w+)` \|", run(PROXY, "--settings"), re.M)
    keys = re.findall(r'EntryKey<\w+>\{"(\w+)"', (ROOT / "proxy/config_entries.cpp").read_text())
    assert len(settings) > 100 and len(keys) > 30
    assert [name for name in settings if f"\n.B {name}\n" not in page] == []
    assert [key for key in keys if key not in words_of(page)] == []


def test_the_manual_and_the_completion_have_every_option(installed):
    options = re.findall(r"--[a-z-]+", run(PROXY, "--help"))
    page = (installed / "share/man/man1/pgswitch.1").read_text().replace("\\-", "-")
    completion = (installed / "share/bash-completion/completions/pgswitch").read_text()
    assert len(options) > 10
    assert [option for option in options if option not in page or option not in completion] == []


@pytest.mark.parametrize("words,wanted", (
    (("ch",), {"check"}), (("--se",), {"--settings"}), (("explain", "--j"), {"--json"}), (("test", "--"), {"--verbose", "--coverage", "--allow-unhit", "--junit"}),
    (("replay", "x.ini", "--ag"), {"--against"}), (("check", "--j"), set())))
def test_the_completion_offers_what_fits(words, wanted, tmp_path):
    line = " ".join(f"'{word}'" for word in ("pgswitch", *words))
    script = f"source {INSTALL}/pgswitch.bash; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _pgswitch; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path, timeout=20)
    assert set(done.stdout.split()) == wanted


def unit_for_analysis(folder, prefix):
    """The units, with a program and a user that exist on this machine."""
    for name in ("pgswitch.service", "pgswitch.socket"):
        shutil.copy(prefix / "lib/systemd/system" / name, folder)
    return folder / "pgswitch.service", folder / "pgswitch.socket"


def test_systemd_accepts_the_units(installed, tmp_path):
    service, socket = unit_for_analysis(tmp_path, installed)
    told = run("systemd-analyze", "verify", "--man=no", service, socket, env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"})
    assert [line for line in told.splitlines() if "pgswitch" in line] == []


def test_the_unit_is_hardened(installed, tmp_path):
    service, _ = unit_for_analysis(tmp_path, installed)
    told = run("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", service)
    assert re.search(r"Overall exposure level for pgswitch.service: [01]\.\d OK", told), told[-400:]


@pytest.fixture(scope="module")
def make_package(tmp_path_factory):
    if not (BUILD / "CPackConfig.cmake").exists():
        pytest.skip("the program is not in a build folder")

    def make(version):
        folder = tmp_path_factory.mktemp("package")
        run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", folder, "-D", f"CPACK_PACKAGE_VERSION={version}")
        (package,) = folder.glob("*.deb")
        return package
    return make


@pytest.fixture(scope="module")
def package(make_package):
    return make_package("0.0.1")


def test_the_package_says_what_it_needs_and_has_what_is_installed(package):
    fields = run("dpkg-deb", "--field", package)
    assert re.search(r"^Package: pgswitch$", fields, re.M) and re.search(r"^Version: 0\.0\.1$", fields, re.M)
    depends = re.search(r"^Depends: (.*)$", fields, re.M).group(1)
    assert [library for library in ("libc6", "libssl3", "liblua5.4-0", "libsystemd0", "adduser") if library not in depends] == []
    contents = run("dpkg-deb", "--contents", package)
    for path in ("./usr/bin/pgswitch", "./etc/pgswitch/pgswitch.ini", "./etc/pgswitch/userlist.txt",
                 "./usr/lib/systemd/system/pgswitch.service", "./usr/share/man/man5/pgswitch.5"):
        assert re.search(rf" {re.escape(path)}$", contents, re.M), path
    # No file of the machine it was built on, and no owner of its.
    assert {line.split()[1] for line in contents.splitlines()} == {"root/root"}
    assert str(BUILD) not in contents


def test_the_packages_control_files(package, tmp_path):
    run("dpkg-deb", "--control", package, tmp_path)
    assert (tmp_path / "conffiles").read_text().split() == ["/etc/pgswitch/pgswitch.ini", "/etc/pgswitch/userlist.txt", "/etc/logrotate.d/pgswitch"]
    for script in ("postinst", "prerm", "postrm"):
        assert (tmp_path / script).stat().st_mode & 0o111
        run("sh", "-n", tmp_path / script)


def has_user(name):
    try:
        return bool(pwd.getpwnam(name) or grp.getgrnam(name))
    except KeyError:
        return False


def state():
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Status}", "pgswitch"], capture_output=True, text=True)
    return done.stdout


LEFT = ("/etc/pgswitch", "/etc/logrotate.d/pgswitch", "/usr/bin/pgswitch", "/usr/lib/systemd/system/pgswitch.service", "/var/log/pgswitch",
        "/usr/share/man/man5/pgswitch.5", "/usr/share/doc/pgswitch")


@pytest.mark.skipif(os.geteuid() != 0, reason="dpkg needs root")
def test_the_package_installs_upgrades_and_purges_cleanly(package, make_package):
    if state() or has_user("pgswitch"):
        pytest.skip("pgswitch is installed on this machine")
    newer = make_package("0.0.2")
    ini = Path("/etc/pgswitch/pgswitch.ini")
    try:
        run("dpkg", "-i", package)
        assert state() == "install ok installed" and has_user("pgswitch")
        for name in ("userlist.txt", "pgswitch.ini"):
            secrets = (Path("/etc/pgswitch") / name).stat()
            assert (secrets.st_uid, grp.getgrgid(secrets.st_gid).gr_name, secrets.st_mode & 0o777) == (0, "pgswitch", 0o640)
        run("/usr/bin/pgswitch", "check", ini)
        assert [line for line in run("dpkg", "--verify", "pgswitch").splitlines() if "/usr/share/" not in line] == []
        ini.write_text(ini.read_text() + "; mine\n")
        run("dpkg", "-i", newer)
        assert ini.read_text().endswith("; mine\n")
        run("dpkg", "-r", "pgswitch")
        assert ini.exists() and not Path("/usr/bin/pgswitch").exists()
        run("dpkg", "-i", newer)
        assert ini.read_text().endswith("; mine\n")
    finally:
        run("dpkg", "--purge", "pgswitch")
    assert not state() and not has_user("pgswitch")
    assert [path for path in LEFT if Path(path).exists()] == []
