"""PostgreSQL's protocol by hand, for what no driver says: odd start-ups and bytes in front of them."""
import socket
import struct


class RawClient:
    """A socket and the few messages that the tests need."""

    def __init__(self, port, host="127.0.0.1", unix=None):
        if unix:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(unix)
        else:
            self.socket = socket.create_connection((host, port), 10)
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

    def read(self):
        """(type, body) of the next message, or (None, b"") at the end of the connection."""
        head = self._exactly(5)
        if head is None:
            return None, b""
        return head[:1], self._exactly(struct.unpack("!i", head[1:])[0] - 4)

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
            except ConnectionResetError:
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
    return {field[:1].decode(): field[1:].decode() for field in body.split(b"\0") if field}
