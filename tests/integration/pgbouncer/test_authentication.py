"""The same logins at Debian's pgbouncer (1.18) and at pgswitch, by the same ini file: who comes in, what is asked, what is said.

A scenario whose outcomes differ stands in DIFFERENT with what pgbouncer does and the reason, and fails when that is no longer
so. Of SQLSTATEs pgbouncer has one for all that it says itself, 08P01; pgswitch's are PostgreSQL's for the same. What 1.18 does
not have yet (auth_dbname, LDAP, name maps) is in test_auth_query.py, test_hba.py and test_outside_auth.py.
"""
import getpass
import hashlib
import os
import ssl
from pathlib import Path
from typing import NamedTuple

import pytest
from endpoint import USERS
from launch import write_file
from logins import Outcome, log_in
from pam_services import pam_services

PGBOUNCER = "/usr/sbin/pgbouncer"
pytestmark = pytest.mark.pgswitch
LOOKUP = {"auth_user": "authenticator", "auth_query": "SELECT name, secret FROM user_lookup($1)"}
ME = getpass.getuser()
# Started by root, the poolers run as somebody else.
SOCKET = "somebody else's socket" if os.geteuid() == 0 else "the process's own user"


class Try(NamedTuple):
    user: str
    password: str = "none"
    database: str = "app"
    unix: bool = False
    certificate: str = ""  # the name in the client's
    query: str = "SELECT current_user"


def md5(user, password):
    return "md5" + hashlib.md5((password + user).encode()).hexdigest()


