"""Clients that behave at the wire as Amazon's drivers for Redshift do, strictness and habits included.

The drivers themselves come from Maven and PyPI and from Amazon's site. What these do is read from amazon-redshift-jdbc-driver 2.2.6
(ConnectionFactoryImpl.java, QueryExecutorImpl.java), amazon-redshift-python-driver 2.1.15 (core.py, cursor.py) and
amazon-redshift-odbc-driver (fe-connect.c, fe-protocol3.c, fe-auth.c, rsutil.c).
"""
import hashlib
import os
import struct
import time

from frames import columns
from raw import RawClient, error_fields
from scram import PLAIN, Scram

OK, CLEARTEXT, MD5, SASL, SASL_CONTINUE, SASL_FINAL, DIGEST, IDP = 0, 3, 5, 10, 11, 12, 13, 14


class DriverError(Exception):
    """What the driver throws: `fields` of the server's error, or its own complaint."""

    def __init__(self, text, fields=None):
        super().__init__(text)
        self.fields = fields or {}


class Driver(RawClient):
    """What the three have in common. `asked`: codes of the authentication requests; `told`: ParameterStatus; `key`: body of BackendKeyData."""

    def __init__(self, port, user, password, database, tls=False, **more):
        super().__init__(port)
        self.user, self._password = user, password
        self.asked, self.told, self.key, self.before = [], {}, b"", []
        try:
            if tls:
                self.send(struct.pack("!ii", 8, 80877103))
                assert self.socket.recv(1) == b"S"
                self.start_tls()
            self.startup(**{**({} if user is None else {"user": user}), "database": database, **self.parameters(), **more})
            self._authenticate()
            self._read_startup()
            self._after_login()
        except BaseException:
            self.close()
            raise

    def _authenticate(self):
        while True:
            kind, body = self.read()
            if kind is None:
                raise DriverError("connection closed")
            if kind == b"E":
                raise DriverError(error_fields(body)["M"], error_fields(body))
            if kind != b"R":
                self._other_during_login(kind)
                continue
            code, = struct.unpack("!i", body[:4])
            self.asked.append(code)
            if code == OK:
                return
            self._answer(code, body)

    def _answer(self, code, body):
        if code == CLEARTEXT:
            self.password(self._password)
        elif code == MD5:
            inner = hashlib.md5((self._password + self.user).encode()).hexdigest()
            self.password("md5" + hashlib.md5(inner.encode() + body[4:8]).hexdigest())
        elif code == DIGEST:
            self._answer_digest(body)
        elif code == IDP:
            self.message(b"i", self.token())
        else:
            raise DriverError(f"authentication type {code} is not supported")

    def _answer_digest(self, body):
        algorithm, salt_size = struct.unpack_from("!ii", body, 4)
        assert algorithm == 0
        salt = body[12:12 + salt_size]
        nonce_size, = struct.unpack_from("!i", body, 12 + salt_size)
        server_nonce = body[16 + salt_size:]
        assert len(server_nonce) == nonce_size
        nonce = self.nonce()
        digest = hashlib.sha256(hashlib.sha256(self._password.encode() + salt).digest() + server_nonce + nonce).digest()
        self.message(b"d", struct.pack("!i", len(digest)) + digest + struct.pack("!i", len(nonce)) + nonce)

    def nonce(self):
        return str(int(time.time() * 1000)).encode()

    def _other_during_login(self, kind):
        raise DriverError("Protocol error.  Session setup failed.")

    def _read_startup(self):
        while True:
            kind, body = self.read()
            if kind == b"Z":
                return
            self.before.append(kind)
            if kind == b"K":
                if len(body) != 8:
                    raise DriverError("Protocol error.  Session setup failed.")
                self.key = body
            elif kind == b"S":
                name, value = body[:-1].decode().split("\0")
                self.told[name] = value
            elif kind == b"E":
                raise DriverError(error_fields(body)["M"], error_fields(body))
            elif kind != b"N":
                raise DriverError("Protocol error.  Session setup failed.")

    def extended_fields(self):
        """Whether RowDescription has the schema, table and so on of each column."""
        return int(self.told.get("server_protocol_version", "0")) >= 1

    def rows_of(self, messages):
        """Of (type, body) pairs up to ReadyForQuery; DriverError for an error among them. RowDescription is read as the protocol says."""
        rows = []
        for kind, body in messages:
            if kind == b"E":
                raise DriverError(error_fields(body)["M"], error_fields(body))
            if kind == b"T":
                self._check_fields(body)
            if kind == b"D":
                rows.append(columns(body))
            if kind is None:
                raise DriverError("connection closed")
        return rows

    def _check_fields(self, body):
        count, = struct.unpack_from("!h", body)
        place = 2
        for _ in range(count):
            place = body.index(b"\0", place) + 1 + 18
            if self.extended_fields():
                for _ in range(4):
                    place = body.index(b"\0", place) + 1
                place += 2
        assert place == len(body)

    def simple(self, sql):
        self.message(b"Q", sql.encode() + b"\0")
        return self.rows_of(self.read_until(b"Z"))

    def _after_login(self):
        pass


