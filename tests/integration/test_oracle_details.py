"""Corners of the protocol in which names, portals and transactions of client and server could drift apart: the answers,
message by message, are PostgreSQL's own."""
from pathlib import Path

import pytest
from messages import SYNC, bind, close, describe, execute, parse, query
from oracle import answers, both_modes

pytestmark = pytest.mark.pgswitch

SERIES = parse("SELECT generate_series(1, 5)")
DECLARE = query("DECLARE c CURSOR FOR SELECT generate_series(1, 5)")
HOLD = query("DECLARE c CURSOR WITH HOLD FOR SELECT generate_series(1, 5)")
# Each step ends with one ReadyForQuery.
DETAILS = {
    "unnamed_portal_executed_again_after_the_sync": [SERIES + bind() + execute(rows=2) + SYNC, execute(rows=2) + SYNC],
    "unnamed_portal_executed_again_in_the_transaction": [
        query("BEGIN"), SERIES + bind() + execute(rows=2) + SYNC, execute(rows=2) + SYNC, execute() + SYNC, query("COMMIT")],
    "unnamed_portal_executed_again_after_commit": [
        query("BEGIN"), SERIES + bind() + execute(rows=2) + SYNC, query("COMMIT"), execute(rows=2) + SYNC],
    "named_portal_executed_again_after_commit": [
        query("BEGIN"), SERIES + bind(portal="p") + execute("p", 2) + SYNC, query("COMMIT"), execute("p", 2) + SYNC],
    "unnamed_portal_executed_after_a_commit_in_the_batch": [
        query("BEGIN"), SERIES + bind() + execute(rows=2) + parse("COMMIT", "c") + bind(statement="c", portal="x") + execute("x")
        + execute() + SYNC],
    "portal_executed_again_after_rollback_to": [
        query("BEGIN"), query("SAVEPOINT a"), SERIES + bind(portal="p") + execute("p", 2) + SYNC, query("ROLLBACK TO a"),
        execute("p", 2) + SYNC, query("ROLLBACK")],
    "unnamed_portal_executed_again_after_rollback_to": [
        query("BEGIN"), query("SAVEPOINT a"), SERIES + bind() + execute(rows=2) + SYNC, query("ROLLBACK TO a"),
        execute(rows=2) + SYNC, query("ROLLBACK")],
    "portal_of_before_the_savepoint_after_rollback_to": [
        query("BEGIN"), SERIES + bind(portal="p") + execute("p", 2) + SYNC, query("SAVEPOINT a"), query("ROLLBACK TO a"),
        execute("p", 2) + SYNC, query("ROLLBACK")],
    "unnamed_portal_after_a_simple_query": [
        query("BEGIN"), SERIES + bind() + execute(rows=2) + SYNC, query("SELECT 1"), execute(rows=2) + SYNC, query("ROLLBACK")],
    "unnamed_statement_after_a_simple_query": [SERIES + SYNC, query("SELECT 1"), bind() + execute() + SYNC],
    "unnamed_statement_after_a_local_one": [SERIES + SYNC, query("BEGIN"), bind() + execute() + SYNC, query("COMMIT")],
    "unnamed_statement_after_a_failed_parse": [SERIES + SYNC, parse("SELEC") + SYNC, bind() + execute() + SYNC],
    "deallocate_all_in_a_failed_transaction": [
        parse("SELECT 1", "s") + SYNC, query("BEGIN"), query("SELECT 1/0"), query("DEALLOCATE ALL"), query("ROLLBACK"),
        bind(statement="s") + execute() + SYNC],
    "deallocate_in_a_failed_transaction": [
        parse("SELECT 1", "s") + SYNC, query("BEGIN"), query("SELECT 1/0"), query("DEALLOCATE s"), query("ROLLBACK"),
        bind(statement="s") + execute() + SYNC],
    "deallocate_extended_in_a_failed_transaction": [
        parse("SELECT 1", "s") + SYNC, parse("DEALLOCATE ALL", "d") + SYNC, query("BEGIN"), query("SELECT 1/0"),
        bind(statement="d") + execute() + SYNC, query("ROLLBACK"), bind(statement="s") + execute() + SYNC],
    "deallocate_of_an_unknown_name": [query("DEALLOCATE nobody")],
    "deallocate_in_a_transaction_that_rolls_back": [
        parse("SELECT 1", "s") + SYNC, query("BEGIN"), query("DEALLOCATE s"), query("ROLLBACK"), bind(statement="s") + SYNC],
    "close_in_a_failed_transaction": [
        parse("SELECT 1", "s") + SYNC, query("BEGIN"), query("SELECT 1/0"), close("S", "s") + SYNC, query("ROLLBACK"),
        bind(statement="s") + SYNC],
    "describe_in_a_failed_transaction": [
        parse("SELECT 1", "s") + parse("ROLLBACK", "r") + SYNC, query("BEGIN"), query("SELECT 1/0"), describe("S", "s") + SYNC,
        describe("S", "r") + SYNC, bind(statement="r") + describe("P") + execute() + SYNC],
    "parse_in_a_failed_transaction": [
        query("BEGIN"), query("SELECT 1/0"), parse("SELECT 1") + SYNC, parse("COMMIT") + bind() + execute() + SYNC],
    "parse_of_nothing_in_a_failed_transaction": [
        query("BEGIN"), query("SELECT 1/0"), parse("") + bind() + describe("P") + execute() + SYNC, query("ROLLBACK")],
    "query_of_nothing_in_a_failed_transaction": [query("BEGIN"), query("SELECT 1/0"), query(""), query("ROLLBACK")],
    "too_many_parameters_of_a_named_statement": [parse("SELECT $1::int", "s") + bind(("1", "2"), "s") + SYNC],
    "wrong_parameter_of_a_named_statement": [parse("SELECT $1::int", "s") + bind(("x",), "s") + SYNC],
    "wrong_parameter_of_a_named_statement_and_portal": [parse("SELECT $1::int", "s") + bind(("x",), "s", "p") + SYNC],
    "error_while_a_named_statement_runs": [parse("SELECT 1 / $1::int", "s") + bind(("0",), "s", "p") + execute("p") + SYNC],
    "name_taken_and_two_statements": [parse("SELECT 1", "s") + SYNC, parse("SELECT 1; SELECT 2", "s") + SYNC],
    "name_taken_and_not_sql": [parse("SELECT 1", "s") + SYNC, parse("SELEC", "s") + SYNC],
    "name_taken_and_an_unknown_table": [parse("SELECT 1", "s") + SYNC, parse("SELECT * FROM nobody", "s") + SYNC],
    "name_taken_and_a_control_statement": [parse("SELECT 1", "s") + SYNC, parse("BEGIN", "s") + SYNC],
    "name_taken_in_a_failed_transaction": [
        parse("SELECT 1", "s") + SYNC, query("BEGIN"), query("SELECT 1/0"), parse("SELECT 2", "s") + SYNC, query("ROLLBACK")],
    "begin_then_a_failed_describe_then_rollback_to": [
        query("BEGIN"), describe("S", "nobody") + SYNC, query("ROLLBACK TO a"), query("ROLLBACK")],
    "begin_then_a_failed_bind_then_rollback_to": [
        query("BEGIN"), bind(statement="nobody") + SYNC, query("ROLLBACK TO a"), query("COMMIT")],
    "begin_then_a_failed_execute_then_release": [query("BEGIN"), execute("nobody") + SYNC, query("RELEASE a"), query("COMMIT")],
    "begin_then_a_failed_parse_then_savepoint": [query("BEGIN"), parse("SELEC") + SYNC, query("SAVEPOINT a"), query("COMMIT")],
    "begin_then_not_sql_then_commit": [query("BEGIN"), query("SELEC"), query("COMMIT"), query("SELECT 1")],
    "rollback_to_outside": [query("ROLLBACK TO a")],
    "savepoint_outside": [query("SAVEPOINT a")],
    "release_of_an_unknown_savepoint": [query("BEGIN"), query("RELEASE a"), query("ROLLBACK")],
    "rollback_to_an_unknown_savepoint": [query("BEGIN"), query("ROLLBACK TO a"), query("ROLLBACK")],
    "savepoint_first_in_a_transaction": [query("BEGIN"), query("SAVEPOINT a"), query("ROLLBACK TO a"), query("COMMIT")],
    "application_name_not_ascii": [query("SET application_name = 'caf\u00e9'"), query("SHOW application_name")],
    "execute_of_a_statement_parsed_by_the_protocol": [parse("SELECT 41 + $1::int", "s") + SYNC, query("EXECUTE s(1)")],
    "execute_of_an_unknown_statement": [query("EXECUTE nobody")],
    "deallocate_of_a_statement_parsed_by_the_protocol": [parse("SELECT 1", "s") + SYNC, query("DEALLOCATE s"), query("EXECUTE s")],
    "bind_of_a_statement_prepared_in_sql": [
        query("PREPARE s AS SELECT 41 + $1::int"), bind(("1",), "s") + describe("P") + execute() + SYNC],
    "describe_of_a_statement_prepared_in_sql": [query("PREPARE s AS SELECT 41 + $1::int"), describe("S", "s") + SYNC],
    "close_of_a_statement_prepared_in_sql": [query("PREPARE s AS SELECT 1"), close("S", "s") + SYNC, query("EXECUTE s")],
    "prepare_in_sql_of_a_name_taken_by_the_protocol": [parse("SELECT 1", "s") + SYNC, query("PREPARE s AS SELECT 2")],
    "parse_of_a_name_taken_in_sql": [query("PREPARE s AS SELECT 2"), parse("SELECT 1", "s") + SYNC, query("EXECUTE s")],
    "pg_prepared_statements": [
        parse("SELECT 1 AS x", "s") + SYNC, query("PREPARE t AS SELECT 2"),
        query("SELECT name, statement, from_sql FROM pg_prepared_statements ORDER BY 1")],
    "describe_of_a_cursors_portal": [query("BEGIN"), DECLARE, describe("P", "c") + SYNC, query("ROLLBACK")],
    "execute_of_a_cursors_portal": [query("BEGIN"), DECLARE, execute("c", 2) + SYNC, query("FETCH ALL FROM c"), query("ROLLBACK")],
    "close_of_a_cursors_portal": [query("BEGIN"), DECLARE, close("P", "c") + SYNC, query("FETCH ALL FROM c"), query("ROLLBACK")],
    "fetch_from_a_portal_of_the_protocol": [
        query("BEGIN"), SERIES + bind(portal="p") + execute("p", 2) + SYNC, query("FETCH 2 FROM p"), execute("p") + SYNC,
        query("CLOSE p"), query("COMMIT")],
    "describe_of_a_held_cursors_portal": [HOLD, describe("P", "c") + SYNC, query("CLOSE c")],
    "execute_of_a_held_cursors_portal": [HOLD, execute("c", 2) + SYNC, query("FETCH ALL FROM c"), query("CLOSE c")],
    "close_of_a_held_cursors_portal": [HOLD, close("P", "c") + SYNC, query("FETCH ALL FROM c")],
    "bind_of_a_portal_name_taken_by_a_held_cursor": [HOLD, SERIES + bind(portal="c") + execute("c") + SYNC, query("CLOSE ALL")],
    "parameters_for_begin": [parse("BEGIN") + bind(("1",)) + SYNC, parse("BEGIN", "b") + bind(("1", "2"), "b") + SYNC],
    "parameters_for_nothing": [parse("") + bind(("1",)) + SYNC, parse("", "e") + bind(formats=(0, 1), statement="e") + SYNC],
    "portal_of_nothing_after_the_sync": [parse("", "e") + bind(statement="e", portal="p") + SYNC, execute("p") + SYNC],
    "portal_of_begin_after_the_sync": [parse("BEGIN") + bind() + SYNC, execute() + SYNC, query("ROLLBACK")],
    "portal_of_begin_executed_twice": [parse("BEGIN") + bind() + execute() + execute() + SYNC, query("ROLLBACK")],
    "portal_bound_twice_to_control_statements": [
        parse("BEGIN", "b") + bind(statement="b", portal="p") + bind(statement="b", portal="p") + SYNC,
        parse("SELECT 1", "s") + bind(statement="b", portal="p") + bind(statement="s", portal="p") + SYNC],
    "unnamed_portal_behind_a_begin_in_a_named_one": [
        parse("BEGIN", "b") + bind(statement="b", portal="x") + execute("x") + SYNC,
        parse("SELECT 1", "s") + bind(statement="s", portal="p") + execute("p") + execute() + SYNC, query("ROLLBACK")],
    "unnamed_portal_behind_a_savepoint_in_a_named_one": [
        query("BEGIN"), SERIES + bind() + execute(rows=2) + parse("SAVEPOINT a", "a") + bind(statement="a", portal="x") + execute("x")
        + execute(rows=2) + SYNC, query("ROLLBACK")],
    "two_names_for_one_text": [
        parse("SELECT $1::int", "s") + parse("SELECT $1::int", "t") + parse("SELECT $1::int") + SYNC, bind(statement="s") + SYNC,
        bind(statement="t") + SYNC, bind(("x",), "s") + SYNC, bind() + SYNC],
    "error_of_a_statement_that_is_closed_behind_it": [
        parse("SELECT 1", "s") + bind(("1",), "s") + SYNC, close("S", "s") + SYNC, parse("SELECT 1", "s") + SYNC],
    "name_taken_by_the_same_text_in_a_failed_transaction": [
        parse("SELECT 1", "s") + SYNC, query("BEGIN"), query("SELECT 1/0"), parse("SELECT 1", "s") + SYNC, query("ROLLBACK")],
    "name_of_a_skipped_parse": [
        parse("SELECT 1/0") + bind() + execute() + parse("SELECT 1", "s") + SYNC, bind(statement="s") + SYNC, parse("SELECT 2", "s") + SYNC],
    "name_of_a_skipped_close": [parse("SELECT 1", "s") + SYNC, execute("nobody") + close("S", "s") + SYNC, parse("SELECT 2", "s") + SYNC],
    "unnamed_statement_of_a_skipped_parse": [
        execute("nobody") + parse("SELECT 1") + SYNC, bind() + execute() + SYNC, parse("SELECT 1") + bind() + execute() + SYNC],
    "unnamed_statement_behind_a_failed_parse_and_another": [parse("SELEC") + SYNC, parse("SELECT 1") + SYNC, bind() + execute() + SYNC],
    "savepoint_behind_a_failed_batch": [
        query("BEGIN"), parse("SELECT 1/0") + bind() + execute() + SYNC, parse("SAVEPOINT a") + bind() + execute() + SYNC,
        parse("ROLLBACK") + bind() + execute() + SYNC],
    "savepoint_behind_a_statement_and_outside_a_transaction": [
        parse("SELECT 1") + bind() + execute() + parse("SAVEPOINT a") + bind() + execute() + SYNC],
    "cursor_declared_by_the_extended_protocol": [
        query("BEGIN"), parse("DECLARE c CURSOR FOR SELECT 7") + bind() + execute() + SYNC, describe("P", "c") + execute("c") + SYNC,
        query("COMMIT")],
}
# Names of the proxy's own show; nobody else can have them.
DIFFERENT = {"pg_prepared_statements": "prepared statements have names of the proxy's own on the server, which pg_prepared_statements shows"}


@pytest.fixture(scope="module")
def trusting(make_pooler):
    with both_modes(make_pooler) as both:
        yield both


@pytest.fixture(autouse=True)
def tidy():
    """Nothing to put in order: no conversation writes."""


@pytest.mark.parametrize("name", DETAILS)
@pytest.mark.parametrize("mode", ("transaction", "session"))
def test_the_answers_are_postgresqls_own(mode, name, trusting, direct):
    """Step by step, and with all steps sent at once; twice, for the second client finds what the first left on the server."""
    for pipelined in (False, True, False, True):
        seen, expected = (answers(endpoint, DETAILS[name], pipelined) for endpoint in (trusting[mode], direct))
        assert (seen == expected) == (name not in DIFFERENT), (pipelined, seen, expected)


def test_every_difference_is_in_the_readme():
    text = (Path(__file__).resolve().parents[1] / "README.md").read_text()
    assert [reason for reason in DIFFERENT.values() if reason not in text] == []