HBA = f"""host app app 127.0.0.1/32 scram-sha-256
host all other 127.0.0.0 255.0.0.0 md5
host forced app,other all reject
host all "plainuser" 127.0.0.1/32 password
host sameuser md5user 127.0.0.1/32 trust
hostssl all admin 127.0.0.1/32 trust
local all app trust
local all other reject
local all {ME} peer
"""
# Group: (settings, {scenario: Try}). HBA_FILE stands for a file with HBA.
GROUPS = {
    "scram": ({"auth_type": "scram-sha-256"}, {
        "right": Try("app", "app-secret"), "wrong": Try("app", "wrong"), "unknown": Try("stranger", "x"), "empty": Try("app", ""),
        "verifier": Try("verifier", "app-secret"), "md5 secret": Try("md5user", "md5-secret"), "no secret": Try("nosecret", "x"),
        "no database": Try("app", "app-secret", "nowhere"), "no database, wrong": Try("app", "wrong", "nowhere"),
        "forced": Try("app", "app-secret", "forced"), "long name": Try("x" * 127, "x"), "too long name": Try("x" * 128, "x")}),
    "md5": ({"auth_type": "md5"}, {
        "right": Try("app", "app-secret"), "wrong": Try("app", "wrong"), "unknown": Try("stranger", "x"), "empty": Try("app", ""),
        "verifier": Try("verifier", "app-secret"), "verifier, wrong": Try("verifier", "wrong"), "md5 secret": Try("md5user", "md5-secret"),
        "no secret": Try("nosecret", "x"), "no database": Try("app", "app-secret", "nowhere")}),
    "plain": ({"auth_type": "plain"}, {
        "right": Try("app", "app-secret"), "wrong": Try("app", "wrong"), "unknown": Try("stranger", "x"), "empty": Try("app", ""),
        "md5 secret": Try("md5user", "md5-secret"), "no secret": Try("nosecret", "x")}),
    "trust": ({"auth_type": "trust"}, {
        "known": Try("app"), "unknown": Try("stranger"), "no secret": Try("nosecret", database="forced"),
        "no database": Try("app", database="nowhere")}),
    "any": ({"auth_type": "any"}, {
        "forced": Try("whoever", database="forced"), "not forced": Try("app"),
        "console": Try("whoever", database="pgbouncer", query="SHOW POOLS"),
        "console, no admin": Try("whoever", database="pgbouncer", query="RECONNECT"),
        "console, admin": Try("admin", database="pgbouncer", query="RECONNECT")}),
    "auth_query md5": ({"auth_type": "md5", **LOOKUP}, {
        "md5": Try("md5_only", "md5-secret"), "scram": Try("scram_only", "scram-secret"), "md5, wrong": Try("md5_only", "wrong"),
        "scram, wrong": Try("scram_only", "wrong"), "unknown": Try("stranger", "x"), "expired": Try("expired", "old-secret"),
        "no password": Try("nopassword", "x"), "of auth_file": Try("app", "app-secret"), "itself": Try("authenticator", "auth-secret"),
        "forced": Try("scram_only", "scram-secret", "forced"), "no database": Try("scram_only", "scram-secret", "nowhere"),
        "no secret": Try("nosecret", "x")}),
    "auth_query scram": ({"auth_type": "scram-sha-256", **LOOKUP}, {
        "right": Try("scram_only", "scram-secret"), "wrong": Try("scram_only", "wrong"), "md5": Try("md5_only", "md5-secret"),
        "expired": Try("expired", "old-secret"), "unknown": Try("stranger", "x")}),
    "auth_query plain": ({"auth_type": "plain", **LOOKUP}, {
        "scram": Try("scram_only", "scram-secret"), "md5": Try("md5_only", "md5-secret"), "wrong": Try("scram_only", "wrong")}),
    "auth_query fails": ({"auth_type": "md5", **LOOKUP, "auth_query": "SELECT 1/0, $1::text"}, {
        "error": Try("scram_only", "scram-secret")}),
    "auth_query of one column": ({"auth_type": "md5", **LOOKUP, "auth_query": "SELECT $1::text"}, {
        "columns": Try("scram_only", "scram-secret")}),
    "auth_query of no name": ({"auth_type": "md5", **LOOKUP, "auth_query": "SELECT NULL::text, $1::text"}, {
        "null": Try("scram_only", "scram-secret")}),
    "hba": ({"auth_type": "hba", "auth_hba_file": "HBA_FILE"}, {
        "scram": Try("app", "app-secret"), "scram, wrong": Try("app", "wrong"), "md5": Try("other", "other-secret"),
        "reject": Try("app", "app-secret", "forced"),
        "password": Try("plainuser", "plain-secret"), "no line": Try("md5user", "md5-secret"), "no line, unknown": Try("stranger"),
        "hostssl": Try("admin", database="pgbouncer"), "local": Try("app", unix=True), "local, reject": Try("other", unix=True),
        "local, no line": Try("md5user", unix=True), "peer": Try(ME, database="forced", unix=True)}),
    "hba looks up": ({"auth_type": "hba", "auth_hba_file": "HBA_LOOKUP", **LOOKUP}, {
        "md5": Try("md5_only", "md5-secret"), "scram": Try("scram_only", "scram-secret"),
        "trust": Try("boss", database="forced"), "reject": Try("expired", "x")}),
    "pam": ({"auth_type": "pam"}, {
        "right": Try("app", "app-secret"), "wrong": Try("app", "wrong"), "unknown": Try("nobody", "x"), "empty": Try("app", ""),
        "no database": Try("app", "app-secret", "nowhere"), "auth_user": Try("app", "app-secret", "looks_up")}),
    "cert": ({"auth_type": "cert", "client_tls_sslmode": "verify-full"}, {
        "same name": Try("app", certificate="app"), "other name": Try("app", certificate="other"),
        "unknown": Try("stranger", certificate="stranger"),
        "no database": Try("app", database="nowhere", certificate="app"), "forced": Try("app", database="forced", certificate="app"),
        "without TLS": Try("app", "app-secret")}),
    "cert looks up": ({"auth_type": "cert", "client_tls_sslmode": "verify-full", **LOOKUP}, {
        "same name": Try("md5_only", database="forced", certificate="md5_only"), "other name": Try("md5_only", certificate="app")}),
    "hba cert": ({"auth_type": "hba", "auth_hba_file": "HBA_CERT", "client_tls_sslmode": "verify-ca"}, {
        "same name": Try("app", certificate="app"), "other name": Try("app", certificate="other"),
        "reject": Try("other", certificate="other"),
        "password": Try("plainuser", "plain-secret", certificate="app")}),
    "console": ({"auth_type": "md5", "stats_users": "other"}, {
        **{f"{who} {query}": Try(user, USERS[user], "pgbouncer", query=query)
           for who, user in (("admin", "admin"), ("stats", "other"))
           for query in ("SHOW POOLS", "SHOW CONFIG", "RELOAD", "RECONNECT", "PAUSE app", "RESUME app", "DISABLE app", "ENABLE app",
                         "KILL nowhere", "KILL_CLIENT 1", "WAIT_CLOSE app", "SHUTDOWN sometime")},
        "nobody": Try("app", "app-secret", "pgbouncer"), "nobody, wrong": Try("app", "wrong", "pgbouncer"),
        "wrong": Try("admin", "wrong", "pgbouncer"), SOCKET: Try("pgbouncer", database="pgbouncer", unix=True, query="RECONNECT")}),
}
ONE_TEXT = ("SASL authentication failed", "password authentication failed")
CODES = {
    "password authentication failed": "28P01", "SASL authentication failed": "28P01", "empty password returned by client": "28P01",
    'password authentication failed for user "verifier"': "28P01", "no such database: nowhere": "3D000",
    '"trust" authentication failed': "28000", "login rejected": "28000", "PAM authentication failed": "28000",
    "certificate authentication failed": "28000", "SSL required": "28000", "username too long": "28000",
    "bouncer config error": "F0000", "admin access needed": "42501", "not allowed": "42501",
    "invalid command 'SHUTDOWN sometime', use SHOW HELP;": "42601",
}
NO_LINE = "1.25 tells this from a line with reject, in these words"
NO_USER = "1.25 goes through an exchange that cannot succeed: who exists is nobody's business"
KEYS = "the password has been shown in the clear and is good for the server too, as with a user of auth_file"
AFTER = "who is an admin is told to those alone who have shown who they are"
SAID = "AuthenticationOk has been said before the database is looked for, as by PostgreSQL"


