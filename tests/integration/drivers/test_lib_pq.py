"""Go's lib/pq: statements simple, prepared and with binary parameters, COPY, notices, notifications, cancelled contexts."""
from programs import STATEMENTS, built

BUILD = "GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$PWD/cache /usr/bin/go build -o program program.go && rm -r cache"


def test_lib_pq_sees_the_same_through_the_proxy(proxy, comparison):
    folder = built("lib_pq", ["bash", "-c", BUILD])
    comparison.check("lib_pq", [folder / "program"], proxy, env={"STATEMENTS": str(STATEMENTS)})
