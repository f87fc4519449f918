"""Clients each of whose statements has an answer that only it can expect.

A NonceClient speaks the protocol by hand and strictly: every operation knows the messages that may answer it, in order. What is
neither that nor the loss of a server raises WrongAnswer. Rows that it wrote are noted as `kept`, `undone` or `unknown`.
"""
import asyncio
import random
import struct
from collections import Counter

from frames import SYNC, TERMINATE, bind, columns, execute, extended, message, parse, query, startup
from messages import request
from raw import ANYBODY

# How an operation may fail while servers are killed.
LOSS = {"57P01", "57P02", "57P03", "08006"}
CANCELLED = "57014"
COMMIT_UNKNOWN = "08007"
PATIENCE = 45
ANY_TIME = b"NS"  # notices and settings
ROWS, PARSED, BOUND, CLOSED = "<T>", "<1>", "<2>", "<3>"


class WrongAnswer(Exception):
    """An answer that belongs to nobody here, or to somebody else."""


class Lost(Exception):
    """The connection has ended."""


class Failed(Exception):
    """An error that the operation may end with: its SQLSTATE."""


def said(kind, body):
    """A message as texts: columns of a row, a command tag, a line of COPY data, or else its type: "<T>"."""
    if kind in ANY_TIME:
        return []
    if kind == b"D":
        return columns(body)
    return [body.rstrip(b"\0\n").decode()] if kind in b"Cd" else [f"<{kind.decode()}>"]


def is_error(body, expected):
    return isinstance(expected, tuple) and b"C" + expected[0].encode() + b"\0" in body and expected[1].encode() in body


