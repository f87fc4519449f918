"""Instructions and system calls of a transaction: counts, which do not depend on the machine's mood."""
from load import open_servers, pgbench, pgbench_command, pipelined, select_only
from process import instructions_in, system_calls
from table import Column, Group
from ways import Way, prepared_settings

PROTOCOLS = ("simple", "extended", "prepared")
_PREPARED = ("prepared", "pipeline")
_CALLGRIND = "valgrind --tool=callgrind --callgrind-out-file=/dev/null"
_CELLS = (*((protocol, clients) for clients in (1, 16) for protocol in PROTOCOLS), ("pipeline", 16), ("login", 1))


def load(cell, transactions):
    """pgbench's options. "pipeline": ten prepared statements a transaction; "login": each transaction on a connection of its own."""
    protocol, clients = cell
    if protocol == "pipeline":
        return pipelined("prepared", clients, "-t", transactions)
    return select_only("simple", clients, "-C", "-t", transactions) if protocol == "login" else select_only(protocol, clients, "-t", transactions)


def difference(counted, cell, transactions):
    """counted(transactions of each client) -> {name: count}. What one of about so many transactions adds: start-up drops out."""
    protocol, clients = cell
    long = transactions // (10 if protocol == "login" else clients)
    short = long // 10
    few, many = counted(short), counted(long)
    return {name: (many[name] - few.get(name, 0)) / ((long - short) * clients) for name in many}


class Instructions(Group):
    name = "instructions"
    title = ("User-space instructions of the proxy for one transaction (`pgbench -S`), counted by callgrind; the kernel's are not in "
             "it. The difference of two runs of different length. \"pipeline\": ten prepared statements sent at once; \"login\": each "
             "transaction logs in (MD5) and leaves.")
    heads = ("protocol", "clients")
    cells = _CELLS
    columns = (Column("instructions", "instructions/tx", ratio=True),)
    ways = ("pgswitch", "pgswitch without rules", "pgbouncer")
    rounds = 1

    def measure(self, stage, name, cell, arguments):
        protocol, clients = cell
        program = name.split()[0]
        settings = {"rules": ""} if "without" in name else prepared_settings(name) if protocol in _PREPARED else {}

        def counted(transactions):
            with stage.pooler(program, under=_CALLGRIND, **settings) as pooler:
                way = Way(program, pooler.port)
                open_servers(way, clients + 2)
                pgbench(way, *load(cell, transactions))
            return {"instructions": instructions_in(pooler.log_text())}
        return difference(counted, cell, 2200)


class SystemCalls(Group):
    name = "syscalls"
    title = ("System calls of the proxy for one transaction (`pgbench -S`), counted by the kernel's tracepoints; the difference of two "
             "runs of different length. With more clients a proxy finds more events in one epoll_wait when it is slower. "
             "\"failed\" are those that returned an error (EAGAIN).")
    heads = ("protocol", "clients")
    cells = _CELLS
    columns = (Column("total", "calls/tx", ".2f", ratio=True), Column("epoll_wait", "epoll_wait", ".2f"),
               Column("epoll_ctl", "epoll_ctl", ".2f"), Column("receive", "recv, read", ".2f"),
               Column("send", "send, write", ".2f"), Column("failed", "failed", ".2f"))
    ways = ("pgswitch", "pgbouncer", "haproxy")
    rounds = 1

    def measure(self, stage, name, cell, arguments):
        protocol, clients = cell
        way = stage.way(name, **(prepared_settings(name) if protocol in _PREPARED else {}))
        open_servers(way, clients + 2)

        def counted(transactions):
            return system_calls(way.pid, pgbench_command(way, *load(cell, transactions)))
        each = difference(counted, cell, 6400)
        return {**each, "receive": sum(each.get(call, 0) for call in ("recvfrom", "recvmsg", "read")),
                "send": sum(each.get(call, 0) for call in ("sendto", "sendmsg", "write", "writev"))}
