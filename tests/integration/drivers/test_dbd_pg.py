"""Perl's DBD::Pg, with statements prepared by the server and by itself."""
import pytest
from programs import HERE, STATEMENTS


@pytest.mark.xfail(strict=True, reason="drivers-py-startup-application-name-by-options")
def test_dbd_pg_sees_the_same_through_the_proxy(proxy, comparison):
    comparison.check("dbd_pg", ["/usr/bin/perl", HERE / "dbd_pg" / "program.pl"], proxy, env={"STATEMENTS": str(STATEMENTS)})
