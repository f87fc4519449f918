"""An S3 of our own that believes nobody: signatures, dates, tokens and the hash of the content are checked. For tests of what
signs and uploads; faults on request. Path-style addresses (http://127.0.0.1:port/bucket/key)."""
import calendar
import hashlib
import hmac
import re
import shutil
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from s3_signature import signature

CHUNK = 1 << 20
UNSIGNED = "UNSIGNED-PAYLOAD"


@dataclass
class Key:
    """What an access key is worth. token: temporary credentials, which are refused without it."""
    secret: str
    token: str = None


@dataclass
class Fault:
    """Happens to the next `times` requests whose "METHOD /path?query" has `pattern`, behind `skip` that pass unhurt.
    status: refused with it; cut: the connection is closed behind so many bytes of the body, read or written;
    hold: nothing is answered until this event is set."""
    pattern: str
    status: int = None
    cut: int = None
    hold: threading.Event = None
    times: int = 1
    skip: int = 0
    seen: int = field(default=0, compare=False)


class Refusal(Exception):
    def __init__(self, status, code, message=""):
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


class Cut(Exception):
    """The connection ends here."""


class S3Server:
    """keys: access key id -> Key. `requests` holds "METHOD /path?query -> status" of all that was answered, in order."""

    def __init__(self, folder, keys=None, buckets=("bucket",), region="us-east-1", smallest_part=5 << 20, takes_unsigned=True):
        self.folder = Path(folder)
        self.keys = keys or {"AKIDTEST": Key("secret/of+tests")}
        self.region, self.smallest_part, self.takes_unsigned = region, smallest_part, takes_unsigned
        self.requests, self.faults = [], []
        self.lock = threading.Lock()
        for bucket in buckets:
            (self.folder / "objects" / bucket).mkdir(parents=True, exist_ok=True)
        (self.folder / "uploads").mkdir(exist_ok=True)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.s3 = self
        self.port = self._server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.end_faults()
        self._server.shutdown()
        self._server.server_close()

    def fault(self, pattern, **how):
        """Adds a Fault; see there."""
        self.faults.append(Fault(pattern, **how))
        return self.faults[-1]

    def end_faults(self):
        """None happens any more, and what one holds goes on."""
        for fault in self.faults:
            fault.times = 0
            if fault.hold:
                fault.hold.set()

    def object_path(self, bucket, key):
        return self.folder / "objects" / bucket / quote(key, safe="")

    def put(self, bucket, key, content):
        self.object_path(bucket, key).write_bytes(content)

    def get(self, bucket, key):
        return self.object_path(bucket, key).read_bytes()

    def list(self, bucket, prefix=""):
        """Keys, in the order of S3: by their bytes."""
        keys = [unquote(path.name) for path in (self.folder / "objects" / bucket).iterdir()]
        return sorted((key for key in keys if key.startswith(prefix)), key=str.encode)

    def uploads(self):
        """(bucket, key) of each multipart upload that is neither complete nor aborted."""
        return [tuple((path / "of").read_text().split("\n")) for path in (self.folder / "uploads").iterdir()]

    def fault_for(self, request):
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.pattern, request):
                    fault.seen += 1
                    if fault.seen > fault.skip:
                        fault.times -= 1
                        return fault
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (Cut, ConnectionError):
            self.close_connection = True

    def do_any(self):
        self.s3 = self.server.s3
        self.path_text, _, self.query_text = self.path.partition("?")
        self.query = {name: values[-1] for name, values in parse_qs(self.query_text, keep_blank_values=True).items()}
        self.body = None
        fault = self.s3.fault_for(f"{self.command} {self.path}")
        try:
            if fault and fault.hold:
                fault.hold.wait()
            self.cut = fault.cut if fault else None
            if fault and fault.status:
                raise Refusal(fault.status, "SlowDown" if fault.status == 503 else "AccessDenied", "as the test asks")
            self.payload_hash = self.check_signature()
            self.read_body()
            bucket, _, key = unquote(self.path_text).lstrip("/").partition("/")
            if not (self.s3.folder / "objects" / bucket).is_dir() or not bucket:
                raise Refusal(404, "NoSuchBucket", bucket)
            self.dispatch(bucket, key)
        except Refusal as refusal:
            self.answer_refusal(refusal)
        finally:
            if self.body:
                self.body.unlink(missing_ok=True)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_any

    def check_signature(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})",
                             headers.get("authorization", ""))
        if not found:
            raise Refusal(403, "AccessDenied", "no Authorization of Signature Version 4 for s3")
        key_id, day, region, signed, given = found.groups()
        names, moment = signed.split(";"), headers.get("x-amz-date", "")
        if region != self.s3.region:
            raise Refusal(400, "AuthorizationHeaderMalformed", f"the region '{region}' is wrong; expecting '{self.s3.region}'")
        required = {"host", "x-amz-date", "x-amz-content-sha256"} | {name for name in headers if name.startswith("x-amz-")}
        if not required <= set(names) or not required <= set(headers):
            raise Refusal(403, "AccessDenied", f"not signed: {sorted(required - set(names))}")
        if not re.fullmatch(r"\d{8}T\d{6}Z", moment) or not moment.startswith(day):
            raise Refusal(403, "AccessDenied", "x-amz-date")
        if abs(calendar.timegm(time.strptime(moment, "%Y%m%dT%H%M%SZ")) - time.time()) > 900:
            raise Refusal(403, "RequestTimeTooSkewed")
        key = self.s3.keys.get(key_id)
        if key is None:
            raise Refusal(403, "InvalidAccessKeyId")
        if key.token is not None and headers.get("x-amz-security-token") != key.token:
            raise Refusal(403, "InvalidToken", "the token is missing or wrong")
        payload_hash = headers["x-amz-content-sha256"]
        right = signature(self.command, self.path_text, self.query_text, headers, names, payload_hash, key.secret, moment, region)
        if not hmac.compare_digest(right, given):
            raise Refusal(403, "SignatureDoesNotMatch")
        if payload_hash == UNSIGNED and not self.s3.takes_unsigned:
            raise Refusal(403, "AccessDenied", "unsigned content")
        return payload_hash

    def read_body(self):
        """The content in a file of its own, self.body; its hash checked."""
        if "Content-Length" not in self.headers and self.command in ("PUT", "POST"):
            raise Refusal(411, "MissingContentLength")
        left = int(self.headers.get("Content-Length", 0))
        self.body = self.s3.folder / f"body-{uuid.uuid4().hex}"
        sha256, self.md5, taken = hashlib.sha256(), hashlib.md5(), 0
        with open(self.body, "wb") as out:
            while left > 0:
                chunk = self.rfile.read(min(left, CHUNK))
                taken += len(chunk)
                if not chunk or (self.cut is not None and self.command in ("PUT", "POST") and taken > self.cut):
                    raise Cut
                left -= len(chunk)
                out.write(chunk)
                sha256.update(chunk)
                self.md5.update(chunk)
        if self.payload_hash not in (UNSIGNED, sha256.hexdigest()):
            raise Refusal(400, "XAmzContentSHA256Mismatch")

    def dispatch(self, bucket, key):
        if self.command in ("GET", "HEAD") and not key:
            return self.list_uploads(bucket) if "uploads" in self.query else self.list_objects(bucket)
        if self.command in ("GET", "HEAD"):
            return self.get_object(bucket, key)
        if self.command == "POST" and "uploads" in self.query:
            return self.create_upload(bucket, key)
        if self.command == "PUT" and not key:
            return self.answer(200)
        if "uploadId" in self.query:
            upload = self.s3.folder / "uploads" / self.query["uploadId"]
            if not upload.is_dir() or (upload / "of").read_text() != f"{bucket}\n{key}":
                raise Refusal(404, "NoSuchUpload")
            return {"PUT": self.put_part, "POST": self.complete_upload, "DELETE": self.abort_upload}[self.command](upload, bucket, key)
        if self.command == "PUT":
            self.body.replace(self.s3.object_path(bucket, key))
            return self.answer(200, etag=self.md5.hexdigest())
        if self.command == "DELETE":
            self.s3.object_path(bucket, key).unlink(missing_ok=True)
            return self.answer(204)
        raise Refusal(405, "MethodNotAllowed")

    def get_object(self, bucket, key):
        path = self.s3.object_path(bucket, key)
        if not path.exists():
            raise Refusal(404, "NoSuchKey", key)
        size = path.stat().st_size
        first, last, status = 0, size - 1, 200
        if found := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last, status = int(found[1]), min(int(found[2] or size), size - 1), 206
        self.begin_answer(status, last - first + 1)
        with open(path, "rb") as content:
            content.seek(first)
            left, written = last - first + 1, 0
            while left > 0 and self.command == "GET":
                chunk = content.read(min(left, 65536))
                if self.cut is not None and written + len(chunk) > self.cut:
                    self.wfile.write(chunk[:self.cut - written])
                    raise Cut
                self.wfile.write(chunk)
                written += len(chunk)
                left -= len(chunk)

    def list_objects(self, bucket):
        most = int(self.query.get("max-keys", 1000))
        behind = self.query.get("continuation-token") or self.query.get("start-after", "")
        keys = [key for key in self.s3.list(bucket, self.query.get("prefix", "")) if key.encode() > behind.encode()]
        shown = keys[:most]
        text = "".join(f"<Contents><Key>{escape(key)}</Key><Size>{self.s3.object_path(bucket, key).stat().st_size}</Size></Contents>" for key in shown)
        more = len(keys) > len(shown)
        text += f"<KeyCount>{len(shown)}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>"
        if more:
            text += f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>"
        self.answer_xml("ListBucketResult", f"<Name>{bucket}</Name>{text}")

    def list_uploads(self, bucket):
        found = [(path.name, (path / "of").read_text().split("\n")) for path in (self.s3.folder / "uploads").iterdir()]
        text = "".join(f"<Upload><Key>{escape(of[1])}</Key><UploadId>{name}</UploadId></Upload>" for name, of in found if of[0] == bucket)
        self.answer_xml("ListMultipartUploadsResult", f"<Bucket>{bucket}</Bucket>{text}")

    def create_upload(self, bucket, key):
        name = uuid.uuid4().hex
        upload = self.s3.folder / "uploads" / name
        upload.mkdir()
        (upload / "of").write_text(f"{bucket}\n{key}")
        self.answer_xml("InitiateMultipartUploadResult", f"<Bucket>{bucket}</Bucket><Key>{escape(key)}</Key><UploadId>{name}</UploadId>")

    def put_part(self, upload, _bucket, _key):
        number = int(self.query.get("partNumber", 0))
        if not 1 <= number <= 10000:
            raise Refusal(400, "InvalidArgument", "partNumber")
        self.body.replace(upload / f"part-{number}")
        (upload / f"etag-{number}").write_text(self.md5.hexdigest())
        self.answer(200, etag=self.md5.hexdigest())

    def complete_upload(self, upload, bucket, key):
        root = ElementTree.fromstring(self.body.read_text())
        space = root.tag[:root.tag.index("}") + 1] if root.tag.startswith("{") else ""
        parts = [(int(part.find(space + "PartNumber").text), part.find(space + "ETag").text.strip('"')) for part in root.iter(space + "Part")]
        if not parts or parts != sorted(set(parts)):
            raise Refusal(400, "InvalidPartOrder" if parts else "MalformedXML")
        for number, etag in parts:
            if not (upload / f"part-{number}").exists() or (upload / f"etag-{number}").read_text() != etag:
                raise Refusal(400, "InvalidPart", str(number))
            if number != parts[-1][0] and (upload / f"part-{number}").stat().st_size < self.s3.smallest_part:
                raise Refusal(400, "EntityTooSmall", str(number))
        whole = self.s3.folder / f"whole-{uuid.uuid4().hex}"
        with open(whole, "wb") as out:
            for number, _ in parts:
                with open(upload / f"part-{number}", "rb") as part:
                    shutil.copyfileobj(part, out, CHUNK)
        whole.replace(self.s3.object_path(bucket, key))
        shutil.rmtree(upload)
        self.answer_xml("CompleteMultipartUploadResult", f"<Bucket>{bucket}</Bucket><Key>{escape(key)}</Key><ETag>\"{len(parts)}\"</ETag>")

    def abort_upload(self, upload, _bucket, _key):
        shutil.rmtree(upload)
        self.answer(204)

    def begin_answer(self, status, size, etag=None):
        self.s3.requests.append(f"{self.command} {self.path} -> {status}")
        self.send_response(status)
        self.send_header("Content-Length", str(size))
        if etag:
            self.send_header("ETag", f'"{etag}"')
        self.end_headers()

    def answer(self, status, text=b"", etag=None):
        self.begin_answer(status, len(text), etag)
        if self.command != "HEAD":
            self.wfile.write(text)

    def answer_xml(self, root, inner, status=200):
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inner}</{root}>'
        self.answer(status, text.encode())

    def answer_refusal(self, refusal):
        # What was not read of the content would be taken for the next request.
        self.close_connection = self.close_connection or self.body is None
        text = f"<Error><Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message><RequestId>0</RequestId></Error>"
        self.answer(refusal.status, text.encode())
