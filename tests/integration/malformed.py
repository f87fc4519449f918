"""Bytes that no driver sends, and what a case is about. What PostgreSQL answers to them is asked at test time.

A case begins at a `Stage` of the connection. Unless it is `cut` (the client's side is closed behind the bytes) it ends with
the question whether anybody still answers. `differs` names a row of REASONS: why the answer is another one.
"""
import struct
from dataclasses import dataclass
from enum import Enum

from messages import (COPY_DONE, FLUSH, SYNC, TERMINATE, bind, close, copy_data, copy_fail, describe, execute, frame,
                      function_call, packet, parse, query, request, startup, text)


class Stage(Enum):
    DOOR = "nothing was sent before"
    TLS = "TLS is up, nothing was sent inside"
    MD5 = "an MD5 password was asked for"
    PLAIN = "a password was asked for"
    SCRAM = "SASL was offered"
    PROOF = "the client's first SCRAM message was answered"
    SETTINGS = "the bytes are the start packet's parameters, and the password is right"
    READY = "logged in, ReadyForQuery"


@dataclass(frozen=True)
class Case:
    stage: Stage
    data: object
    cut: bool = False
    differs: str = None
    costs_its_server: bool = False


REASONS = {
    "gssapi": "GSSAPI encryption is refused with N, which every client must expect",
    "tls first": "bytes behind an SSLRequest are refused at once, by PostgreSQL after the TLS handshake",
    "newer": "protocol 3.2 is spoken, which PostgreSQL 15 does not know",
    "told": "a length that cannot be is told with FATAL 08P01; PostgreSQL writes it to its log and closes",
    "gone": "a client that has closed its side of the connection is gone: nobody finishes or answers what it asked",
    "flushed": "answers that wait in the output buffer at Terminate are sent; PostgreSQL drops them",
    "midway": "a large message streams through; who leaves in the middle of it costs the server connection that waits for the rest",
    "as sql": "settings reach the server in SQL, which has to be valid text",
}
START = startup({"user": "app", "database": "app"})
SSL, GSS, CANCEL = 5679, 5680, 5678
INT2_MAX = struct.pack("!h", 32767)


def door(data, **more):
    return Case(Stage.DOOR, data, **more)


