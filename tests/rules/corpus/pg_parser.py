"""PostgreSQL's own parser, as libpg_query has it: says what is SQL, splits query strings, tells which statements are alike."""
import ctypes


class _Error(ctypes.Structure):
    _fields_ = [("message", ctypes.c_char_p)]


class _Fingerprint(ctypes.Structure):
    _fields_ = [("number", ctypes.c_uint64), ("text", ctypes.c_char_p), ("stderr", ctypes.c_void_p), ("error", ctypes.POINTER(_Error))]


class _Place(ctypes.Structure):
    _fields_ = [("begin", ctypes.c_int), ("size", ctypes.c_int)]


class _Split(ctypes.Structure):
    _fields_ = [("places", ctypes.POINTER(ctypes.POINTER(_Place))), ("count", ctypes.c_int), ("stderr", ctypes.c_void_p),
                ("error", ctypes.POINTER(_Error))]


_library = ctypes.CDLL("libpg_query.so")
_library.pg_query_fingerprint.restype = _Fingerprint
_library.pg_query_fingerprint.argtypes = [ctypes.c_char_p]
for _split in (_library.pg_query_split_with_parser, _library.pg_query_split_with_scanner):
    _split.restype = _Split
    _split.argtypes = [ctypes.c_char_p]


def fingerprint(sql):
    """The same text for statements that differ in literals, blanks and names of aliases; None for what is no SQL."""
    if "\0" in sql:
        return None
    result = _library.pg_query_fingerprint(sql.encode())
    return None if result.error else result.text.decode()


def statements(sql):
    """The statements of a query string, without semicolons and blanks around them."""
    data = sql.encode()
    result = _library.pg_query_split_with_parser(data)
    if result.error:
        result = _library.pg_query_split_with_scanner(data)
    if result.error:
        return [sql]
    places = [result.places[i].contents for i in range(result.count)]
    return [text for text in (data[p.begin:p.begin + p.size].decode().strip() for p in places) if text]
