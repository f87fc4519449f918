"""The PROXY protocol, versions 1 and 2: the client's address as a load balancer tells it."""
import socket
import struct

import pytest
from endpoint import Endpoint
from launch import eventually, write_file
from logins import Outcome, log_in
from messages import query, request, startup
from oracle import cut, read_to_end, send
from raw import ANYBODY, RawClient, error_fields
from test_cancel import sleeping

pytestmark = pytest.mark.pgswitch


@pytest.fixture(scope="module")
def trusting(make_pooler):
    with make_pooler(auth_type="trust", pool_mode="transaction") as pooler:
        yield Endpoint(pooler.port, pooler=pooler)


def header_v1(address="192.0.2.77"):
    return f"PROXY TCP4 {address} 192.0.2.1 40000 5432\r\n".encode()


def addresses(family, source, destination):
    return socket.inet_pton(family, source) + socket.inet_pton(family, destination) + struct.pack("!HH", 40000, 5432)


IPV4 = addresses(socket.AF_INET, "192.0.2.77", "192.0.2.1")
IPV6 = addresses(socket.AF_INET6, "2001:db8::7", "2001:db8::1")


def header_v2(command=0x21, family=0x11, body=IPV4):
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", command, family, len(body)) + body


@pytest.fixture(scope="module")
def behind(make_pooler):
    """A proxy behind a load balancer at 127.0.0.1 that speaks the PROXY protocol."""
    with make_pooler(tls=True, client_tls_sslmode="prefer", auth_type="trust", proxy_protocol=1, proxy_protocol_networks="127.0.0.1/32",
                     client_login_timeout=2) as pooler:
        yield Endpoint(pooler.port, pooler=pooler)


def address_seen(endpoint, *pieces, tls=False):
    """The address that SHOW CLIENTS has for somebody who sent these pieces in front, each in a segment of its own.
    tls: the last of them is an SSLRequest."""
    with RawClient(endpoint.port) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            client.send(piece)
        if tls:
            assert client.socket.recv(1) == b"S"
            client.start_tls()
        client.startup(user="admin", database="pgbouncer", application_name="behind")
        assert client.read_until(b"Z", b"E")[-1][0] == b"Z"
        client.send(query("SHOW CLIENTS"))
        rows = [body for kind, body in client.read_until(b"Z") if kind == b"D"]
        assert any(b"TLSv1" in row for row in rows) == tls
        return [address for address in (b"192.0.2.77", b"2001:db8::7", b"127.0.0.1") if any(address in row for row in rows)][0].decode()