def ready(*data, **more):
    return Case(Stage.READY, b"".join(data), **more)


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
    "ssl_request_and_a_pipelined_start": door(request(SSL) + START, cut=True, differs="tls first"),
    "ssl_request_twice": door(request(SSL) * 2, cut=True, differs="tls first"),
    "ssl_request_with_a_body": door(request(SSL, b"more"), cut=True),
    "gss_request": door(request(GSS), cut=True, differs="gssapi"),
    "gss_request_and_a_pipelined_start": door(request(GSS) + START, cut=True, differs="gssapi"),
    "gss_request_twice": door(request(GSS) * 2, cut=True, differs="gssapi"),
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
_SELECT = parse("SELECT 1")
_ONE_PARAMETER = parse("SELECT $1::text")
_COPY = query("COPY copied (a) FROM STDIN")
FRAMES = {
    **{f"{name}_length_{length}": ready(frame(kind, b"", length), differs=None if kind == b"!" else "told")
       for name, kind in (("query", b"Q"), ("parse", b"P"), ("bind", b"B"), ("describe", b"D"), ("execute", b"E"), ("close", b"C"),
                          ("function_call", b"F"), ("sync", b"S"), ("flush", b"H"), ("terminate", b"X"), ("copy_data", b"d"),
                          ("copy_done", b"c"), ("copy_fail", b"f"), ("unknown", b"!"))
       for length in (0, 3, -1)},
    **{f"{name}_without_a_body": ready(frame(kind))
       for name, kind in (("query", b"Q"), ("parse", b"P"), ("bind", b"B"), ("describe", b"D"), ("execute", b"E"), ("close", b"C"),
                          ("function_call", b"F"), ("copy_data", b"d"), ("copy_fail", b"f"))},
    **{f"{name}_with_a_body": ready(frame(kind, b"more"))
       for name, kind in (("sync", b"S"), ("flush", b"H"), ("terminate", b"X"), ("copy_done", b"c"))},
    **{f"{name}_of_20000_bytes": ready(frame(kind, b"x" * 20000 + b"\0"), differs="told" if kind in b"SHDECXcf" else None)
       for name, kind in (("sync", b"S"), ("flush", b"H"), ("describe", b"D"), ("execute", b"E"), ("close", b"C"), ("terminate", b"X"),
                          ("copy_done", b"c"), ("copy_fail", b"f"), ("copy_data", b"d"), ("password", b"p"), ("unknown", b"!"))},
    **{f"{name}_of_1_GB": ready(frame(kind, b"x" * 100, 1 << 30), differs="told")
       for name, kind in (("query", b"Q"), ("parse", b"P"), ("bind", b"B"), ("describe", b"D"), ("function_call", b"F"),
                          ("sync", b"S"), ("copy_data", b"d"))},
    **{f"{name}_cut": ready(data[:-3], cut=True)
       for name, data in (("query", query("SELECT 1")), ("parse", _SELECT), ("bind", _SELECT + bind()), ("describe", describe("S")),
                          ("execute", execute()), ("close", close("S")), ("function_call", function_call(1299)), ("sync", SYNC),
                          ("flush", FLUSH), ("copy_data", copy_data(b"x")), ("copy_fail", copy_fail("no")))},
    **{f"unknown_type_{number}": ready(frame(bytes([number]))) for number in (0, 33, 90, 127, 128, 255)},
    "password_when_logged_in": ready(frame(b"p", b"secret\0")),
    "ready_for_query_from_a_client": ready(frame(b"Z", b"I")),
    "start_packet_again": ready(START),
    "ssl_request_again": ready(request(SSL)),
    "tls_hello": ready(b"\x16\x03\x01\x00\x05hello"),
    "http": ready(b"GET / HTTP/1.1\r\n\r\n"),
}
TEXTS = {
    "query_without_nul": ready(frame(b"Q", b"SELECT 1")),
    "query_with_nul_inside": ready(frame(b"Q", b"SELECT\0 1\0")),
    "query_with_two_nuls": ready(frame(b"Q", b"SELECT 1\0\0")),
    "query_not_utf8": ready(frame(b"Q", b"SELECT '\xff'\0")),
    "query_cut_inside_a_character": ready(frame(b"Q", b"SELECT '\xe2\x98\0")),
    "query_empty": ready(query("")),
    "query_of_blanks": ready(query(" \n\t ")),
    "query_of_semicolons": ready(query(";;;")),
    "query_of_a_comment": ready(query("/* nothing */")),
    "query_with_an_open_comment": ready(query("SELECT 1 /* open")),
    "query_with_an_open_string": ready(query("SELECT 'open")),
    "query_with_an_open_dollar_quote": ready(query("SELECT $a$open")),
    "query_with_an_open_identifier": ready(query('SELECT "open')),
    "query_with_a_parameter": ready(query("SELECT $1")),
    "query_not_sql": ready(query("hello")),
    "query_with_an_error_behind_a_select": ready(query("SELECT 1; SELEC 2")),
    "query_of_two_selects_the_second_failing": ready(query("SELECT 1; SELECT 1/0; SELECT 3")),
    "parse_not_utf8": ready(frame(b"P", b"\0SELECT '\xff'\0\0\0")),
    "parse_name_not_utf8": ready(frame(b"P", b"\xff\0SELECT 1\0\0\0")),
    "parse_of_two_statements": ready(parse("SELECT 1; SELECT 2")),
    "parse_of_nothing": ready(parse(""), bind(), describe("P"), execute()),
    "parse_not_sql": ready(parse("hello")),
    "parse_cut_after_the_name": ready(frame(b"P", b"name\0")),
    "parse_without_nul_behind_the_text": ready(frame(b"P", b"\0SELECT 1")),
    "parse_without_a_count": ready(frame(b"P", b"\0SELECT 1\0")),
    "parse_with_fewer_types_than_said": ready(frame(b"P", b"\0SELECT 1\0\0\2\0\0\0\x17")),
    "parse_with_more_types_than_said": ready(frame(b"P", b"\0SELECT 1\0\0\1\0\0\0\x17\0\0\0\x17")),
    "parse_with_32767_types_said": ready(frame(b"P", b"\0SELECT 1\0" + INT2_MAX)),
    "parse_with_minus_1_types": ready(frame(b"P", b"\0SELECT 1\0\xff\xff")),
    "parse_with_types_nobody_needs": ready(parse("SELECT 1", types=(23, 25)), bind(("1", "a")), execute()),
    "parse_with_an_unknown_type": ready(parse("SELECT $1", types=(4_000_000_000,))),
    "parse_with_a_parameter_0": ready(parse("SELECT $0")),
    "parse_with_a_parameter_65536": ready(parse("SELECT $65536")),
    "parse_with_an_undeterminable_type": ready(parse("SELECT $2::int")),
    "parse_of_a_name_twice": ready(parse("SELECT 1", "twice"), parse("SELECT 2", "twice"), close("S", "twice")),
    "parse_of_names_alike_in_63_bytes": ready(parse("SELECT 1", "n" * 63 + "a"), parse("SELECT 2", "n" * 63 + "b")),
}
BINDS = {
    "statement_unknown": ready(bind(statement="nobody")),
    "statement_unnamed_and_never_parsed": ready(bind()),
    "statement_name_without_nul": ready(_SELECT, frame(b"B", b"\0abc")),
    "portal_name_without_nul": ready(_SELECT, frame(b"B", b"abc")),
    "nothing_behind_the_names": ready(_SELECT, frame(b"B", b"\0\0")),
    "nothing_behind_the_formats": ready(_SELECT, frame(b"B", b"\0\0\0\0")),
    "nothing_behind_the_parameters": ready(_SELECT, frame(b"B", b"\0\0\0\0\0\0")),
    "bytes_behind_the_end": ready(_SELECT, frame(b"B", b"\0\0\0\0\0\0\0\0more")),
    "formats_fewer_than_said": ready(_ONE_PARAMETER, frame(b"B", b"\0\0\0\2\0\0")),
    "formats_32767_said": ready(_ONE_PARAMETER, frame(b"B", b"\0\0" + INT2_MAX)),
    "formats_minus_1": ready(_ONE_PARAMETER, frame(b"B", b"\0\0\xff\xff\0\1\0\0\0\1x\0\0")),
    "formats_two_for_one_parameter": ready(_ONE_PARAMETER, bind(("x",), formats=(0, 0))),
    "formats_one_for_none": ready(_SELECT, bind(formats=(1,)), execute()),
    "format_7": ready(_ONE_PARAMETER, bind(("x",), formats=(7,))),
    "format_minus_1": ready(_ONE_PARAMETER, bind(("x",), formats=(-1,))),
    "parameters_none_for_one": ready(_ONE_PARAMETER, bind()),
    "parameters_two_for_one": ready(_ONE_PARAMETER, bind(("x", "y"))),
    "parameters_one_for_none": ready(_SELECT, bind(("x",))),
    "parameters_32767_said": ready(_ONE_PARAMETER, frame(b"B", b"\0\0\0\0" + INT2_MAX)),
    "parameters_minus_1": ready(_ONE_PARAMETER, frame(b"B", b"\0\0\0\0\xff\xff\0\0")),
    "parameter_of_length_minus_2": ready(_ONE_PARAMETER, frame(b"B", b"\0\0\0\0\0\1\xff\xff\xff\xfe\0\0")),
    "parameter_of_the_least_length": ready(_ONE_PARAMETER, frame(b"B", b"\0\0\0\0\0\1\x80\0\0\0\0\0")),
    "parameter_longer_than_the_message": ready(_ONE_PARAMETER, frame(b"B", b"\0\0\0\0\0\1\0\0\0\x64abc\0\0")),
    "parameter_of_1_GB_said": ready(_ONE_PARAMETER, frame(b"B", b"\0\0\0\0\0\1\x40\0\0\0abc\0\0")),
    "parameter_null": ready(_ONE_PARAMETER, bind((None,)), execute()),
    "parameter_not_utf8": ready(_ONE_PARAMETER, bind((b"\xff",))),
    "parameter_with_nul": ready(_ONE_PARAMETER, bind((b"a\0b",))),
    "parameter_of_a_wrong_form": ready(parse("SELECT $1::int"), bind(("abc",))),
    "parameter_binary_of_a_wrong_size": ready(parse("SELECT $1::int"), bind((b"abc",), formats=(1,))),
    "parameter_too_large_a_number": ready(parse("SELECT $1::int"), bind(("99999999999",))),
    "results_fewer_than_said": ready(_SELECT, frame(b"B", b"\0\0\0\0\0\0\0\2\0\0")),
    "results_minus_1": ready(_SELECT, frame(b"B", b"\0\0\0\0\0\0\xff\xff"), execute()),
    "results_two_for_one": ready(_SELECT, bind(results=(0, 0)), execute()),
    "result_format_7": ready(_SELECT, bind(results=(7,)), execute()),
    "portal_twice": ready(_SELECT, bind(portal="p"), bind(portal="p")),
    "portal_unnamed_twice": ready(_SELECT, bind(), bind(), execute()),
    "portal_name_not_utf8": ready(_SELECT, bind(portal=b"\xff")),
    "of_a_named_statement_with_too_many_parameters": ready(parse("SELECT $1::text", "s"), bind(("x", "y"), "s")),
    "of_a_named_statement_with_a_wrong_parameter": ready(parse("SELECT $1::int", "s"), bind(("abc",), "s")),
    "of_a_named_statement_without_a_body": ready(parse("SELECT $1::int", "s"), frame(b"B", b"\0s\0")),
    "of_a_named_statement_with_bytes_behind": ready(parse("SELECT 1", "s"), frame(b"B", b"\0s\0\0\0\0\0\0\0x")),
}
NAMES = {
    "describe_unknown_statement": ready(describe("S", "nobody")),
    "describe_unknown_portal": ready(describe("P", "nobody")),
    "describe_unnamed_statement_never_parsed": ready(describe("S")),
    "describe_unnamed_portal_never_bound": ready(describe("P")),
    "describe_of_type_x": ready(frame(b"D", b"x\0")),
    "describe_without_nul": ready(frame(b"D", b"Sabc")),
    "describe_with_bytes_behind": ready(frame(b"D", b"S\0abc")),
    "describe_name_not_utf8": ready(describe("S", b"\xff")),
    "close_unknown_statement": ready(close("S", "nobody")),
    "close_unknown_portal": ready(close("P", "nobody")),
    "close_of_type_x": ready(frame(b"C", b"x\0")),
    "close_without_nul": ready(frame(b"C", b"Pabc")),
    "close_with_bytes_behind": ready(frame(b"C", b"P\0abc")),
    "close_then_bind": ready(parse("SELECT 1", "s"), close("S", "s"), bind(statement="s")),
    "close_portal_then_execute": ready(_SELECT, bind(portal="p"), close("P", "p"), execute("p")),
    "execute_unknown_portal": ready(execute("nobody")),
    "execute_unnamed_portal_never_bound": ready(execute()),
    "execute_without_a_count": ready(_SELECT, bind(), frame(b"E", b"\0")),
    "execute_with_bytes_behind": ready(_SELECT, bind(), frame(b"E", b"\0\0\0\0\0more")),
    "execute_without_nul": ready(_SELECT, bind(), frame(b"E", b"abcd")),
    "execute_of_minus_1_rows": ready(parse("SELECT generate_series(1, 3)"), bind(), execute(rows=-1)),
    "execute_of_the_least_number_of_rows": ready(parse("SELECT generate_series(1, 3)"), bind(), execute(rows=-2**31)),
    "execute_in_steps": ready(parse("SELECT generate_series(1, 3)"), bind(), execute(rows=2), execute(rows=2), execute(rows=2)),
    "execute_twice": ready(_SELECT, bind(), execute(), execute()),
    "execute_behind_the_sync": ready(_SELECT, bind(), SYNC, execute()),
}
FUNCTIONS = {
    "well_formed": ready(function_call(1317, (b"abc",))),
    "with_an_argument": ready(function_call(31, (b"",))),
    "of_an_unknown_function": ready(function_call(4_000_000_000)),
    "of_function_0": ready(function_call(0)),
    "without_a_result_format": ready(frame(b"F", struct.pack("!Ihh", 1299, 0, 0))),
    "with_bytes_behind": ready(frame(b"F", struct.pack("!Ihhh", 1299, 0, 0, 0) + b"more")),
    "cut_after_the_function": ready(frame(b"F", struct.pack("!I", 1299))),
    "with_too_many_arguments": ready(function_call(1299, (b"1", b"2"))),
    "with_too_few_arguments": ready(function_call(1317)),
    "with_200_arguments": ready(function_call(1299, (b"1",) * 200)),
    "with_minus_1_arguments": ready(frame(b"F", struct.pack("!Ihhh", 1299, 0, -1, 0))),
    "with_an_argument_of_length_minus_2": ready(frame(b"F", struct.pack("!Ihhih", 1317, 0, 1, -2, 0))),
    "with_an_argument_longer_than_the_message": ready(frame(b"F", struct.pack("!Ihhih", 1317, 0, 1, 1000, 0))),
    "with_two_formats_for_one_argument": ready(function_call(1317, (b"abc",), (0, 0))),
    "with_format_7": ready(function_call(1317, (b"abc",), (7,))),
    "with_result_format_7": ready(function_call(1317, (b"abc",), result=7)),
    "that_may_not_be_called": ready(function_call(764, (b"x",))),
    "in_a_failed_transaction": ready(query("BEGIN"), query("SELECT 1/0"), function_call(1299), query("ROLLBACK")),
    "in_an_empty_transaction": ready(query("BEGIN"), function_call(1317, (b"abc",)), query("ROLLBACK")),
    "behind_an_open_batch": ready(_SELECT, bind(), execute(), function_call(1317, (b"abc",))),
    "behind_an_error": ready(parse("hello"), function_call(1317, (b"abc",)), SYNC),
}
ORDER = {
    "flush_only": ready(FLUSH * 3),
    "sync_only": ready(SYNC * 3),
    "error_and_no_sync": ready(parse("hello"), _SELECT, bind(), execute(), FLUSH),
    "error_and_a_query": ready(parse("hello"), query("SELECT 1"), SYNC, query("SELECT 2")),
    "error_behind_an_answer": ready(_SELECT, bind(), execute(), parse("hello"), execute(), SYNC, query("SELECT 2")),
    "unknown_type_behind_a_query": ready(query("SELECT 1"), frame(b"!")),
    "unknown_type_behind_a_batch": ready(_SELECT, bind(), execute(), frame(b"!")),
    "bad_length_behind_a_query": ready(query("SELECT 1"), frame(b"S", b"", 0), differs="told"),
    "terminate_behind_a_batch": ready(_SELECT, bind(), execute(), TERMINATE, differs="flushed"),
    "message_behind_terminate": ready(TERMINATE, query("SELECT 1")),
    "copy_data_outside_copy": ready(copy_data(b"x\n")),
    "copy_done_outside_copy": ready(COPY_DONE),
    "copy_fail_outside_copy": ready(copy_fail("no")),
    "copy_messages_outside_copy_in_a_batch": ready(_SELECT, copy_data(b"x\n"), COPY_DONE, bind(), copy_fail("no"), execute()),
    "copy_fail_without_nul_outside_copy": ready(frame(b"f", b"no")),
    "copy_and_a_query": ready(_COPY, query("SELECT 1")),
    "copy_and_a_parse": ready(_COPY, _SELECT),
    "copy_and_an_unknown_type": ready(_COPY, frame(b"!")),
    "copy_and_a_function_call": ready(_COPY, function_call(1317, (b"abc",))),
    "copy_and_terminate": ready(_COPY, TERMINATE),
    "copy_and_password": ready(_COPY, frame(b"p", b"secret\0")),
    "copy_and_syncs": ready(_COPY, SYNC, copy_data(b"a\n"), SYNC, FLUSH, COPY_DONE),
    "copy_and_flush_with_a_body": ready(_COPY, frame(b"H", b"more"), COPY_DONE),
    "copy_and_sync_with_a_body": ready(_COPY, frame(b"S", b"more"), COPY_DONE),
    "copy_and_sync_of_20000_bytes": ready(_COPY, frame(b"S", b"x" * 20000), COPY_DONE, differs="told"),
    "copy_done_with_a_body": ready(_COPY, copy_data(b"a\n"), frame(b"c", b"more")),
    "copy_fail_without_nul": ready(_COPY, frame(b"f", b"no")),
    "copy_fail_not_utf8": ready(_COPY, frame(b"f", b"\xff\0")),
    "copy_fail_without_a_reason": ready(_COPY, frame(b"f", b"\0")),
    "copy_fail": ready(_COPY, copy_data(b"a\n"), copy_fail("changed my mind")),
    "copy_data_of_length_3": ready(_COPY, frame(b"d", b"", 3), differs="told"),
    "copy_data_without_a_body": ready(_COPY, copy_data(b""), COPY_DONE),
    "copy_data_of_a_wrong_form": ready(_COPY, copy_data(b"a\tb\n"), copy_data(b"c\n"), COPY_DONE),
    "copy_data_not_utf8": ready(_COPY, copy_data(b"\xff\n"), COPY_DONE),
    "copy_data_behind_the_end_of_data": ready(_COPY, copy_data(b"a\n"), copy_data(b"\\.\n"), copy_data(b"b\n"), COPY_DONE),
    "copy_data_of_500_MB_cut": ready(_COPY, frame(b"d", b"x" * 100, 1 << 29), cut=True, differs="midway", costs_its_server=True),
    "copy_cut": ready(_COPY, copy_data(b"a\n"), cut=True, differs="gone"),
    "copy_done_twice": ready(_COPY, COPY_DONE, COPY_DONE),
    "copy_in_a_batch": ready(parse("COPY copied (a) FROM STDIN"), bind(), execute(), copy_data(b"a\n"), COPY_DONE),
    "copy_in_a_batch_failing": ready(parse("COPY copied (a) FROM STDIN"), bind(), execute(), copy_data(b"a\tb\n"), COPY_DONE),
    "copy_in_a_batch_and_a_query": ready(parse("COPY copied (a) FROM STDIN"), bind(), execute(), query("SELECT 1")),
    "copy_of_an_unknown_table": ready(query("COPY nobody FROM STDIN"), copy_data(b"a\n"), COPY_DONE),
    "copy_binary_of_nonsense": ready(query("COPY copied (a) FROM STDIN (FORMAT binary)"), copy_data(b"hello"), COPY_DONE),
    "copy_out_and_copy_data": ready(query("COPY customers TO STDOUT"), copy_data(b"a\n"), COPY_DONE),
    "transaction_left_open": ready(query("BEGIN"), query("SELECT 1")),
    "transaction_failed_and_left": ready(query("BEGIN"), query("SELECT 1/0")),
    "batch_left_open": ready(_SELECT, bind(), execute(), cut=True),
    "query_cut_in_a_transaction": ready(query("BEGIN"), query("SELECT 1"), query("SELECT 2")[:-3], cut=True, differs="gone"),
}
GROUPS = {"door": DOOR, "tls": TLS, "md5": MD5, "plain": PLAIN, "scram": SCRAM, "proof": PROOF, "settings": SETTINGS,
          "frames": FRAMES, "texts": TEXTS, "binds": BINDS, "names": NAMES, "functions": FUNCTIONS, "order": ORDER}
CASES = {f"{group}.{name}": case for group, cases in GROUPS.items() for name, case in cases.items()}
