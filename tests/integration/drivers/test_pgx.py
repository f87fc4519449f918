"""Go's pgx v4: statements prepared, described or simple, batches, COPY, large objects, notifications."""
from programs import STATEMENTS, built

BUILD = "GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$PWD/cache /usr/bin/go build -o program program.go && rm -r cache"


def test_pgx_sees_the_same_through_the_proxy(proxy, comparison):
    folder = built("pgx", ["bash", "-c", BUILD])
    comparison.check("pgx", [folder / "program"], proxy, env={"STATEMENTS": str(STATEMENTS)})