class Jdbc(Driver):
    """Strict: nothing but R and E until AuthenticationOk, nothing but Z, K, E, N and S after it, a key of 12 bytes. It knows no SASL: it
    leaves the request half read and fails at the next byte."""

    def parameters(self):
        return {"client_encoding": "UTF8", "DateStyle": "ISO", "extra_float_digits": "2", "application_name": "[main]com.example.Report",
                "client_protocol_version": "3", "driver_version": "Redshift JDBC Driver 2.2.6", "os_version": "Linux 6.1 amd64",
                "plugin_name": "com.amazon.redshift.plugin.OktaCredentialsProvider", "_pq_.compression": "off"}

    def token(self):
        return b"token\0"

    def _answer(self, code, body):
        if code in (SASL, SASL_CONTINUE, SASL_FINAL):
            raise DriverError("Protocol error.  Session setup failed.")
        super()._answer(code, body)

    def _after_login(self):
        if not self.told.get("DateStyle", "").startswith("ISO") or self.told.get("client_encoding") != "UTF8":
            raise DriverError("The server's DateStyle or client_encoding parameter was changed")
        if int(self.told["server_version"].split(".")[0].split(" ")[0]) >= 9:
            self.execute("SET extra_float_digits = 3")
        self.execute("SET application_name = 'Report'")
        self.execute("SET query_group TO 'nightly'")

    def execute(self, sql, fetch=0):
        """Parse, Bind, Describe, Execute of a named statement in a named portal, as with a fetch size."""
        serial = time.monotonic_ns()
        statement, portal = f"S_1-{serial}".encode() + b"\0", f"C_1-{serial}".encode() + b"\0"
        self.message(b"P", statement + sql.encode() + b"\0" + struct.pack("!h", 0))
        self.message(b"B", portal + statement + struct.pack("!hhh", 0, 0, 0))
        self.message(b"D", b"P" + portal)
        self.message(b"E", portal + struct.pack("!i", fetch))
        self.message(b"S")
        return self.rows_of(self.read_until(b"Z"))

    def is_valid(self):
        """Connection.isValid(): an empty statement by the extended protocol."""
        return self.execute("") == []


class Odbc(Driver):
    """Its libpq has other numbers for GSSAPI and SSPI, which are those of SASL elsewhere; it takes no authentication request of more than
    2000 bytes, and tolerates NegotiateProtocolVersion. After the login it says who it is in one query of several statements."""

    SESSION = ("SET application_name='excel.exe';SET client_domain_name='example.com';SET client_host_name='laptop';"
               "SET client_ip_address='10.0.0.7';SET client_user_name='alice';SET client_driver_type='ODBC';"
               "SET client_driver_version='2.1.9.0';SET client_os_name='Windows'")

    def parameters(self):
        return {"client_encoding": "UTF8", "application_name": "excel.exe", "client_protocol_version": "1",
                "driver_version": "Amazon Redshift ODBC Driver 2.1.9.0", "os_version": "Windows 11", "_pq_.compression": "lz4:1"}

    def token(self):
        return b"token\0"

    def nonce(self):
        return os.urandom(16)

    def _other_during_login(self, kind):
        if kind not in (b"v", b"z"):
            raise DriverError(f"expected authentication request from server, but received {kind!r}")

    def _answer(self, code, body):
        if len(body) + 4 > 2000:
            raise DriverError("expected authentication request from server, but received R")
        if code in (10, 11, 12):
            raise DriverError({10: "GSSAPI", 11: "GSSAPI", 12: "SSPI"}[code] + " authentication not supported")
        super()._answer(code, body)

    def _after_login(self):
        self.simple(self.SESSION)

    def execute(self, sql):
        return self.simple(sql)


class Python(Driver):
    """Parse, Describe and Sync, then Bind, Execute, Flush and Sync, with a Flush behind each message; BEGIN before the first statement;
    names that it counts. It does know SCRAM."""

    def __init__(self, *arguments, **more):
        self._count, self._scram = 0, None
        super().__init__(*arguments, **more)

    def parameters(self):
        return {"application_name": "report.py", "client_protocol_version": "2", "driver_version": "Redshift Python Driver 2.1.15",
                "os_version": "Linux-6.1", "driver_discovery_version": "1"}

    def token(self):
        return b"token"

    def _answer(self, code, body):
        if code == SASL:
            self._scram = Scram(self._password)
            self.sasl_initial(PLAIN, self._scram.first())
        elif code == SASL_CONTINUE:
            self.message(b"p", self._scram.final(body[4:]))
        elif code == SASL_FINAL:
            assert self._scram.proves(body[4:])
        else:
            super()._answer(code, body)

    def _flushed(self, kind, body=b""):
        self.message(kind, body)
        self.message(b"H")

    def execute(self, sql):
        if self._count == 0 and not sql.startswith("begin"):
            self.execute("begin transaction")
        self._count += 1
        name = f"redshift_connector_statement_{os.getpid()}_{self._count}".encode() + b"\0"
        self._flushed(b"P", name + sql.encode() + b"\0" + struct.pack("!h", 0))
        self._flushed(b"D", b"S" + name)
        self.message(b"S")
        self.rows_of(self.read_until(b"Z"))
        self._flushed(b"B", b"\0" + name + struct.pack("!hhh", 0, 0, 0))
        self._flushed(b"E", b"\0" + struct.pack("!i", 0))
        self.message(b"S")
        return self.rows_of(self.read_until(b"Z"))


ALL = (Jdbc, Odbc, Python)
