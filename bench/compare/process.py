"""What a proxy's processes cost: CPU time, memory, system calls, instructions."""
import re
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

_CPU_CGROUPS = Path("/sys/fs/cgroup/cpu")
_PERIOD_US = 10_000


def tree(pid):
    """The process and all its descendants (pgpool has one for each client)."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    return found


def cpu_ns(pid):
    """CPU time of the process tree, user and system, in nanoseconds; of threads and processes that still run."""
    total = 0
    for each in tree(pid):
        for task in Path(f"/proc/{each}/task").glob("*/schedstat"):
            total += int(task.read_text().split()[0])
    return total


@contextmanager
def limited(pid, names, percent):
    """Gives each thread of the process that is called so (the beginning is enough) so much of a core, by a cgroup of its own. Needs
    root and the cpu controller of cgroups 1."""
    groups = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            if (task / "comm").read_text().startswith(names):
                group = _CPU_CGROUPS / f"bench{task.name}"
                group.mkdir()
                groups.append(group)
                (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
                (group / "cpu.cfs_quota_us").write_text(str(_PERIOD_US * percent // 100))
                (group / "tasks").write_text(task.name)
        yield
    except OSError as error:
        raise RuntimeError(f"threads cannot be limited: {error}") from error
    finally:
        for group in groups:
            (_CPU_CGROUPS / "tasks").write_text(group.name.removeprefix("bench"))
            group.rmdir()


# What a proxy on epoll uses for its work; everything else is in the total.
_CALLS = ("epoll_wait", "epoll_ctl", "recvfrom", "recvmsg", "read", "sendto", "sendmsg", "write", "writev")
_COUNTERS = {**{f"syscalls:sys_enter_{call}": call for call in _CALLS}, "raw_syscalls:sys_enter": "total"}


def system_calls(pid, command):
    """Runs the command and counts the system calls that the process made meanwhile: {name: calls, "total": calls,
    "failed": calls}. perf counts without slowing the process; where it may not, strace does it dearer."""
    with tempfile.NamedTemporaryFile("r") as report:
        events = [word for name in _COUNTERS for word in ("-e", name)]
        events += ["-e", "raw_syscalls:sys_exit", "--filter", "ret < 0"]
        done = subprocess.run(["perf", "stat", "-x", ";", "-o", report.name, *events, "-p", ",".join(map(str, tree(pid))), "--", *command],
                              capture_output=True, text=True)
        counted = re.findall(r"^(\d+);[^;]*;([^;]+);", report.read(), re.M)
    if not counted:
        return _strace(pid, command)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    return {_COUNTERS.get(event, "failed"): int(count) for count, event in counted}


def _strace(pid, command):
    with tempfile.NamedTemporaryFile("r") as report:
        tracer = subprocess.Popen(["strace", "-f", "-c", "-U", "calls,errors,syscall", "-o", report.name, "-p", str(pid)],
                                  stderr=subprocess.PIPE, text=True)
        tracer.stderr.readline()  # "Process ... attached"
        subprocess.run(command, check=True, capture_output=True)
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()
        rows = [line.split() for line in report.read().splitlines()[2:] if not line.startswith("-")]
    counts = {row[-1]: int(row[0]) for row in rows}
    return {**counts, "failed": next((int(row[1]) for row in rows if row[-1] == "total" and len(row) == 3), 0)}


def instructions_in(log_text):
    """User instructions of a process that ran under callgrind, from its log."""
    return int(re.findall(r"Collected : (\d+)", log_text)[-1])


def memory_kb(pid):
    """{"Rss": kB, "Pss": kB} of the process tree."""
    text = "".join(Path(f"/proc/{each}/smaps_rollup").read_text() for each in tree(pid))
    return {key: sum(map(int, re.findall(rf"^{key}: +(\d+) kB", text, re.M))) for key in ("Rss", "Pss")}


def reset_peak(pid):
    """Begins a new peak_kb()."""
    for each in tree(pid):
        Path(f"/proc/{each}/clear_refs").write_text("5")


def peak_kb(pid):
    """The largest resident size since reset_peak(), of the process tree."""
    return sum(int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{each}/status").read_text())[1]) for each in tree(pid))
