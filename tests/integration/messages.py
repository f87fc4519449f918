"""Frontend messages of the extended protocol and COPY as bytes (manual, 55.7), well formed unless told otherwise."""
import struct


def frame(kind, body=b"", length=None):
    """One message; `length` takes the place of the right one, which counts itself and the body."""
    length = 4 + len(body) if length is None else length
    return kind + struct.pack("!I", length & 0xffffffff) + body


def text(value):
    return (value if isinstance(value, bytes) else value.encode()) + b"\0"


def packet(body, length=None):
    """A packet of the start-up phase, which has no type byte."""
    return frame(b"", body, length)


def startup(parameters, version=(3, 0), end=b"\0"):
    pairs = parameters.items() if isinstance(parameters, dict) else parameters
    return packet(struct.pack("!HH", *version) + b"".join(text(name) + text(value) for name, value in pairs) + end)


def request(minor, more=b""):
    """SSLRequest (5679), GSSENCRequest (5680), CancelRequest (5678)."""
    return packet(struct.pack("!HH", 1234, minor) + more)


def query(sql):
    return frame(b"Q", text(sql))


def parse(sql, name="", types=()):
    return frame(b"P", text(name) + text(sql) + struct.pack(f"!h{len(types)}I", len(types), *types))


def bind(values=(), statement="", portal="", formats=(), results=()):
    """values: bytes, str, or None for NULL."""
    def one(value):
        value = value.encode() if isinstance(value, str) else value
        return struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value

    return frame(b"B", text(portal) + text(statement) + struct.pack(f"!h{len(formats)}h", len(formats), *formats)
                 + struct.pack("!h", len(values)) + b"".join(map(one, values))
                 + struct.pack(f"!h{len(results)}h", len(results), *results))


def describe(target, name=""):
    return frame(b"D", target.encode() + text(name))


def close(target, name=""):
    return frame(b"C", target.encode() + text(name))


def execute(portal="", rows=0):
    return frame(b"E", text(portal) + struct.pack("!i", rows))


def function_call(function, arguments=(), formats=(), result=0):
    values = b"".join(struct.pack("!i", -1) if a is None else struct.pack("!i", len(a)) + a for a in arguments)
    return frame(b"F", struct.pack(f"!Ih{len(formats)}h", function, len(formats), *formats) + struct.pack("!h", len(arguments))
                 + values + struct.pack("!h", result))


def copy_data(data):
    return frame(b"d", data)


def copy_fail(reason):
    return frame(b"f", text(reason))


SYNC, FLUSH, TERMINATE, COPY_DONE = frame(b"S"), frame(b"H"), frame(b"X"), frame(b"c")
