"""Perl's DBD::Pg, with statements prepared by the server and by itself."""
from programs import HERE, STATEMENTS


def test_dbd_pg_sees_the_same_through_the_proxy(proxy, comparison):
    comparison.check("dbd_pg", ["/usr/bin/perl", HERE / "dbd_pg" / "program.pl"], proxy, env={"STATEMENTS": str(STATEMENTS)})
