"""Signature Version 4 as S3 has it (AWS, "Authenticating Requests: Using the Authorization Header")."""
import hashlib
import hmac
from urllib.parse import quote, unquote, unquote_plus


def canonical_query(query):
    """Names and values decoded, encoded again byte by byte, sorted; a name without a value has an empty one."""
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    return "&".join(sorted(f"{_encode(unquote_plus(name))}={_encode(unquote_plus(value))}" for name, value in pairs))


def signature(method, path, query, headers, signed_headers, payload_hash, secret, moment, region, service="s3"):
    """headers: name in lower case -> value; signed_headers: their names; moment: YYYYMMDD'T'HHMMSS'Z'."""
    names = sorted(signed_headers)
    lines = [method, quote(unquote(path), safe="/-_.~"), canonical_query(query)]
    lines += [f"{name}:{' '.join(headers.get(name, '').split())}" for name in names]
    lines += ["", ";".join(names), payload_hash]
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256("\n".join(lines).encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in (moment[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _encode(text):
    return quote(text, safe="-_.~")
