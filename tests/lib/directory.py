"""An LDAP server on loopback, run by nobody in particular: Debian's slapd with a database of its own in a folder."""
import signal
import subprocess

from launch import accepts, as_runner, eventually, free_port, make_folder, spawn, stop, write_file

SUFFIX = "dc=example,dc=org"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{SUFFIX}", "directory-secret"


class Directory:
    """uid=NAME,ou=people,SUFFIX for each user (name -> password), with mail NAME@example.org. Searches need ADMIN.
    certificate: a KeyPair for StartTLS."""

    def __init__(self, folder, users, certificate=None):
        self.folder = make_folder(folder)
        self.port = free_port()
        self.log = self.folder / "log"
        self._process = None
        make_folder(self.folder / "data")
        self._config = write_file(self.folder / "slapd.conf", _config(self.folder, certificate))
        ldif = write_file(self.folder / "users.ldif", _ldif(users))
        subprocess.run(["/usr/sbin/slapadd", "-q", "-f", self._config, "-l", ldif], check=True, capture_output=True, cwd="/", **as_runner())

    @property
    def url(self):
        return f"ldap://127.0.0.1:{self.port}"

    def start(self):
        self._process = spawn(["/usr/sbin/slapd", "-d", "0", "-h", self.url, "-f", self._config], self.log)
        eventually(lambda: accepts(self.port), 20, f"slapd listens; see {self.log}")

    def freeze(self):
        """It accepts connections and answers nothing any more, until thaw()."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def stop(self):
        if self._process:
            self.thaw()
            stop(self._process, signal.SIGTERM, patience=5)
            self._process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


def _config(folder, certificate):
    lines = [*(f"include /etc/ldap/schema/{name}.schema" for name in ("core", "cosine", "inetorgperson")),
             f"pidfile {folder}/pid", "modulepath /usr/lib/ldap", "moduleload back_mdb"]
    if certificate:
        lines += [f"TLSCertificateFile {certificate.certificate}", f"TLSCertificateKeyFile {certificate.key}"]
    lines += ["database mdb", f"suffix {SUFFIX}", f"directory {folder}/data", f"rootdn {ADMIN}", f"rootpw {ADMIN_PASSWORD}",
              "access to * by anonymous auth by self read by * none"]
    return "\n".join(lines) + "\n"


def _ldif(users):
    parts = [f"dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\no: example\ndc: example\n",
             f"dn: ou=people,{SUFFIX}\nobjectClass: organizationalUnit\nou: people\n"]
    parts += [f"dn: uid={name},ou=people,{SUFFIX}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\nsn: {name}\n"
              f"mail: {name}@example.org\nuserPassword: {password}\n" for name, password in users.items()]
    return "\n".join(parts)
