"""A TCP proxy that harms what passes through it: between a client and pgswitch, or between pgswitch and a server.

    with FaultProxy(server_port) as wire:
        wire.down.piece = 1             # towards the one who connected, byte by byte
        wire.up.cut_after = 100         # towards the target: the connection ends behind byte 100 ...
        wire.up.cut = RST               # ... by a reset
        wire.down.held = True           # a black hole: nothing is taken any more, nothing is said
        wire.reset_all(); wire.refuse(); wire.listen()

It runs in a thread of its own; a Flow may be changed at any time and counts for open connections too.
"""
import asyncio
import socket
import struct
import threading

from launch import free_port

FIN, RST, HOLE = "FIN", "RST", "silence"
_NOTICE_CHANGES = 0.005


class Flow:
    """What happens to the bytes of one direction."""

    def __init__(self):
        self.delay = 0.0       # seconds, before each piece
        self.rate = 0          # bytes per second; 0: as they come
        self.piece = 65536     # most bytes passed on at once
        self.gather = 0.0      # seconds in which bytes are collected before they are passed on as one
        self.held = False      # nothing is read from the source: it sees its peer's window close
        self.cut_after = None  # bytes of one connection that pass
        self.cut = FIN         # what comes behind them: FIN or RST to both ends, or HOLE: silence for ever
        self.bytes = 0         # passed on so far, by all connections


class FaultProxy:
    """Listens on `port` and connects to 127.0.0.1:target for each connection. `up` is the flow to the target."""

    def __init__(self, target, address="127.0.0.1", port=None):
        self.address = address
        self.port = port or free_port()
        self.target = target
        self.up, self.down = Flow(), Flow()
        self.answer = None      # bytes that a new connection is told in place of the target's; then it is closed
        self.accepted = 0
        self.most_at_once = 0
        self._ends = set()
        self._listener = self._accepting = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def open_connections(self):
        return len(self._ends)

    def listen(self):
        self._run(self._listen())

    def refuse(self):
        """New connections are refused; open ones go on."""
        self._run(self._refuse())

    def reset_all(self):
        self._end_all(RST)

    def finish_all(self):
        self._end_all(FIN)

    def __enter__(self):
        self._thread.start()
        self.listen()
        return self

    def __exit__(self, *_):
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _listen(self):
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((self.address, self.port))
        self._listener.listen(512)
        self._listener.setblocking(False)
        self._accepting = self._loop.create_task(self._accept())

    async def _refuse(self):
        self._accepting.cancel()
        await asyncio.wait({self._accepting})
        self._listener.close()

    async def _stop(self):
        await self._refuse()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self):
        while True:
            source, _ = await self._loop.sock_accept(self._listener)
            self.accepted += 1
            self._loop.create_task(self._serve(source))

    async def _serve(self, source):
        end = self._loop.create_future()
        self._ends.add(end)
        self.most_at_once = max(self.most_at_once, len(self._ends))
        target = socket.socket()
        try:
            await (self._connect(source, target, end) if self.answer is None else self._say(source, self.answer))
        finally:
            self._ends.discard(end)
            source.close()
            target.close()

    async def _say(self, source, answer):
        await self._loop.sock_recv(source, 65536)
        await self._loop.sock_sendall(source, answer)

    async def _connect(self, source, target, end):
        target.setblocking(False)
        try:
            await self._loop.sock_connect(target, ("127.0.0.1", self.target))
        except OSError:
            return _reset_on_close(source)
        for each in (source, target):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pumps = [self._loop.create_task(self._pump(source, target, self.up, end)),
                 self._loop.create_task(self._pump(target, source, self.down, end))]
        try:
            ended = asyncio.gather(*pumps, return_exceptions=True)
            await asyncio.wait({ended, end}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        if end.done():
            await self._close(source, target, end.result())

    async def _pump(self, source, sink, flow, end):
        """Passes bytes on up to the end of the source, which becomes that of the sink, or to the cut."""
        passed = 0
        try:
            while data := await self._next(source, flow):
                left = len(data) if flow.cut_after is None else max(flow.cut_after - passed, 0)
                await self._loop.sock_sendall(sink, data[:left])
                passed += len(data[:left])
                flow.bytes += len(data[:left])
                if flow.cut_after is not None and passed >= flow.cut_after:
                    if flow.cut == HOLE:
                        await asyncio.Event().wait()
                    return _set(end, flow.cut)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            _set(end, RST)

    async def _next(self, source, flow):
        while flow.held:
            await asyncio.sleep(_NOTICE_CHANGES)
        data = await self._loop.sock_recv(source, flow.piece)
        while flow.held:
            await asyncio.sleep(_NOTICE_CHANGES)
        if flow.gather:
            await asyncio.sleep(flow.gather)
            data += _what_is_there(source)
        wait = flow.delay + (len(data) / flow.rate if flow.rate else 0)
        await asyncio.sleep(wait)  # also with 0: others have their turn between two pieces
        return data

    async def _close(self, source, target, how):
        if how == RST:
            _reset_on_close(source)
            _reset_on_close(target)
            return
        # A close with unread bytes is a reset: so the write sides are closed first, and what still comes is read.
        await asyncio.gather(*(self._finish(each) for each in (source, target)), return_exceptions=True)

    async def _finish(self, each):
        each.shutdown(socket.SHUT_WR)
        while await self._loop.sock_recv(each, 65536):
            pass

    def _end_all(self, how):
        async def end_all():
            for end in self._ends:
                _set(end, how)
        self._run(end_all())


def _set(end, how):
    if not end.done():
        end.set_result(how)


def _reset_on_close(each):
    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _what_is_there(source):
    try:
        return source.recv(1 << 20)
    except BlockingIOError:
        return b""
