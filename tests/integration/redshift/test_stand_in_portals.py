"""The stand-in for Redshift: cursors and the extended protocol, message by message."""
import struct

import launch
from messages import bind, close, describe, execute, frame, parse, query
from redshift import StandIn
from stand_in_client import SYNC, ask, error_of, kinds, raw, tags


# 1.6: cursors

def test_one_cursor_in_a_transaction(redshift, table):
    with raw(redshift) as (client, _):
        ask(client, query("begin"))
        assert tags(ask(client, query(f"declare c1 cursor for select a from {table}"))) == ["DECLARE CURSOR"]
        assert error_of(ask(client, query("declare c2 cursor for select 1")))[0] == "0A000"
        ask(client, query("rollback; begin; declare c1 cursor for select 1; close c1"))
        assert tags(ask(client, query("declare c2 cursor for select 1"))) == ["DECLARE CURSOR"]
        assert tags(ask(client, query("fetch forward all from c2; fetch next from c2; fetch forward 5 from c2"))) == ["FETCH"] * 3
        for text in ("move 1 in c2", "fetch backward 1 from c2", "fetch prior from c2"):
            assert error_of(ask(client, query(text)))[0] in ("0A000", "42601")
            ask(client, query("rollback; begin; declare c2 cursor for select 1"))
        ask(client, query("rollback"))


def test_declare_in_the_extended_protocol(redshift, analytics):
    sent = (parse("declare c cursor for select 1"), bind(), describe("P"), execute(), SYNC)
    with raw(redshift) as (client, _):
        ask(client, query("begin"))
        assert error_of(ask(client, *sent)) == ("57014", "Query cancelled on user's request")
    with StandIn(analytics, launch.temporary_folder(), takes_extended_declare=True) as stand_in, raw(stand_in) as (client, _):
        ask(client, query("begin"))
        assert tags(ask(client, *sent)) == ["DECLARE CURSOR"]
        assert tags(ask(client, query("fetch 1 from c"))) == ["FETCH"]


def test_a_single_node_fetches_1000_rows(analytics):
    with StandIn(analytics, launch.temporary_folder(), single_node=True) as stand_in, raw(stand_in) as (client, _):
        for text, good in (("fetch 1000 from c", True), ("fetch 1001 from c", False), ("fetch forward 2000 from c", False), ("fetch all from c", False)):
            ask(client, query("begin; declare c cursor for select 1"))
            seen = ask(client, query(text))
            assert ("C" in kinds(seen)) == good
            if "2000" in text:
                assert error_of(seen)[1].startswith("Fetch size 2000 exceeds the limit of 1000 for a single node configuration")
            ask(client, query("rollback"))


# 1.6: extended protocol

def test_the_row_limit_counts_for_named_portals_only(redshift, table):
    with raw(redshift) as (client, _):
        ask(client, query("begin"))
        text = parse(f"select a from {table}", "s")
        assert kinds(ask(client, text, bind(statement="s"), execute(rows=1), SYNC)) == "12DDCZ"
        assert kinds(ask(client, bind(statement="s", portal="C_1"), execute("C_1", 1), SYNC)) == "2DsZ"
        assert kinds(ask(client, execute("C_1", 5), SYNC)) == "DCZ"


def test_after_a_suspended_portal_only_execute_close_and_sync(redshift, table):
    with raw(redshift) as (client, _):
        ask(client, query("begin"))
        seen = ask(client, parse(f"select a from {table}"), bind(portal="c"), execute("c", 1), parse("select 1"), SYNC)
        assert error_of(seen) == ("XX000", "Invalid protocol sequence 'P' while in PortalSuspended state.") and seen[-1] == (b"Z", b"E")
        ask(client, query("rollback; begin"))
        seen = ask(client, parse(f"select a from {table}"), bind(portal="c"), execute("c", 1), execute("c", 1), close("P", "c"), SYNC)
        assert kinds(seen) == "12DsDs3Z"


def test_named_portals_are_lost_on_catalog_queries(redshift, table):
    with raw(redshift) as (client, _):
        ask(client, query("begin"))
        ask(client, parse(f"select a from {table}"), bind(portal="C_2-7"), execute("C_2-7", 1), SYNC)
        ask(client, parse("select relname from pg_class limit 1"), bind(), execute(), SYNC)
        assert error_of(ask(client, execute("C_2-7", 1), SYNC)) == ("34000", 'portal "c_2-7" does not exist')


def test_limits(redshift):
    with raw(redshift) as (client, _):
        numbers = ",".join(["1"] * 9_000_000)
        assert error_of(ask(client, query(f"select 1 in ({numbers})")))[1].startswith("Statement is too large. Statement Size: 18000")
        values = struct.pack("!H", 32768) + struct.pack("!ic", 1, b"1") * 32768
        seen = ask(client, parse("select 1"), frame(b"B", b"\0\0\0\0" + values + b"\0\0"), execute(), SYNC)
        assert error_of(seen)[0] == "54000"


def test_a_batch_is_skipped_behind_an_error(redshift):
    with raw(redshift) as (client, _):
        seen = ask(client, parse("discard all"), bind(), execute(), parse("select 1"), bind(), execute(), SYNC)
        assert kinds(seen) == "EZ"
        assert kinds(ask(client, parse("select 1"), bind(), execute(), SYNC)) == "12DCZ"


def test_a_query_behind_a_batch_without_sync(redshift):
    with raw(redshift) as (client, _):
        seen = ask(client, parse("begin"), bind(), execute(), query("savepoint s"))
        assert kinds(seen) == "12CEZ" and seen[-1] == (b"Z", b"E")
        assert error_of(ask(client, query("select 1")))[0] == "25P02"
        ask(client, query("rollback"))
        # Nothing is heard of a query behind an error either, up to Sync.
        assert kinds(ask(client, parse("discard all"), query("select 1"), SYNC)) == "EZ"
