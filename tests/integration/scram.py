"""SCRAM-SHA-256 as a client (RFC 5802, 7677), with every liberty that a test wants to take."""
import base64
import hashlib
import hmac

PLAIN, PLUS = b"SCRAM-SHA-256", b"SCRAM-SHA-256-PLUS"


def _hmac(key, message):
    return hmac.digest(key, message, "sha256")


def end_point(certificate):
    """tls-server-end-point (RFC 5929) of a DER certificate that is signed with SHA-256."""
    return hashlib.sha256(certificate).digest()


class Scram:
    """One exchange. `gs2`: the flag in front ("n,,": cannot bind, "y,,": could, "p=tls-server-end-point,,": binds)."""

    def __init__(self, password, gs2=b"n,,", binding=b"", nonce=b"rOprNGfwEbeRWgbNEkqO"):
        self._password, self._gs2, self._binding, self.nonce = password.encode(), gs2, binding, nonce
        self._bare = b"n=,r=" + nonce
        self._server_signature = None

    def first(self):
        return self._gs2 + self._bare

    def final(self, server_first):
        fields = dict(part.split(b"=", 1) for part in server_first.split(b","))
        salted = hashlib.pbkdf2_hmac("sha256", self._password, base64.b64decode(fields[b"s"]), int(fields[b"i"]))
        client_key = _hmac(salted, b"Client Key")
        without_proof = b"c=" + base64.b64encode(self._gs2 + self._binding) + b",r=" + fields[b"r"]
        signed = self._bare + b"," + server_first + b"," + without_proof
        mask = _hmac(hashlib.sha256(client_key).digest(), signed)
        self._server_signature = _hmac(_hmac(salted, b"Server Key"), signed)
        return without_proof + b",p=" + base64.b64encode(bytes(a ^ b for a, b in zip(client_key, mask)))

    def proves(self, server_final):
        """Does the server know the password too?"""
        return server_final == b"v=" + base64.b64encode(self._server_signature)