HEADERS = {
    "v1": ([header_v1()], "192.0.2.77"),
    "v1_byte_by_byte": ([bytes([byte]) for byte in header_v1()], "192.0.2.77"),
    "v1_ipv6": ([b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n"], "2001:db8::7"),
    "v1_unknown": ([b"PROXY UNKNOWN\r\n"], "127.0.0.1"),
    "v2": ([header_v2()], "192.0.2.77"),
    "v2_byte_by_byte": ([bytes([byte]) for byte in header_v2()], "192.0.2.77"),
    "v2_of_the_balancer_itself": ([header_v2(0x20, 0, b"")], "127.0.0.1"),
    "v2_with_more_behind_the_addresses": ([header_v2(body=IPV4 + b"\x04\0\x02xx")], "192.0.2.77"),
    "v2_ipv6": ([header_v2(family=0x21, body=IPV6)], "2001:db8::7"),
    "v2_ipv6_byte_by_byte": ([bytes([byte]) for byte in header_v2(family=0x21, body=IPV6)], "2001:db8::7"),
    "v2_ipv6_with_more_behind_the_addresses": ([header_v2(family=0x21, body=IPV6 + b"\x04\0\x02xx")], "2001:db8::7"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_the_address_in_a_proxy_header_is_the_clients(name, behind):
    pieces, address = HEADERS[name]
    assert address_seen(behind, *pieces) == address


@pytest.mark.parametrize("name", HEADERS)
def test_an_ssl_request_and_tls_may_follow(name, behind):
    pieces, address = HEADERS[name]
    assert address_seen(behind, *pieces, request(5679), tls=True) == address
    assert address_seen(behind, b"".join(pieces) + request(5679), tls=True) == address


@pytest.mark.parametrize("header", (header_v1(), header_v2(), header_v2(family=0x21, body=IPV6)), ids=("v1", "v2", "v2_ipv6"))
def test_a_cancel_request_that_follows_cancels(header, behind, oltp):
    with RawClient(behind.port) as client, RawClient(behind.port) as canceller:
        client.send(header)
        client.startup(user="app", database="app")
        key = dict(client.read_until(b"Z"))[b"K"]
        client.send(query("SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        canceller.send(header + request(5678, key))
        assert read_to_end(canceller) == []
        assert error_fields(dict(client.read_until(b"Z"))[b"E"])["C"] == "57014"


HBA = """
host all app 192.0.2.77/32 trust
host all app 2001:db8::/32 trust
host all app 192.0.2.0/24 reject
host all other 127.0.0.1/32 trust
"""
NOBODY = Outcome("refused", "28000", "no authentication method is found")


def test_the_address_in_a_header_is_the_one_that_hba_rules_are_about(start_proxy, place):
    proxy = start_proxy(tls=True, client_tls_sslmode="prefer", auth_type="hba", auth_hba_file=write_file(place / "hba-behind", HBA),
                        proxy_protocol=1, proxy_protocol_networks="127.0.0.1/32")
    of_the_balancer, ipv6 = header_v2(0x20, 0, b""), header_v2(family=0x21, body=IPV6)
    outside = header_v2(family=0x21, body=addresses(socket.AF_INET6, "2001:db9::7", "2001:db8::1"))
    for tls in (None, ANYBODY):
        for header in (header_v1(), header_v2(), ipv6):
            assert log_in(proxy.port, "app", tls=tls, header=header) == Outcome("nothing", "00000", "app")
            assert log_in(proxy.port, "other", tls=tls, header=header) == NOBODY
        assert log_in(proxy.port, "app", tls=tls, header=header_v1("192.0.2.78")) == Outcome("refused", "28000", "login rejected")
        for header in (header_v1("198.51.100.7"), outside, of_the_balancer):
            assert log_in(proxy.port, "app", tls=tls, header=header) == NOBODY
        assert log_in(proxy.port, "other", tls=tls, header=of_the_balancer) == Outcome("nothing", "00000", "other")


BAD_HEADERS = {
    "none": startup({"user": "app", "database": "app"}),
    "v1_without_an_address": b"PROXY TCP4\r\n",
    "v1_not_an_address": b"PROXY TCP4 nowhere 192.0.2.1 1 2\r\n",
    "v1_port_too_large": b"PROXY TCP4 192.0.2.77 192.0.2.1 65536 5432\r\n",
    "v1_too_long": b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n",
    "v1_in_lower_case": b"proxy tcp4 192.0.2.77 192.0.2.1 1 2\r\n",
    "v1_without_cr": b"PROXY TCP4 192.0.2.77 192.0.2.1 1 2\n" + startup({"user": "app"}) + b"x" * 100,
    "v2_wrong_version": header_v2(0x11),
    "v2_unknown_command": header_v2(0x2f),
    "v2_too_short": header_v2(body=b"\x7f\0\0\1"),
    "v2_ipv6_too_short": header_v2(family=0x21, body=IPV4),
    "v2_far_too_long": header_v2(body=bytes(60000)),
    "ssl_request_first": request(5679) + header_v1(),
}


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_a_bad_proxy_header_is_closed_without_a_word(name, behind):
    with RawClient(behind.port) as client:
        send(client, BAD_HEADERS[name])
        assert read_to_end(client) == []
    assert address_seen(behind, header_v1()) == "192.0.2.77"


@pytest.mark.parametrize("data", (b"", b"PROXY TCP4 192.0", header_v2()[:14], header_v2()[:20]), ids=("nothing", "v1", "v2_head", "v2_body"))
def test_a_proxy_header_that_is_never_complete_ends_with_the_login_timeout(data, behind):
    with RawClient(behind.port) as client:
        client.send(data)
        assert [kind for kind, _ in read_to_end(client)] in ([], [b"E"])


def test_a_proxy_header_cut_by_the_client_is_no_login(behind):
    with RawClient(behind.port) as client:
        client.send(header_v2()[:20])
        cut(client)
        assert read_to_end(client) == []


def test_a_second_proxy_header_is_a_bad_start_packet(behind):
    with RawClient(behind.port) as client:
        send(client, header_v1() + header_v1("192.0.2.88"))
        assert read_to_end(client) == []


def test_without_the_setting_a_proxy_header_is_a_bad_start_packet(trusting):
    for header in (header_v1(), header_v2()):
        with RawClient(trusting.port) as client:
            send(client, header)
            assert read_to_end(client) == []


@pytest.mark.parametrize("header", (header_v1(), header_v2()), ids=("v1", "v2"))
def test_a_proxy_header_from_elsewhere_is_a_bad_start_packet(start_proxy, header):
    proxy = start_proxy(auth_type="trust", proxy_protocol=1, proxy_protocol_networks="192.0.2.0/24")
    with RawClient(proxy.port) as client:
        send(client, header + startup({"user": "app", "database": "app"}))
        assert read_to_end(client) == []
