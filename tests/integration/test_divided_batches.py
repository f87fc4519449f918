"""Batches that go on by another route: the portals bound before stay where they were, and nobody gets another answer for them."""
import pytest
from endpoint import USERS
from messages import SYNC, bind, close, describe, execute, parse, query
from oracle import answers, both_modes
from raw import RawClient, error_fields

pytestmark = pytest.mark.pgswitch

HERE, THERE = "SELECT generate_series(1, 3)", "SELECT 42 /* pgswitch: route=app.redshift */"
ELSEWHERE = parse(THERE) + bind(portal="there") + execute("there")
BOUND = parse(HERE) + bind(portal="p")
# What is asked behind the statement that goes by the other route, when "p" and the unnamed portal are of the first one.
BEHIND = {"execute": execute("p"), "execute a part": execute("p", 1), "describe": describe("P", "p")}
CONVERSATIONS = {
    "bound again": [BOUND + ELSEWHERE + parse("SELECT 1") + bind(portal="p") + SYNC],
    "closed": [BOUND + ELSEWHERE + close("P", "p") + parse("SELECT 1") + bind(portal="p") + execute("p") + SYNC],
    "executed before": [BOUND + execute("p") + ELSEWHERE + SYNC, BOUND + execute("p") + SYNC],
    "the name is free behind the Sync": [BOUND + ELSEWHERE + SYNC, execute("p") + SYNC, BOUND + execute("p") + SYNC],
    "in a transaction": [query("BEGIN"), BOUND + ELSEWHERE + execute("p", 2) + SYNC, execute("p") + SYNC, query("COMMIT")],
    "in a transaction of the batch": [
        parse("BEGIN") + bind() + execute() + BOUND + ELSEWHERE + execute("p", 2) + execute("p") + SYNC, query("ROLLBACK")],
    "portals of what needs no server": [parse("", "e") + bind(statement="e", portal="p") + parse(HERE) + bind() + ELSEWHERE + execute("p") + SYNC],
    "a held cursor has the name": [query("DECLARE p CURSOR WITH HOLD FOR SELECT 7"), ELSEWHERE + parse(THERE) + bind(portal="p") + SYNC, query("CLOSE p")],
}


@pytest.fixture(scope="module")
def proxies(make_pooler, oltp):
    by_another_route = {"app.redshift": f"host=127.0.0.1 port={oltp.port} dbname=app"}  # the same data
    with both_modes(make_pooler, rules=None, route_users="app", databases=by_another_route) as both:
        yield both


@pytest.fixture(autouse=True)
def tidy():
    """Nothing to put in order: no conversation writes."""


@pytest.mark.parametrize("what", BEHIND)
@pytest.mark.parametrize("portal", ("p", ""))
@pytest.mark.parametrize("mode", ("transaction", "session"))
def test_a_portal_of_the_other_route_is_refused_with_the_reason(mode, portal, what, proxies):
    asked = BEHIND[what].replace(b"p\0", b"\0") if not portal else BEHIND[what]
    asked = asked[:1] + (len(asked) - 1).to_bytes(4, "big") + asked[5:]
    with RawClient(proxies[mode].port) as client:
        client.login("app", USERS["app"], database="app")
        client.send(parse(HERE) + bind(portal=portal) + ELSEWHERE + asked + SYNC)
        *seen, refused, ready = client.read_until(b"Z")
        assert [kind for kind, _ in seen] == [b"1", b"2", b"1", b"2", b"D", b"C"] and ready == (b"Z", b"I")
        fields = error_fields(refused[1])
        assert (fields["C"], fields["M"]) == ("34000", f'portal "{portal}" does not exist')
        assert 'route "app"' in fields["D"] and "transaction" in fields["H"]


@pytest.mark.parametrize("name", CONVERSATIONS)
@pytest.mark.parametrize("mode", ("transaction", "session"))
def test_all_else_is_answered_as_by_one_server(mode, name, proxies, direct):
    for pipelined in (False, True):
        seen, expected = (answers(endpoint, CONVERSATIONS[name], pipelined) for endpoint in (proxies[mode], direct))
        assert seen == expected, pipelined
