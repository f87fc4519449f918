"""A test CA with certificates for servers and clients, made by openssl."""
import subprocess
from dataclasses import dataclass
from pathlib import Path

from launch import give_to_runner, make_folder


@dataclass(frozen=True)
class KeyPair:
    certificate: Path
    key: Path


class Authority:
    """A CA in a folder. server() is good for localhost, 127.0.0.1 and ::1; client(user) has the user as its CN."""

    def __init__(self, folder, name="pgswitch test CA"):
        self.folder = make_folder(folder)
        self.certificate = self.folder / "ca.crt"
        self._key = self.folder / "ca.key"
        if not self.certificate.exists():
            _openssl("req", "-x509", "-new", *_NEW_KEY, "-keyout", self._key, "-out", self.certificate, "-days", "30",
                     "-subj", f"/CN={name}")
            _protect(self._key, self.certificate)

    def server(self, name="server"):
        return self._issue(name, "localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1")

    def client(self, user):
        return self._issue(f"client-{user}", user, "extendedKeyUsage=clientAuth")

    def _issue(self, name, common_name, extension):
        pair = KeyPair(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extensions.write_text(extension + "\n")
        _openssl("req", "-new", *_NEW_KEY, "-keyout", pair.key, "-out", request, "-subj", f"/CN={common_name}")
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial",
                 "-days", "30", "-extfile", extensions, "-out", pair.certificate)
        _protect(pair.key, pair.certificate)
        return pair


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def _protect(key, certificate):
    key.chmod(0o600)
    certificate.chmod(0o644)
    give_to_runner(key, certificate)
