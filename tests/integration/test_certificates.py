"""Certificates are read again at SIGHUP; a bad pair changes nothing."""
import signal
import socket
import ssl
import struct
from pathlib import Path

import pytest
from conftest import tls_settings
from launch import eventually

pytestmark = pytest.mark.pgswitch


def presented(port):
    """The certificate that the proxy shows, DER."""
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        plain.sendall(struct.pack("!ii", 8, 80877103))
        assert plain.recv(1) == b"S"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(plain) as tls:
            return tls.getpeercert(binary_form=True)


def test_sighup_brings_the_new_certificate_and_keeps_the_clients(start_proxy, authority):
    settings = tls_settings(authority)
    proxy = start_proxy(tls=True)
    first = presented(proxy.port)
    replacement = authority.server("replacement")
    with proxy.connect() as client:
        for file, new in ((settings["client_tls_cert_file"], replacement.certificate), (settings["client_tls_key_file"], replacement.key)):
            Path(file).write_bytes(Path(new).read_bytes())
        proxy.pooler.signal(signal.SIGHUP)
        eventually(lambda: presented(proxy.port) != first, what="the new certificate")
        assert client.execute("SELECT 1").fetchone()[0] == 1
        second = presented(proxy.port)
        Path(settings["client_tls_key_file"]).write_text("no key")
        proxy.pooler.signal(signal.SIGHUP)
        with proxy.connect() as another:
            assert another.execute("SELECT 1").fetchone()[0] == 1
        assert presented(proxy.port) == second