def wrong(asked, user, sqlstate="28P01"):
    return Outcome(asked, sqlstate, f'password authentication failed for user "{user}"')


def refused(message):
    """What pgbouncer says before it asks for anything."""
    return Outcome("refused", "08P01", message)


NO_DATABASE = refused("no such database: nowhere"), Outcome("nothing", "3D000", "no such database: nowhere"), SAID
NO_COMMAND = Outcome("md5", "08P01", "invalid command 'KILL_CLIENT 1', use SHOW HELP;")
NO_RIGHT = Outcome("md5", "42501", "admin access needed")
# (group, scenario): (what pgbouncer does, what pgswitch does, the reason)
DIFFERENT = {
    ("trust", "no database"): NO_DATABASE,
    ("cert", "no database"): NO_DATABASE,
    ("any", "not forced"): (refused("bouncer config error"), Outcome("nothing", "F0000", "bouncer config error"), SAID),
    ("auth_query md5", "unknown"): (refused("no such user"), wrong("md5", "stranger"), NO_USER),
    ("auth_query scram", "unknown"): (refused("no such user"), wrong("scram", "stranger"), NO_USER),
    ("auth_query md5", "forced"): (wrong("scram", "other", "08P01"), Outcome("scram", "00000", "other"),
                                   "1.18 shows the server the keys of the wrong user"),
    ("auth_query plain", "scram"): (Outcome("password", "08P01", "server login failed: wrong password type"),
                                    Outcome("password", "00000", "scram_only"), KEYS),
    ("console", "nobody"): (refused("not allowed"), Outcome("md5", "42501", "not allowed"), AFTER),
    ("console", "nobody, wrong"): (refused("not allowed"), wrong("md5", "app"), AFTER),
    **({("console", SOCKET): (refused("not allowed"), wrong("md5", "pgbouncer"), AFTER)} if os.geteuid() == 0 else {}),
    ("console", "admin KILL_CLIENT 1"): (NO_COMMAND, Outcome("md5", "22023", "client not found"), "1.25 has this command"),
    ("console", "stats KILL_CLIENT 1"): (NO_COMMAND, NO_RIGHT, "1.25 has this command"),
    ("console", "stats SHUTDOWN sometime"): (Outcome("md5", "08P01", "invalid command 'SHUTDOWN sometime', use SHOW HELP;"), NO_RIGHT,
                                             "rights come first"),
    **{("hba", name): (refused("login rejected"), Outcome("refused", "28000", "no authentication method is found"), NO_LINE)
       for name in ("no line", "no line, unknown", "hostssl", "local, no line")},
}