class NonceClient:
    def __init__(self, number, port, address="127.0.0.1", tls=False, in_session_pooling=False):
        self.number, self.port, self.address, self.tls, self.in_session_pooling = number, port, address, tls, in_session_pooling
        self.dice = random.Random(number)
        self.count = 0                        # operations answered in full
        self.losses = Counter()               # operations that ended with the loss of a server or of the connection: SQLSTATE or "connection"
        self.written = {}                     # nonce of a row -> "kept", "undone" or "unknown"
        self.cancels = number % 3 == 0        # the others never cancel, so nothing of theirs may be cancelled
        self._may_be_cancelled = self._awaits = False
        self._setting = 100001 + 10 * number  # never a whole second, which PostgreSQL would print as such
        self._serial = 0
        self._reader = self._writer = None
        self._buffer = b""
        self._prepared = False

    # --- the connection

    async def connect(self):
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(self.address, 0))
        self._buffer, self._prepared, self._may_be_cancelled, self._awaits = b"", False, False, False
        if self.tls:
            await self._start_tls()
        self._writer.write(startup(database="app.session" if self.in_session_pooling else "app"))
        while True:
            kind, body = await self._next()
            if kind == b"K":
                self._key = body
            if kind == b"E":
                raise self._failure(body)
            if kind == b"Z":
                break
        try:
            await self._ask(query(f"SET lock_timeout = {self._setting}"), ["SET"])
        except Failed as failure:
            raise Lost(f"without its setting: {failure}") from None

    async def _start_tls(self):
        self._writer.write(request(5679))
        if await self._reader.read(1) != b"S":
            raise Lost("no TLS")
        await self._writer.start_tls(ANYBODY)

    def abort(self):
        """Ends the connection in the middle of whatever it is doing: by a reset or, one time in two, in order. Did it await an answer?"""
        if self._writer is None or self._writer.is_closing():
            return False
        self._writer.close() if self.dice.random() < 0.5 else self._writer.transport.abort()
        return self._awaits

    async def close(self):
        if self._writer is not None:
            self._writer.write(TERMINATE)
            self._writer.close()
            self._writer = None

    async def _next(self):
        """The next message, or Lost; WrongAnswer when there is none for PATIENCE seconds."""
        while len(self._buffer) < 5 or len(self._buffer) < 1 + struct.unpack_from("!i", self._buffer, 1)[0]:
            try:
                data = await asyncio.wait_for(self._reader.read(65536), PATIENCE)
            except asyncio.TimeoutError:
                raise WrongAnswer("no answer") from None
            except OSError as error:
                raise Lost(str(error)) from None
            if not data:
                raise Lost("end of file")
            self._buffer += data
        size = 1 + struct.unpack_from("!i", self._buffer, 1)[0]
        kind, body, self._buffer = self._buffer[:1], self._buffer[5:size], self._buffer[size:]
        return kind, body

    def _failure(self, body):
        fields = {field[:1]: field[1:].decode() for field in body.split(b"\0") if field}
        sqlstate = fields[b"C"]
        if sqlstate in LOSS or sqlstate == COMMIT_UNKNOWN or (sqlstate == CANCELLED and self._may_be_cancelled):
            return Failed(sqlstate)
        raise WrongAnswer(f"error {sqlstate} {fields[b'M']}")

    async def _ask(self, data, *batches, status=b"I"):
        """Sends `data` and expects these answers, each up to its ReadyForQuery. What is expected: texts as said() has them, or
        for an error (SQLSTATE, part of its message). Failed comes behind the last answer."""
        while self._buffer:
            kind, body = await self._next()
            if kind == b"E" and self.in_session_pooling:  # its server is its own: it is told of its end, and sent away
                raise Lost(str(self._failure(body)))
            if kind not in ANY_TIME:
                raise WrongAnswer(f"unasked: {kind} {body[:200]}")
        self._writer.write(data)
        self._awaits = True
        failures = [await self._answer(list(expected), status) for expected in batches]
        self._awaits = False
        for failure in filter(None, failures):
            raise failure

    async def _answer(self, expected, status):
        """The Failed that the answer was, or None."""
        failed = None
        while True:
            kind, body = await self._next()
            if kind == b"Z":
                break
            if kind == b"E" and not (expected and is_error(body, expected[0])):
                failed, expected = self._failure(body), []
                continue
            for text in said(kind, body):
                if not expected or not (expected[0] == text or is_error(body, expected[0])):
                    raise WrongAnswer(f"said {text[:200]}, expected {expected[:1]}")
                expected.pop(0)
        if expected:
            raise WrongAnswer(f"missing: {expected}")
        if body != status and not failed:
            raise WrongAnswer(f"transaction status {body}, expected {status}")
        return failed

    # --- operations

    def _nonce(self):
        self._serial += 1
        return f"n{self.number}x{self._serial}x{self.dice.randrange(10**9)}"

    async def simple(self):
        nonce = self._nonce()
        await self._ask(query(f"SELECT '{nonce}'"), [ROWS, nonce, "SELECT 1"])

    async def on_the_other_route(self):
        nonce = self._nonce()
        await self._ask(query(f"SELECT '{nonce}', current_setting('cluster_name') FROM sales LIMIT 1"),
                        [ROWS, nonce, "analytics", "SELECT 1"])

    async def over_both_routes(self):
        a, b, c = self._nonce(), self._nonce(), self._nonce()
        await self._ask(query(f"SELECT '{a}'; SELECT '{b}' FROM sales LIMIT 1; SELECT '{c}'"),
                        [ROWS, a, "SELECT 1", ROWS, b, "SELECT 1", ROWS, c, "SELECT 1"])

    async def with_parameter(self):
        nonce = self._nonce()
        await self._ask(extended("SELECT $1::text", nonce), [PARSED, BOUND, nonce, "SELECT 1"])

    async def prepared(self):
        """Every client calls its statement "mine", and each means another one."""
        nonce = self._nonce()
        first = b"" if self._prepared else parse(f"SELECT '{self.number}', $1::text", "mine")
        answer = [BOUND, str(self.number), nonce, "SELECT 1"]
        try:
            await self._ask(first + bind(nonce, name="mine") + execute() + SYNC, [PARSED] * bool(first) + answer)
        except Failed:
            if first:  # whether the name exists now is not known
                await self._ask(message(b"C", b"Smine\0") + SYNC, [CLOSED])
            raise
        self._prepared = True

    async def pipelined(self):
        a, b, c, d = (self._nonce() for _ in range(4))
        await self._ask(extended("SELECT $1::text", a) + extended("SELECT $1::text FROM sales LIMIT 1", b)
                        + extended("SELECT $1::integer", c) + extended("SELECT $1::text", d),
                        [PARSED, BOUND, a, "SELECT 1"], [PARSED, BOUND, b, "SELECT 1"], [PARSED, ("22P02", c)],
                        [PARSED, BOUND, d, "SELECT 1"])

    async def error(self):
        nonce = self._nonce()
        await self._ask(query(f"SELECT '{nonce}'::integer"), [("22P02", nonce)])

    async def large(self):
        nonce = self._nonce()
        await self._ask(query(f"SELECT '{nonce}' || repeat('x', 5000) FROM generate_series(1, 20)"),
                        [ROWS, *[nonce + "x" * 5000] * 20, "SELECT 20"])

    async def copy_out(self):
        nonce = self._nonce()
        await self._ask(query(f"COPY (SELECT '{nonce}' FROM generate_series(1, 30)) TO STDOUT"), ["<H>", *[nonce] * 30, "<c>", "COPY 30"])

    async def setting(self):
        await self._ask(query("SELECT current_setting('lock_timeout')"), [ROWS, f"{self._setting}ms", "SELECT 1"])

    async def cancelled(self):
        """Its own statement is cancelled, or has ended before."""
        if not self.cancels:
            return await self.simple()
        nonce = self._nonce()
        self._may_be_cancelled = True
        cancelling = asyncio.create_task(self._send_cancel(self.dice.random() * 0.05))
        try:
            await self._ask(query(f"SELECT '{nonce}' FROM pg_sleep(0.02)"), [ROWS, nonce, "SELECT 1"])
        except Failed as failure:
            if failure.args[0] != CANCELLED:
                raise
        finally:
            await cancelling
        for _ in range(3):  # a late one may hit what this client runs next, and nothing else
            try:
                await self.simple()
            except Failed as failure:
                if failure.args[0] != CANCELLED:
                    raise
            await asyncio.sleep(0.05)
        self._may_be_cancelled = False

    async def _send_cancel(self, delay):
        await asyncio.sleep(delay)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(request(5678, self._key))
            await asyncio.wait_for(reader.read(), PATIENCE)
            writer.close()
        except OSError:
            pass

    async def insert(self):
        """In autocommit: only an answer says that the row is there, only an error of the server that it is not."""
        nonce = self._nonce()
        self.written[nonce] = "unknown"
        try:
            await self._ask(query(f"INSERT INTO written (what) VALUES ('{nonce}')"), ["INSERT 0 1"])
        except Failed as failure:
            if failure.args[0] in ("57P01", "57P03", CANCELLED):
                self.written[nonce] = "undone"
            raise
        self.written[nonce] = "kept"

    async def transaction(self):
        nonce = self._nonce()
        rolls_back = self.dice.random() < 0.3
        self.written[nonce] = "undone"
        try:
            await self._ask(query("BEGIN"), ["BEGIN"], status=b"T")
            await self._ask(query(f"INSERT INTO written (what) VALUES ('{nonce}')"), ["INSERT 0 1"], status=b"T")
            await self._ask(query(f"SELECT what FROM written WHERE what = '{nonce}'"), [ROWS, nonce, "SELECT 1"], status=b"T")
        except Failed:
            await self._ask(query("ROLLBACK"), ["ROLLBACK"])
            raise
        if rolls_back:
            return await self._ask(query("ROLLBACK"), ["ROLLBACK"])
        self.written[nonce] = "unknown"
        try:
            await self._ask(query("COMMIT"), ["COMMIT"])
        except Failed as failure:
            if failure.args[0] != COMMIT_UNKNOWN:  # the transaction was lost before
                self.written[nonce] = "undone"
            raise
        self.written[nonce] = "kept"

    OPERATIONS = (simple, simple, on_the_other_route, over_both_routes, with_parameter, prepared, prepared, pipelined, error, large,
                  copy_out, setting, cancelled, insert, transaction, transaction)

    async def run(self, until):
        """Operations until the event is set, over as many connections as it takes."""
        while not until.is_set():
            try:
                if self._writer is None:
                    await self.connect()
                operation = self.dice.choice(self.OPERATIONS)
                await operation(self)
                self.count += 1
            except Failed as failure:
                self.losses[failure.args[0]] += 1
            except (Lost, OSError):
                self.losses["connection"] += 1
                if self._writer is not None:
                    self._writer.close()
                self._writer = None
                await asyncio.sleep(0.05)
            except WrongAnswer as wrong:
                raise WrongAnswer(f"client {self.number}, {operation.__name__}: {wrong}") from None
