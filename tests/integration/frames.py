"""Messages of a client as bytes, and a server's as values: for clients that send without waiting, or are many."""
import struct


def startup(user="app", database="app", **more):
    pairs = {"user": user, "database": database, **more}
    body = b"".join(name.encode() + b"\0" + value.encode() + b"\0" for name, value in pairs.items()) + b"\0"
    return struct.pack("!ihh", 8 + len(body), 3, 0) + body


def message(kind, body=b""):
    return kind + struct.pack("!i", 4 + len(body)) + body


def query(sql):
    return message(b"Q", sql.encode() + b"\0")


def parse(sql, name=""):
    return message(b"P", name.encode() + b"\0" + sql.encode() + b"\0\0\0")


def bind(*values, name=""):
    """Text parameters, text results, the unnamed portal."""
    encoded = b"".join(struct.pack("!i", len(value)) + value.encode() for value in values)
    return message(b"B", b"\0" + name.encode() + b"\0" + struct.pack("!hh", 0, len(values)) + encoded + struct.pack("!h", 0))


def execute(rows=0):
    return message(b"E", b"\0" + struct.pack("!i", rows))


SYNC = message(b"S")
FLUSH = message(b"H")
TERMINATE = message(b"X")


def extended(sql, *values):
    """One statement by the extended protocol."""
    return parse(sql) + bind(*values) + execute() + SYNC


def messages(data):
    """(type, body) of each message in `data`."""
    place = 0
    while place < len(data):
        size, = struct.unpack_from("!i", data, place + 1)
        yield data[place:place + 1], data[place + 5:place + 1 + size]
        place += 1 + size


def columns(body):
    """Texts of a DataRow; None for NULL."""
    found, place = [], 2
    for _ in range(struct.unpack_from("!h", body)[0]):
        size, = struct.unpack_from("!i", body, place)
        found.append(body[place + 4:place + 4 + size].decode() if size >= 0 else None)
        place += 4 + max(size, 0)
    return found


def values(seen):
    """First column of each DataRow among (type, body) pairs."""
    return [columns(body)[0] for kind, body in seen if kind == b"D"]
