"""PostgreSQL's protocol by hand, for what no driver says: odd start-ups and messages, and bytes in front of them."""
import hashlib
import socket
import ssl
import struct

from scram import PLAIN, Scram

ANYBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ANYBODY.check_hostname = False
ANYBODY.verify_mode = ssl.CERT_NONE


class RawClient:
    """A socket and the few messages that the tests need."""

    def __init__(self, port, host="127.0.0.1", unix=None, source=""):
        if unix:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(unix)
        else:
            self.socket = socket.create_connection((host, port), 10, (source, 0))
        self.socket.settimeout(10)

    def send(self, data):
        self.socket.sendall(data)

    def startup(self, version=(3, 0), **parameters):
        body = b"".join(k.encode() + b"\0" + v.encode() + b"\0" for k, v in parameters.items()) + b"\0"
        self.send(struct.pack("!iHH", 8 + len(body), *version) + body)

    def message(self, kind, body=b""):
        self.send(kind + struct.pack("!i", 4 + len(body)) + body)

    def password(self, text):
        self.message(b"p", text.encode() + b"\0")

    def start_tls(self, context=ANYBODY):
        """The TLS handshake alone, whatever was agreed before it."""
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def sasl_initial(self, mechanism, data):
        self.message(b"p", mechanism + b"\0" + struct.pack("!i", len(data)) + data)

    def answer_password_request(self, user, password, scram=None, mechanism=PLAIN):
        """Answers the server's request in whatever way it asks for, up to AuthenticationOk or an error, which it returns."""
        scram = scram or Scram(password)
        while True:
            kind, body = self.read()
            code = struct.unpack("!i", body[:4])[0] if kind == b"R" else None
            if code == 3:
                self.password(password)
            elif code == 5:
                inner = hashlib.md5((password + user).encode()).hexdigest()
                self.password("md5" + hashlib.md5(inner.encode() + body[4:8]).hexdigest())
            elif code == 10:
                self.sasl_initial(mechanism, scram.first())
            elif code == 11:
                self.message(b"p", scram.final(body[4:]))
            elif code == 12:
                assert scram.proves(body[4:])
            elif kind != b"v":
                return kind, body

    def login(self, user, password, **parameters):
        """From the start packet to the first ReadyForQuery."""
        self.startup(user=user, **parameters)
        kind, body = self.answer_password_request(user, password)
        assert kind == b"R", error_fields(body)
        return self.read_until(b"Z")

    def read(self):
        """(type, body) of the next message, or (None, b"") at the end of the connection."""
        head = self._exactly(5)
        if head is None:
            return None, b""
        body = self._exactly(struct.unpack("!i", head[1:])[0] - 4)
        return (None, b"") if body is None else (head[:1], body)

    def read_until(self, *kinds):
        """Messages up to the first of these types, or to the end of the connection."""
        seen = []
        while True:
            seen.append(self.read())
            if seen[-1][0] in (*kinds, None):
                return seen

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                part = self.socket.recv(count - len(data))
            except (ConnectionResetError, ssl.SSLEOFError):
                part = b""
            if not part:
                return None
            data += part
        return data

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def error_fields(body):
    """ErrorResponse body -> {"C": sqlstate, "M": message, ...}."""
    return {field[:1].decode(): field[1:].decode(errors="backslashreplace") for field in body.split(b"\0") if field}
