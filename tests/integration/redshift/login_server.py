"""A server that logs clients in as a Redshift may, and answers what it is told to: for what the stand-in has no switch for, and for a
look at every byte that pgswitch sends.

The messages are those of amazon-redshift-jdbc-driver, amazon-redshift-python-driver and amazon-redshift-odbc-driver.
"""
import hashlib
import os
import socket
import ssl
import struct
import threading

REDSHIFT = ("PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), "
            "Redshift 1.0.63269")
PARAMETERS = {"server_version": "8.0.2", "client_encoding": "UNICODE", "datestyle": "ISO, MDY", "integer_datetimes": "on",
              "is_superuser": "off", "server_encoding": "UNICODE", "TimeZone": "UTC", "timezone_abbreviations": "Default",
              "padb_version": "1.0.63269", "padb_revision": "abcdef", "max_numeric_precision": "38", "max_varchar_size": "65535",
              "datashare_enabled": "on", "session_id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "case_sensitive": "on"}
SSL_REQUEST = 80877103


def frame(kind, body=b""):
    return kind + struct.pack("!i", 4 + len(body)) + body


def text(value):
    return value.encode() + b"\0"


def one_row(value, name="version"):
    field = text(name) + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0)
    row = struct.pack("!hi", 1, len(value)) + value.encode()
    return frame(b"T", struct.pack("!h", 1) + field) + frame(b"D", row) + frame(b"C", text("SELECT"))


def error(sqlstate, message):
    return frame(b"E", b"SFATAL\0C" + text(sqlstate) + b"M" + text(message) + b"\0")


class LoginServer:
    """auth: "ok", "cleartext", "md5", "digest", "idp"; passwords: user -> password, stored as its sha256 secret for digests; tokens: those
    that idp takes; answers: SQL -> messages; version: what version() says. What it sees: startups, queries, proofs."""

    def __init__(self, auth="ok", passwords=None, tokens=(), certificate=None, version=REDSHIFT, parameters=None, salt=None):
        self.auth, self.passwords, self.tokens, self.version = auth, dict(passwords or {}), set(tokens), version
        self.parameters = PARAMETERS if parameters is None else parameters
        self.salt = salt or os.urandom(16)
        self.startups, self.queries, self.proofs, self.open = [], [], [], 0
        self.answers = {}
        self._tls = None
        if certificate:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(certificate.certificate, certificate.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            self.open += 1
            self._talk(client)
        except (OSError, EOFError):
            pass
        finally:
            self.open -= 1
            client.close()

    def _talk(self, client):
        packet = self._packet(client)
        if struct.unpack("!i", packet[:4])[0] == SSL_REQUEST:
            client.sendall(b"S" if self._tls else b"N")
            if self._tls:
                client = self._tls.wrap_socket(client, server_side=True)
            packet = self._packet(client)
        words = packet[4:].split(b"\0")
        startup = {words[i].decode(): words[i + 1].decode() for i in range(0, len(words) - 2, 2) if words[i]}
        self.startups.append(startup)
        user = startup.get("user", "")
        if not self._proves(client, user):
            client.sendall(error("28000", f'password authentication failed for user "{user}"'))
            return
        client.sendall(frame(b"R", struct.pack("!i", 0)))
        for name, value in self.parameters.items():
            client.sendall(frame(b"S", text(name) + text(value)))
        client.sendall(frame(b"S", text("session_authorization") + text(user)))
        client.sendall(frame(b"K", struct.pack("!ii", 4711, 815)) + frame(b"Z", b"I"))
        while True:
            kind, body = self._frame(client)
            if kind == b"X":
                return
            if kind == b"Q":
                self._answer(client, body[:-1].decode())
            elif kind == b"S":
                client.sendall(frame(b"Z", b"I"))

    def _answer(self, client, sql):
        self.queries.append(sql)
        if sql in self.answers:
            client.sendall(self.answers[sql] + frame(b"Z", b"I"))
        elif sql.lower() == "select version()":
            client.sendall(one_row(self.version) + frame(b"Z", b"I"))
        elif sql.lower().startswith("select"):
            client.sendall(one_row("1", "?column?") + frame(b"Z", b"I"))
        else:
            client.sendall(frame(b"C", text(sql.split()[0].upper())) + frame(b"Z", b"I"))

    def _proves(self, client, user):
        password = self.passwords.get(user)
        if self.auth == "ok":
            return True
        if self.auth == "cleartext":
            client.sendall(frame(b"R", struct.pack("!i", 3)))
            kind, body = self._proof(client)
            return kind == b"p" and password is not None and body == text(password)
        if self.auth == "md5":
            client.sendall(frame(b"R", struct.pack("!i", 5) + b"salt"))
            kind, body = self._proof(client)
            inner = hashlib.md5((str(password) + user).encode()).hexdigest()
            return kind == b"p" and body == text("md5" + hashlib.md5(inner.encode() + b"salt").hexdigest())
        if self.auth == "digest":
            nonce = os.urandom(16)
            client.sendall(frame(b"R", struct.pack("!iii", 13, 0, len(self.salt)) + self.salt + struct.pack("!i", len(nonce)) + nonce))
            kind, body = self._proof(client)
            size, = struct.unpack_from("!i", body)
            digest, client_nonce = body[4:4 + size], body[8 + size:]
            inner = hashlib.sha256(str(password).encode() + self.salt).digest()
            return kind == b"d" and digest == hashlib.sha256(inner + nonce + client_nonce).digest()
        client.sendall(frame(b"R", struct.pack("!i", 14)))
        kind, body = self._proof(client)
        return kind == b"i" and body.rstrip(b"\0").decode() in self.tokens

    def stored_secret(self, password):
        """As CREATE USER takes it: sha256|digest|salt."""
        return f"sha256|{hashlib.sha256(password.encode() + self.salt).hexdigest()}|{self.salt.hex()}"

    def _proof(self, client):
        kind, body = self._frame(client)
        self.proofs.append((kind, body))
        return kind, body

    def _packet(self, client):
        size, = struct.unpack("!i", self._exactly(client, 4))
        return self._exactly(client, size - 4)

    def _frame(self, client):
        head = self._exactly(client, 5)
        return head[:1], self._exactly(client, struct.unpack("!i", head[1:])[0] - 4)

    @staticmethod
    def _exactly(client, count):
        data = b""
        while len(data) < count:
            part = client.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data
