"""An S3 server for tests: checks every signature (SigV4), speaks path style, and can be made to fail.

    with S3Server(bucket="loads") as s3:
        s3.endpoint                             # http://127.0.0.1:port
        s3.objects                              # {key: bytes} of the bucket
        s3.uploads                              # multipart uploads begun and not ended: {id: {part number: bytes}}
        s3.fail("PUT", status=503, times=2)     # the next two PUTs are refused
        s3.slow = 0.2                           # seconds that each request waits
        s3.rate = 1_000_000                     # bytes of a body taken per second
        s3.cut("PUT", after=1000)               # the connection ends in the body of the next PUT
        s3.hold("PUT"); s3.let_go()             # requests wait until they are let go
        s3.requests                             # [Request]: method, path, query, headers, status
        s3.refusals                             # why signatures were refused

As a program: s3_server.py [port] prints its endpoint and serves the bucket "loads" until it is killed.
Keys: `access_key`, `secret_key`, and `session_token` where one is set: then it must come with each request. `region` must be that of the scope.
Facts: Amazon S3 API Reference, "Authenticating Requests (AWS Signature Version 4)" and "Multipart upload".
"""
import hashlib
import hmac
import sys
import threading
import time
import urllib.parse
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass
class Request:
    method: str
    path: str
    query: str
    headers: dict
    status: int = 0
    size: int = 0


@dataclass
class Fault:
    method: str
    times: int
    status: int = 0
    code: str = "SlowDown"
    cut_after: int = -1
    where: str = ""      # a piece of path?query

    def fits(self, request):
        return self.times > 0 and request.method == self.method and self.where in f"{request.path}?{request.query}"


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def quoted(text, safe="-_.~"):
    return urllib.parse.quote(text, safe=safe)


def canonical_request(method, path, query, headers, signed, payload_hash):
    """`path` and `query` as they came: decoded and encoded once."""
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=False) if query else []
    pairs = sorted((quoted(name), quoted(value)) for name, value in pairs)
    lines = [method, quoted(urllib.parse.unquote(path), "-_.~/"), "&".join(f"{name}={value}" for name, value in pairs)]
    lines += [f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed]
    return "\n".join([*lines, "", ";".join(signed), payload_hash])


def signature(secret, date, scope, canonical):
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    return hmac.new(key, f"{ALGORITHM}\n{date}\n{scope}\n{hashed}".encode(), hashlib.sha256).hexdigest()


