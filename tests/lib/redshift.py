"""The stand-in for Redshift (tests/redshift) in front of a cluster, for tests and the demo."""
import signal
from pathlib import Path

from launch import PROXY, ROOT, accepts, eventually, free_port, make_folder, reachable_copy, spawn, stop

_BESIDE_PGSWITCH = Path(PROXY).resolve().parent / "redshift_stand_in"
PROGRAM = _BESIDE_PGSWITCH if _BESIDE_PGSWITCH.exists() else ROOT / "build" / "redshift_stand_in"


class StandIn:
    """One stand-in in front of `cluster` (a Cluster that has started), its log in `folder`. What it is told:
    auth: trust, cleartext, md5, digest, idp; users: name -> password or stored secret; options: more of its command line, as
    redshift/README.md has them ("single-node" -> True, "s3-endpoint" -> "http://..." )."""

    def __init__(self, cluster, folder, auth="trust", users=None, tokens=(), certificate=None, **options):
        self.folder = make_folder(folder)
        self.log = self.folder / "log"
        self.port = free_port()
        self._cluster = cluster
        self._arguments = ["--auth", auth]
        for name, secret in (users or {}).items():
            self._arguments += ["--user", f"{name}={secret}"]
        for token in tokens:
            self._arguments += ["--token", token]
        if certificate:
            self._arguments += ["--tls-certificate", certificate.certificate, "--tls-key", certificate.key]
        for name, value in options.items():
            option = "--" + name.replace("_", "-")
            for one in value if isinstance(value, (list, tuple)) else [value]:
                self._arguments += [option] if one is True else [option, str(one)]
        self._process = None

    @property
    def pid(self):
        return self._process.pid

    def start(self):
        program = reachable_copy(PROGRAM, self.folder)
        self._process = spawn([program, "--port", self.port, "--backend-host", self._cluster.socket_folder,
                               "--backend-port", self._cluster.port, *self._arguments], self.log, signal.SIGKILL)
        eventually(self._is_ready, 20, f"the stand-in listens on {self.port}; see {self.log}")

    def _is_ready(self):
        if self._process.poll() is not None:
            raise RuntimeError("the stand-in did not start:\n" + self.log.read_text()[-2000:])
        return accepts(self.port)

    def stop(self):
        """RuntimeError if it had died on its own."""
        if self._process is None:
            return
        process, self._process = self._process, None
        status = process.poll()
        if status is not None:
            raise RuntimeError(f"the stand-in ended with {status}:\n{self.log.read_text()[-2000:]}")
        stop(process, signal.SIGTERM)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