def outcome_at(pooler, one, authority):
    tls = None
    if one.certificate:
        pair = authority.client(one.certificate)
        tls = ssl.create_default_context(cafile=str(authority.certificate))
        tls.load_cert_chain(pair.certificate, pair.key)
    unix = pooler.socket_path() if one.unix else None
    return log_in(pooler.port, one.user, one.password, one.database, unix=unix, tls=tls, query=one.query)


@pytest.fixture(scope="module", autouse=True)
def roles(oltp):
    oltp.sql((Path(__file__).resolve().parents[1] / "auth_roles.sql").read_text(), "app")


@pytest.fixture(scope="module")
def both(make_pooler, oltp, place, authority):
    """Group -> (pgbouncer, pgswitch), running."""
    started = {}
    pam = pam_services(place / "pam", {"app": "app-secret"})
    there = f"host=127.0.0.1 port={oltp.port} dbname="
    databases = {"forced": f"{there}app user=other password=other-secret", "looks_up": f"{there}app auth_user=app"}
    users = {**USERS, "authenticator": "auth-secret", "md5user": md5("md5user", "md5-secret"), "nosecret": "", ME: "secret",
             "verifier": oltp.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'")}
    files = {"HBA_FILE": HBA, "HBA_LOOKUP": "host all md5_only,scram_only 127.0.0.1/32 md5\n"
             "host all boss 127.0.0.1/32 trust\nhost all expired 127.0.0.1/32 reject\n",
             "HBA_CERT": "hostssl all app 127.0.0.1/32 cert\nhostssl all other 127.0.0.1/32 reject\n"
             "host all plainuser 127.0.0.1/32 password\n"}
    own = authority.server("both")
    tls = {"client_tls_cert_file": own.certificate, "client_tls_key_file": own.key, "client_tls_ca_file": authority.certificate}

    def get(group):
        if group not in started:
            settings = dict(GROUPS[group][0])
            if "auth_hba_file" in settings:
                settings["auth_hba_file"] = write_file(place / settings["auth_hba_file"], files[settings["auth_hba_file"]])
            if "client_tls_sslmode" in settings:
                settings.update(tls)
            pair = []
            for program in (PGBOUNCER, None):
                pooler = make_pooler(rules=None, databases=databases, users=users, program=program,
                                     wrapper=pam if group == "pam" else (), **settings)
                pooler.folder.chmod(0o755)
                pooler.write_ini(unix_socket_dir=pooler.folder)
                pooler.start()
                pair.append(pooler)
            started[group] = tuple(pair)
        return started[group]
    place.chmod(0o755)
    yield get
    for pair in started.values():
        for pooler in pair:
            pooler.stop()


SCENARIOS = [(group, name) for group, (_, scenarios) in GROUPS.items() for name in scenarios]


def same_at_pgswitch(seen, user):
    """What pgswitch says where pgbouncer says this."""
    if seen.sqlstate == "00000":
        return seen
    message = f'password authentication failed for user "{user}"' if seen.message in ONE_TEXT else seen.message
    return Outcome(seen.asked, CODES.get(seen.message, seen.sqlstate), message)


@pytest.mark.parametrize("group, name", SCENARIOS)
def test_a_login_ends_as_at_pgbouncer(both, authority, group, name):
    attempt = GROUPS[group][1][name]
    pgbouncer, pgswitch = (outcome_at(pooler, attempt, authority) for pooler in both(group))
    if (group, name) in DIFFERENT:
        wanted_there, wanted_here, _ = DIFFERENT[group, name]
        assert (pgbouncer, pgswitch) == (wanted_there, wanted_here)
    else:
        assert pgswitch == same_at_pgswitch(pgbouncer, attempt.user)


def test_each_difference_is_one():
    for (group, name), (there, here, _) in DIFFERENT.items():
        assert name in GROUPS[group][1]
        assert here != same_at_pgswitch(there, GROUPS[group][1][name].user), (group, name)