@dataclass
class S3Server:
    bucket: str = "loads"
    region: str = "eu-central-1"
    access_key: str = "AKIDEXAMPLE0000TEST1"
    secret_key: str = "secret/of+the+test/server0000000000000001"
    session_token: str = ""
    port: int = 0
    slow: float = 0.0
    rate: int = 0
    objects: dict = field(default_factory=dict)
    uploads: dict = field(default_factory=dict)
    requests: list = field(default_factory=list)
    refusals: list = field(default_factory=list)
    put_bytes: int = 0           # by all PUTs that were kept
    most_objects: int = 0
    keep_bodies: bool = True     # False: objects and parts are counted, their bytes forgotten

    def __post_init__(self):
        self.lock = threading.Lock()
        self.faults = []
        self.held = set()
        self.holding = 0
        self.going = threading.Event()
        self.going.set()
        self.keys = {}           # upload id -> key
        server = self

        class Handler(_Handler):
            s3 = server

        self.http = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def is_empty(self):
        return not self.objects and not self.uploads

    def fail(self, method, status=503, times=1, code="SlowDown", where=""):
        self.faults.append(Fault(method, times, status, code, where=where))

    def cut(self, method, after=0, times=1, where=""):
        self.faults.append(Fault(method, times, cut_after=after, where=where))

    def hold(self, *methods):
        self.going.clear()
        self.held = set(methods)

    def let_go(self):
        self.held = set()
        self.going.set()

    def clear_faults(self):
        self.faults.clear()
        self.slow, self.rate = 0.0, 0
        self.let_go()

    def environment(self):
        """Of a program that shall find the keys."""
        found = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        return {**found, "AWS_SESSION_TOKEN": self.session_token} if self.session_token else found

    def start(self):
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        self.let_go()
        self.http.shutdown()
        self.http.server_close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def take_fault(self, request):
        with self.lock:
            for fault in self.faults:
                if fault.fits(request):
                    fault.times -= 1
                    return fault
        return None

    def check(self, request, body):
        """Why the request is not believed, as (code, text); None: it is."""
        headers = request.headers
        authorization = headers.get("authorization", "")
        if not authorization.startswith(ALGORITHM + " "):
            return "AccessDenied", "no signature"
        parts = dict(part.strip().split("=", 1) for part in authorization[len(ALGORITHM):].split(","))
        key, _, scope = parts["Credential"].partition("/")
        date = headers.get("x-amz-date", "")
        signed = parts["SignedHeaders"].split(";")
        if key != self.access_key:
            return "InvalidAccessKeyId", key
        if scope != f"{date[:8]}/{self.region}/s3/aws4_request":
            return "AuthorizationHeaderMalformed", scope
        if headers.get("x-amz-security-token", "") != self.session_token:
            return "InvalidToken", "session token"
        for name in headers:
            if (name in ("host", "content-md5") or name.startswith("x-amz-")) and name not in signed:
                return "AccessDenied", f"header {name} is not signed"
        if signed != sorted(signed) or "host" not in signed:
            return "AccessDenied", f"signed headers {signed}"
        content = headers.get("x-amz-content-sha256", "")
        if content not in ("UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()):
            return "XAmzContentSHA256Mismatch", content
        try:
            sent = time.mktime(time.strptime(date, "%Y%m%dT%H%M%SZ")) - time.timezone
        except ValueError:
            return "AccessDenied", f"x-amz-date {date!r}"
        if abs(sent - time.time()) > 900:
            return "RequestTimeTooSkewed", date
        canonical = canonical_request(request.method, request.path, request.query, headers, signed, content)
        if not hmac.compare_digest(signature(self.secret_key, date, scope, canonical), parts["Signature"]):
            return "SignatureDoesNotMatch", canonical
        return None


class _Handler(BaseHTTPRequestHandler):
    s3 = None
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.request_seen.status = status
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code, text=""):
        xml = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{escape(text)}</Message><RequestId>1</RequestId></Error>'
        self.answer(status, xml.encode(), [("Content-Type", "application/xml")])

    def body(self, fault):
        size = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        pieces, left = [], size
        while left > 0:
            take = min(left, 65536)
            if fault and fault.cut_after >= 0:
                take = min(take, fault.cut_after - (size - left))
                if take <= 0:
                    return None
            piece = self.rfile.read(take)
            if not piece:
                return None
            pieces.append(piece)
            left -= len(piece)
            if self.s3.rate:
                time.sleep(len(piece) / self.s3.rate)
        return b"".join(pieces)

    def serve(self):
        path, _, query = self.path.partition("?")
        seen = Request(self.command, path, query, {name.lower(): value for name, value in self.headers.items()})
        self.request_seen = seen
        s3 = self.s3
        with s3.lock:
            s3.requests.append(seen)
        fault = s3.take_fault(seen)
        if self.command in s3.held:
            with s3.lock:
                s3.holding += 1
            s3.going.wait(60)
            with s3.lock:
                s3.holding -= 1
        if s3.slow:
            time.sleep(s3.slow)
        body = self.body(fault)
        if body is None or (fault and fault.cut_after >= 0):
            self.close_connection = True
            self.connection.close()
            return
        seen.size = len(body)
        if fault and fault.status:
            return self.refuse(fault.status, fault.code, "as the test wants")
        wrong = s3.check(seen, body)
        if wrong:
            with s3.lock:
                s3.refusals.append(wrong)
            return self.refuse(403, wrong[0])
        bucket, _, key = urllib.parse.unquote(path).lstrip("/").partition("/")
        if bucket != s3.bucket:
            return self.refuse(404, "NoSuchBucket", bucket)
        arguments = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        with s3.lock:
            getattr(self, "on_" + self.command.lower())(key, arguments, body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve

    def on_get(self, key, arguments, _):
        if not key and "uploads" in arguments:
            found = "".join(f"<Upload><Key>{escape(self.s3.keys[u])}</Key><UploadId>{u}</UploadId></Upload>" for u in self.s3.uploads)
            return self.answer(200, f"<ListMultipartUploadsResult>{found}</ListMultipartUploadsResult>".encode())
        if not key:
            prefix = arguments.get("prefix", "")
            found = "".join(f"<Contents><Key>{escape(k)}</Key><Size>{len(v)}</Size></Contents>"
                            for k, v in sorted(self.s3.objects.items()) if k.startswith(prefix))
            return self.answer(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>".encode())
        if key not in self.s3.objects:
            return self.refuse(404, "NoSuchKey", key)
        content = self.s3.objects[key]
        return self.answer(200, content, [("ETag", f'"{hashlib.md5(content).hexdigest()}"')])

    on_head = on_get

    def on_put(self, key, arguments, body):
        etag = f'"{hashlib.md5(body).hexdigest()}"'
        self.s3.put_bytes += len(body)
        kept = body if self.s3.keep_bodies else b""
        if "uploadId" in arguments:
            upload = self.s3.uploads.get(arguments["uploadId"])
            if upload is None:
                return self.refuse(404, "NoSuchUpload")
            number = int(arguments["partNumber"])
            if not 1 <= number <= 10000:
                return self.refuse(400, "InvalidArgument")
            upload[number] = (etag, kept, len(body))
            return self.answer(200, headers=[("ETag", etag)])
        self.s3.objects[key] = kept
        self.s3.most_objects = max(self.s3.most_objects, len(self.s3.objects))
        return self.answer(200, headers=[("ETag", etag)])

    def on_post(self, key, arguments, body):
        if "uploads" in arguments:
            upload = uuid.uuid4().hex
            self.s3.uploads[upload] = {}
            self.s3.keys[upload] = key
            xml = f"<InitiateMultipartUploadResult><Key>{escape(key)}</Key><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            return self.answer(200, xml.encode())
        upload = self.s3.uploads.get(arguments.get("uploadId"))
        if upload is None:
            return self.refuse(404, "NoSuchUpload")
        text = body.decode()
        asked = []
        for part in text.split("<Part>")[1:]:
            number = int(part.split("<PartNumber>")[1].split("<")[0])
            etag = part.split("<ETag>")[1].split("</ETag>")[0].replace("&quot;", '"')
            asked.append((number, etag))
        if [number for number, _ in asked] != sorted(upload):
            return self.refuse(400, "InvalidPart")
        if any(upload[number][0] != etag for number, etag in asked):
            return self.refuse(400, "InvalidPart")
        if any(upload[number][2] < 5 * 1024 * 1024 for number, _ in asked[:-1]):
            return self.refuse(400, "EntityTooSmall")
        self.s3.objects[key] = b"".join(upload[number][1] for number, _ in asked)
        self.s3.most_objects = max(self.s3.most_objects, len(self.s3.objects))
        del self.s3.uploads[arguments["uploadId"]]
        return self.answer(200, f'<CompleteMultipartUploadResult><ETag>"{uuid.uuid4().hex}-{len(asked)}"</ETag></CompleteMultipartUploadResult>'.encode())

    def on_delete(self, key, arguments, _):
        if "uploadId" in arguments:
            if self.s3.uploads.pop(arguments["uploadId"], None) is None:
                return self.refuse(404, "NoSuchUpload")
        else:
            self.s3.objects.pop(key, None)
        return self.answer(204)


if __name__ == "__main__":
    with S3Server(port=int(sys.argv[1]) if len(sys.argv) > 1 else 0) as running:
        print(running.endpoint, running.bucket, running.region, running.access_key, running.secret_key, flush=True)
        threading.Event().wait()
