"""Every case of malformed_login.py and malformed_session.py gets PostgreSQL's own answer through the proxy, and costs nobody else anything."""
import socket
from pathlib import Path

import pytest
from endpoint import USERS, Endpoint
from malformed import REASONS, Stage
from malformed_login import CASES as LOGIN_CASES
from malformed_session import CASES as SESSION_CASES
from messages import SYNC, TERMINATE, query, request, startup
from oracle import cut, read_to_end, send, transcript
from raw import RawClient
from scram import PLAIN, Scram

pytestmark = pytest.mark.pgswitch

CASES = {f"{group}.{name}": case for group, cases in {**LOGIN_CASES, **SESSION_CASES}.items() for name, case in cases.items()}
# After the bytes of a case: is there still somebody who answers? Then goodbye, so that the connection ends by itself.
PROBE = SYNC + query("SELECT 'still here'") + TERMINATE
USER = {Stage.MD5: "md5user", Stage.PLAIN: "plainuser"}
ANSWERED_WITH_ONE_BYTE = (request(5679)[4:], request(5680)[4:])  # the codes of SSLRequest and GSSENCRequest
SETTINGS = {"scram": {"auth_type": "scram-sha-256"}, "md5": {"auth_type": "md5"}, "plain": {"auth_type": "plain"},
            "transaction": {"auth_type": "trust"}, "session": {"auth_type": "trust", "pool_mode": "session"}}
MODES = {Stage.MD5: ["md5"], Stage.PLAIN: ["plain"], Stage.READY: ["transaction", "session"]}


class Watched:
    """A proxy with one server connection for everybody, and a client that looks whether it is still the same one."""

    def __init__(self, pooler):
        self.endpoint = Endpoint(pooler.port, pooler=pooler)
        self.server = self._server()

    def _server(self):
        with RawClient(self.endpoint.port) as client:
            client.login("app", USERS["app"], database="app", application_name="watch")
            client.send(query("SELECT pg_backend_pid()") + TERMINATE)
            return transcript(read_to_end(client))

    def is_unhurt(self, same_server):
        """Another client gets a right answer, from the same server connection as before or from another one."""
        before, self.server = self.server, self._server()
        assert len(self.server) == 4 and self.server[-1] == ("Z", b"I")
        assert (self.server == before) == same_server


@pytest.fixture(autouse=True)
def tidy():
    """Nothing to put in order: the cases write into a table of their own, which nobody reads."""


@pytest.fixture(scope="module")
def watched(make_pooler, authority):
    """watched(name): the proxy of that name, started at first use."""
    pair, proxies = authority.server("malformed"), {}

    def get(name):
        if name not in proxies:
            pooler = make_pooler(**{"pool_mode": "transaction", "default_pool_size": 1, "client_tls_sslmode": "prefer",
                                    "client_tls_cert_file": pair.certificate, "client_tls_key_file": pair.key,
                                    **SETTINGS[name]})
            pooler.start()
            proxies[name] = Watched(pooler)
        return proxies[name]
    yield get
    for proxy in proxies.values():
        proxy.endpoint.pooler.stop()


@pytest.fixture(scope="module")
def postgresql(clusters):
    """Case name -> what PostgreSQL answers, asked once."""
    clusters[0].sql("SET ROLE app; CREATE TABLE IF NOT EXISTS copied (a text)", "app")
    answers = {}

    def get(name):
        if name not in answers:
            answers[name] = ask(Endpoint(clusters[0].port), CASES[name])
        return answers[name]
    return get


def ask(endpoint, case):
    """What the case is answered, to the end of the connection."""
    user = USER.get(case.stage, "app")
    with RawClient(endpoint.port) as client:
        arrive(client, case.stage, user)
        if case.stage is Stage.SETTINGS:
            client.send(startup((("user", user), ("database", "app"), *case.data)))
            last = client.answer_password_request(user, USERS[user])
            send(client, TERMINATE)
            return transcript([last, *read_to_end(client)])
        send(client, case.data + (PROBE if case.stage is Stage.READY and not case.cut else b""))
        if case.cut:
            cut(client)
        first = one_byte(client) if case.stage is Stage.DOOR and case.data[4:8] in ANSWERED_WITH_ONE_BYTE else []
        return first + transcript(read_to_end(client))


def one_byte(client):
    """The answer to SSLRequest and GSSENCRequest, in front of the messages; nothing when they are answered by an error."""
    return [] if client.socket.recv(1, socket.MSG_PEEK) in (b"E", b"") else [client.socket.recv(1)]


def arrive(client, stage, user):
    """The conversation up to the stage at which the case begins."""
    if stage is Stage.READY:
        client.login(user, USERS[user], database="app")
    elif stage is Stage.TLS:
        client.send(request(5679))
        assert client.socket.recv(1) == b"S"
        client.start_tls()
    elif stage not in (Stage.DOOR, Stage.SETTINGS):
        client.startup(user=user, database="app")
        assert client.read()[0] == b"R"
        if stage is Stage.PROOF:
            client.sasl_initial(PLAIN, Scram("").first())
            assert client.read()[0] == b"R"


def parameters():
    return [pytest.param(name, mode, id=f"{name}-{mode}")
            for name, case in CASES.items() for mode in MODES.get(case.stage, ["scram"])]


@pytest.mark.parametrize("name, mode", parameters())
def test_the_answer_is_postgresqls_own_and_nobody_is_hurt(name, mode, watched, postgresql):
    case, proxy = CASES[name], watched(mode)
    expected, seen = postgresql(name), ask(proxy.endpoint, case)
    proxy.is_unhurt(same_server=not case.costs_its_server)
    if case.differs:
        theirs, reason = expected, REASONS[case.differs]
        expected = reason.answer(theirs, case.data)
        assert theirs != expected, "the reason why it differs has gone"
        expected = expected if reason.in_time else expected[:len(seen)]
    assert seen == expected


def test_every_reason_is_in_the_readme():
    text = (Path(__file__).resolve().parents[1] / "README.md").read_text()
    assert [reason.why for reason in REASONS.values() if reason.why not in text] == []
    assert {case.differs for case in CASES.values()} - {None} == set(REASONS)
