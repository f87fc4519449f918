"""Malformed bytes on the way in: start packets, TLS, passwords, SASL, settings."""
import struct

from malformed import Case, Stage
from messages import SYNC, TERMINATE, frame, packet, query, request, startup, text

START = startup({"user": "app", "database": "app"})
SSL, GSS, CANCEL = 5679, 5680, 5678


def door(data, **more):
    return Case(Stage.DOOR, data, **more)


def settings(*pairs, **more):
    return Case(Stage.SETTINGS, pairs, **more)


def sasl(mechanism, data=b"n,,n=,r=abcdefgh", length=None):
    return frame(b"p", text(mechanism) + struct.pack("!I", (len(data) if length is None else length) & 0xffffffff) + data)


DOOR = {
    "length_0": door(packet(b"", 0)),
    "length_3": door(packet(b"", 3)),
    "length_7": door(packet(b"abc", 7)),
    "length_8_without_a_user": door(packet(b"\0\3\0\0")),
    "length_1_GB": door(packet(b"\0\3\0\0", 1 << 30)),
    "length_negative": door(packet(b"\0\3\0\0", -1)),
    "length_10001_of_parameters": door(startup({"user": "app", "options": "x" * 10000})),
    "length_longer_than_what_comes": door(packet(b"\0\3\0\0user\0app\0\0", 100), cut=True),
    "nothing_at_all": door(b"", cut=True),
    "two_bytes": door(b"\0\0", cut=True),
    "a_length_and_nothing_else": door(b"\0\0\0\x20", cut=True),
    "http": door(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "ssh": door(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "zeros": door(b"\0" * 4000),
    "ones": door(b"\xff" * 4000),
    "ssl_request": door(request(SSL), cut=True),
    "ssl_request_and_a_pipelined_start": door(request(SSL) + START, cut=True, differs="at once"),
    "ssl_request_twice": door(request(SSL) * 2, cut=True, differs="at once"),
    "ssl_request_with_a_body": door(request(SSL, b"more"), cut=True, differs="body"),
    "gss_request": door(request(GSS), cut=True, differs="gssapi"),
    "gss_request_and_a_pipelined_start": door(request(GSS) + START, cut=True, differs="at once"),
    "gss_request_twice": door(request(GSS) * 2, cut=True, differs="at once"),
    "unknown_request_5681": door(request(5681), differs="newer"),
    "cancel_request_too_short": door(request(CANCEL, b"abc")),
    "cancel_request_without_a_secret": door(request(CANCEL, struct.pack("!i", 1))),
    "cancel_request_of_nobody": door(request(CANCEL, struct.pack("!ii", 1, 2))),
    "cancel_request_with_a_long_secret": door(request(CANCEL, struct.pack("!i", 1) + b"x" * 256)),
    "cancel_request_and_a_pipelined_start": door(request(CANCEL, struct.pack("!ii", 1, 2)) + START),
    "protocol_0": door(startup({"user": "app"}, (0, 0)), differs="newer"),
    "protocol_1": door(startup({"user": "app"}, (1, 0))),
    "protocol_2": door(startup({"user": "app"}, (2, 0))),
    "protocol_4": door(startup({"user": "app"}, (4, 0)), differs="newer"),
    "protocol_65535": door(startup({"user": "app"}, (65535, 65535)), differs="newer"),
    "protocol_3_1": door(startup({"user": "app", "database": "app"}, (3, 1)) + TERMINATE, differs="newer"),
    "protocol_3_2": door(startup({"user": "app", "database": "app"}, (3, 2)) + TERMINATE, differs="newer"),
    "protocol_3_99": door(startup({"user": "app", "database": "app"}, (3, 99)) + TERMINATE, differs="newer"),
    "protocol_option_unknown": door(startup({"user": "app", "database": "app", "_pq_.x": "1"}) + TERMINATE),
    "protocol_options_unknown": door(startup({"_pq_.b": "1", "user": "app", "_pq_.a": "", "database": "app"}) + TERMINATE),
    "user_missing": door(startup({"database": "app"})),
    "user_empty": door(startup({"user": "", "database": "app"})),
    "user_twice": door(startup([("user", "nobody"), ("user", "app"), ("database", "app")]) + TERMINATE),
    "user_of_100_bytes": door(startup({"user": "u" * 100, "database": "app"}) + TERMINATE),
    "user_that_is_not_utf8": door(startup({"user": b"\xff\xfe", "database": "app"}) + TERMINATE),
    "database_of_100_bytes": door(startup({"user": "app", "database": "d" * 100}) + TERMINATE),
    "no_parameters_and_no_terminator": door(packet(b"\0\3\0\0", 8)),
    "terminator_missing": door(startup({"user": "app"}, end=b"")),
    "terminator_twice": door(startup({"user": "app"}, end=b"\0\0")),
    "value_missing": door(packet(b"\0\3\0\0" + b"user\0app\0database\0")),
    "value_without_nul": door(packet(b"\0\3\0\0" + b"user\0app\0database\0app")),
    "bytes_behind_the_terminator": door(startup({"user": "app"}, end=b"\0x\0")),
    "replication_nonsense": door(startup({"user": "app", "replication": "maybe"}) + TERMINATE),
    "query_in_front_of_the_password": door(START + query("SELECT 1")),
    "sync_in_front_of_the_password": door(START + SYNC),
    "unknown_type_in_front_of_the_password": door(START + frame(b"!")),
    "unknown_user": door(startup({"user": "stranger", "database": "app"}) + TERMINATE),
    "unknown_database": door(startup({"user": "app", "database": "nowhere"}) + TERMINATE),
}
TLS = {
    "ssl_request": Case(Stage.TLS, request(SSL), differs="newer"),
    "gss_request": Case(Stage.TLS, request(GSS), differs="newer"),
    "length_0": Case(Stage.TLS, packet(b"", 0)),
    "http": Case(Stage.TLS, b"GET / HTTP/1.1\r\n\r\n"),
    "start_and_terminate": Case(Stage.TLS, START + TERMINATE),
}
_PASSWORDS = {
    "empty": frame(b"p", b"\0"),
    "without_a_body": frame(b"p"),
    "without_nul": frame(b"p", b"secret"),
    "with_bytes_behind_nul": frame(b"p", b"secret\0more"),
    "wrong": frame(b"p", b"wrong\0"),
    "length_0": frame(b"p", b"", 0),
    "length_3": frame(b"p", b"", 3),
    "length_negative": frame(b"p", b"", -1),
    "length_1_GB": frame(b"p", b"secret\0", 1 << 30),
    "length_of_65536": frame(b"p", b"x" * 65532 + b"\0"),
    "unknown_type": frame(b"!"),
    "of_type_query": query("SELECT 1"),
    "of_type_terminate": TERMINATE,
}


def _told(name):
    return "told" if name.startswith("length_") else None


MD5 = {name: Case(Stage.MD5, data, differs=_told(name)) for name, data in _PASSWORDS.items()}
PLAIN = {name: Case(Stage.PLAIN, data, differs=_told(name)) for name, data in _PASSWORDS.items()}
SCRAM = {name: Case(Stage.SCRAM, data, differs=_told(name)) for name, data in {
    **_PASSWORDS,
    "mechanism_unknown": sasl("PLAIN"),
    "mechanism_plus_without_tls": sasl("SCRAM-SHA-256-PLUS"),
    "mechanism_in_lower_case": sasl("scram-sha-256"),
    "mechanism_alone": frame(b"p", b"SCRAM-SHA-256\0"),
    "data_of_length_0": sasl("SCRAM-SHA-256", b"") + TERMINATE,
    "data_of_length_minus_1": sasl("SCRAM-SHA-256", b"", -1) + TERMINATE,
    "data_of_length_minus_16": sasl("SCRAM-SHA-256", b"", 0xfffffff0),
    "data_shorter_than_said": sasl("SCRAM-SHA-256", b"n,,n=,r=abc", 100),
    "data_longer_than_said": sasl("SCRAM-SHA-256", b"n,,n=,r=abc", 3),
    "data_with_nul": sasl("SCRAM-SHA-256", b"n,,n=,r=a\0bc"),
    "data_not_scram": sasl("SCRAM-SHA-256", b"hello"),
    "binding_flag_missing": sasl("SCRAM-SHA-256", b",,n=,r=abc"),
    "binding_flag_unknown": sasl("SCRAM-SHA-256", b"z,,n=,r=abc"),
    "binding_flag_without_tls": sasl("SCRAM-SHA-256", b"p=tls-server-end-point,,n=,r=abc"),
    "binding_flag_y_without_tls": sasl("SCRAM-SHA-256", b"y,,n=,r=abc") + TERMINATE,
    "authorization_identity": sasl("SCRAM-SHA-256", b"n,a=admin,n=,r=abc"),
    "mandatory_extension": sasl("SCRAM-SHA-256", b"n,,m=ext,n=,r=abc"),
    "user_missing": sasl("SCRAM-SHA-256", b"n,,r=abc"),
    "nonce_missing": sasl("SCRAM-SHA-256", b"n,,n="),
    "nonce_empty": sasl("SCRAM-SHA-256", b"n,,n=,r=") + TERMINATE,
    "nonce_not_printable": sasl("SCRAM-SHA-256", b"n,,n=,r=a\x01c"),
    "nonce_of_9000_bytes": sasl("SCRAM-SHA-256", b"n,,n=,r=" + b"a" * 9000) + TERMINATE,
    "extension_behind_the_nonce": sasl("SCRAM-SHA-256", b"n,,n=,r=abc,x=1") + TERMINATE,
}.items()}
PROOF = {name: Case(Stage.PROOF, data, differs=_told(name)) for name, data in {
    "empty": frame(b"p"),
    "of_type_query": query("SELECT 1"),
    "not_scram": frame(b"p", b"hello"),
    "with_nul": frame(b"p", b"c=biws,r=a\0b,p=AAAA"),
    "binding_wrong": frame(b"p", b"c=AAAA,r=abc,p=AAAA"),
    "nonce_wrong": frame(b"p", b"c=biws,r=wrong,p=AAAA"),
    "proof_missing": frame(b"p", b"c=biws,r=abc"),
    "proof_not_base64": frame(b"p", b"c=biws,r=abc,p=!!!!"),
    "first_message_again": sasl("SCRAM-SHA-256"),
    "length_3": frame(b"p", b"", 3),
}.items()}
SETTINGS = {
    "none": settings(),
    "unknown": settings(("no_such_setting", "1")),
    "unknown_with_a_dot": settings(("my.setting", "1")),
    "name_empty_value": settings(("work_mem", "")),
    "value_wrong": settings(("work_mem", "much")),
    "value_of_a_reported_setting_wrong": settings(("DateStyle", "nonsense")),
    "encoding_unknown": settings(("client_encoding", "KLINGON")),
    "encoding_twice": settings(("client_encoding", "KLINGON"), ("client_encoding", "UTF8")),
    "set_at_start_only": settings(("shared_buffers", "1MB")),
    "for_superusers": settings(("log_statement", "all")),
    "internal": settings(("server_version", "1")),
    "options_with_an_unknown_switch": settings(("options", "-z")),
    "options_without_a_value": settings(("options", "-c work_mem")),
    "options_with_nothing_behind_c": settings(("options", "-c")),
    "options_with_a_word": settings(("options", "hello")),
    "options_empty": settings(("options", "")),
    "options_wrong": settings(("options", "-c work_mem=much")),
    "application_name_not_ascii": settings(("application_name", "caf\u00e9")),
    "name_not_utf8": settings((b"\xff\xfe", "1"), differs="as sql"),
}
CASES = {"door": DOOR, "tls": TLS, "md5": MD5, "plain": PLAIN, "scram": SCRAM, "proof": PROOF, "settings": SETTINGS}
