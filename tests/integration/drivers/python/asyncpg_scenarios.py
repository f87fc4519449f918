"""asyncpg: the extended protocol in binary, named prepared statements, portals, introspection, COPY, listeners."""
import asyncio
import io

import asyncpg

from scenario import ROUTED, ROUTED_QUERY, group, routed_to, run, scenario

DIAGNOSTICS = ("severity", "severity_en", "sqlstate", "message", "detail", "hint", "position", "internal_position", "internal_query", "context",
               "schema_name", "table_name", "column_name", "data_type_name", "constraint_name", "server_source_filename",
               "server_source_function")
SETTINGS = ("server_version", "server_encoding", "client_encoding", "application_name", "DateStyle", "TimeZone", "IntervalStyle",
            "integer_datetimes", "is_superuser", "session_authorization", "standard_conforming_strings")
NUMBERS = "SELECT i, 'row ' || i FROM generate_series(1, 300) AS i"


async def connect(**more):
    connection = await asyncpg.connect(**more)
    await interleave(connection)
    return connection


async def interleave(connection):
    """Between two statements of a scenario, one to the other cluster."""
    if ROUTED and not connection.is_in_transaction():
        routed_to(await connection.fetchval(ROUTED_QUERY))


def fields(error):
    named = {name: value for name in DIAGNOSTICS if (value := getattr(error, name, None)) is not None}
    return {"error": type(error).__name__, **(named or {"text": str(error)})}


async def observe(connection, sql, *arguments):
    try:
        statement = await connection.prepare(sql)
        attributes = [(a.name, a.type.oid, a.type.name) for a in statement.get_attributes()]
        parameters = [(t.oid, t.name) for t in statement.get_parameters()]
        rows = await statement.fetch(*arguments)
        return statement.get_statusmsg(), attributes, parameters, [[repr(value) for value in row] for row in rows]
    except asyncpg.PostgresError as error:
        return fields(error)


async def observe_simple(connection, sql):
    try:
        return await connection.execute(sql)
    except asyncpg.PostgresError as error:
        return fields(error)


@scenario
async def a_connection_starts_with_the_servers_parameters():
    connection = await connect(server_settings={"DateStyle": "German", "TimeZone": "Asia/Kathmandu", "application_name": "async",
                                                "search_path": "private, public", "statement_timeout": "12s"})
    settings = connection.get_settings()
    return ({name: getattr(settings, name, None) for name in SETTINGS}, str(connection.get_server_version()),
            [await connection.fetchval(f"SHOW {name}") for name in ("search_path", "statement_timeout")], connection.is_in_transaction())


@scenario(over=["extended", "simple"])
async def statements_in_autocommit(protocol):
    connection, seen = await connect(), {}
    for name, sql in group("statements").items():
        seen[name] = await (observe if protocol == "extended" else observe_simple)(connection, sql)
        await interleave(connection)
    return seen


@scenario(over=["extended", "simple"])
async def errors_in_autocommit(protocol):
    connection, seen = await connect(), {}
    for name, sql in group("errors").items():
        seen[name] = await (observe if protocol == "extended" else observe_simple)(connection, sql)
        await interleave(connection)
    return seen


@scenario
async def errors_in_transactions():
    connection, seen = await connect(), {}
    for name, sql in group("errors").items():
        transaction = connection.transaction()
        await transaction.start()
        seen[name] = await observe(connection, sql), await observe(connection, "SELECT 1"), connection.is_in_transaction()
        await transaction.rollback()
        await interleave(connection)
    return seen


@scenario
async def notices():
    connection, heard = await connect(), []
    connection.add_log_listener(lambda _, message: heard.append(fields(message)))
    for sql in group("notices").values():
        await connection.execute(sql)
        await interleave(connection)
    await asyncio.sleep(0)
    return heard


@scenario
async def rows_of_several_statements_of_one_string():
    connection = await connect()
    strings = ("SELECT 1; SELECT 2", "SELECT 1; SELECT 1/0", "BEGIN; INSERT INTO written (what) VALUES ('a'); ROLLBACK", "BEGIN; SELECT 1", "ROLLBACK")
    return [await observe_simple(connection, sql) for sql in strings]


@scenario
async def nested_transactions():
    connection, seen = await connect(), []
    async with connection.transaction():
        await connection.execute("INSERT INTO written (what) VALUES ('outer')")
        for ends_well in (True, False):
            try:
                async with connection.transaction():
                    await connection.execute("INSERT INTO written (what) VALUES ($1)", str(ends_well))
                    if not ends_well:
                        await connection.fetch("SELECT 1/0")
            except asyncpg.PostgresError as error:
                seen.append(fields(error)["sqlstate"])
    await interleave(connection)
    seen.append(await connection.fetchval("SELECT string_agg(what, ',' ORDER BY what) FROM written"))
    await connection.execute("DELETE FROM written")
    return seen


@scenario
async def a_nested_transaction_is_the_first_statement():
    connection = await connect()
    async with connection.transaction():
        async with connection.transaction():
            return await connection.fetchval("SELECT name FROM customers WHERE id = 7")


@scenario(over=["read_committed", "repeatable_read", "serializable"])
async def isolation_read_only_and_deferrable(level):
    connection = await connect()
    async with connection.transaction(isolation=level, readonly=True, deferrable=True):
        seen = [await connection.fetchval(f"SHOW {name}") for name in
                ("transaction_isolation", "transaction_read_only", "transaction_deferrable")]
    await interleave(connection)
    return seen, await connection.fetchval("SHOW transaction_isolation")


@scenario
async def a_prepared_statement_is_used_again():
    connection = await connect()
    statement = await connection.prepare("SELECT $1::int + 1 AS more, name FROM customers WHERE id = $1")
    seen = []
    for i in range(1, 9):
        seen.append([tuple(row) for row in await statement.fetch(i)])
        await interleave(connection)
    # The widths and costs of a plan change when autovacuum has looked at its tables.
    plan = (await statement.explain(1))[0]["Plan"]
    return seen, [(p.name, p.kind) for p in statement.get_parameters()], plan["Node Type"], plan["Relation Name"]


@scenario
async def the_statement_cache_forgets_and_prepares_again():
    connection = await connect(statement_cache_size=4)
    seen = []
    for round_ in range(3):
        for i in range(8):
            seen.append(await connection.fetchval(f"SELECT {i} + $1::int", round_))
        await interleave(connection)
    return seen


@scenario
async def without_a_statement_cache():
    connection = await connect(statement_cache_size=0)
    seen = []
    for i in range(6):
        seen.append(await connection.fetchval("SELECT $1::int", i))
        await interleave(connection)
    return seen


@scenario
async def a_cached_statement_whose_table_changed_is_refused_and_prepared_again():
    connection, seen = await connect(), []
    await connection.execute("CREATE TABLE changing (a int)")
    try:
        for change in (None, "ALTER TABLE changing ADD b text", None, "ALTER TABLE changing ALTER a TYPE text"):
            if change:
                await connection.execute(change)
            for _ in range(2):
                try:
                    seen.append([tuple(row) for row in await connection.fetch("SELECT * FROM changing")])
                except asyncpg.PostgresError as error:
                    seen.append(fields(error))
    finally:
        await connection.execute("DROP TABLE changing")
    return seen


@scenario
async def executemany_is_one_transaction():
    connection, seen = await connect(), []
    await connection.executemany("INSERT INTO written (what, amount) VALUES ($1, $2)", [(f"m{i}", i) for i in range(300)])
    await interleave(connection)
    try:
        await connection.executemany("INSERT INTO written (amount) VALUES ($1)", [(i,) for i in (5, 4, -1, 3)])
    except asyncpg.PostgresError as error:
        seen.append(error.sqlstate)
    seen.append(tuple(await connection.fetchrow("SELECT count(*), sum(amount) FROM written")))
    await connection.execute("TRUNCATE written RESTART IDENTITY")
    return seen


@scenario
async def cursors_fetch_in_steps():
    connection, seen = await connect(), []
    async with connection.transaction():
        cursor = await connection.cursor(NUMBERS)
        seen.append([tuple(row) for row in await cursor.fetch(5)])
        seen.append(await cursor.forward(10))
        seen.append(tuple(await cursor.fetchrow()))
        seen.append(len(await cursor.fetch(1000)))
        seen.append([tuple(row) async for row in connection.cursor(NUMBERS, prefetch=50)][-1])
        statement = await connection.prepare("SELECT name FROM customers WHERE id < $1 ORDER BY id")
        seen.append([row["name"] async for row in statement.cursor(4)])
    await interleave(connection)
    return seen


@scenario
async def two_cursors_take_turns():
    connection, seen = await connect(), []
    async with connection.transaction():
        one, two = await connection.cursor(NUMBERS), await connection.cursor("SELECT name FROM customers ORDER BY id")
        for _ in range(4):
            seen.append(([tuple(r) for r in await one.fetch(2)], [tuple(r) for r in await two.fetch(3)]))
    return seen


@scenario
async def a_cursor_outside_a_transaction_is_refused_by_the_driver():
    connection = await connect()
    try:
        await connection.cursor("SELECT 1")
    except asyncpg.NoActiveSQLTransactionError as error:
        return str(error)


@scenario(over=["text", "csv", "binary"])
async def copy_both_ways(format_):
    connection, out = await connect(), io.BytesIO()
    seen = [await connection.copy_from_query("SELECT 'row ' || i, i FROM generate_series(1, $1::int) AS i", 2000, output=out, format=format_)]
    await interleave(connection)
    out.seek(0)
    seen.append(await connection.copy_to_table("written", source=out, columns=["what", "amount"], format=format_))
    await interleave(connection)
    seen.append(await connection.fetchval("SELECT sum(amount) FROM written"))
    await connection.execute("TRUNCATE written RESTART IDENTITY")
    return seen, out.getvalue()


@scenario
async def copy_of_records():
    connection = await connect()
    seen = [await connection.copy_records_to_table("written", records=[(f"r{i}", i) for i in range(500)], columns=["what", "amount"])]
    try:
        await connection.copy_records_to_table("written", records=[("r0", -5)], columns=["what", "amount"])
    except asyncpg.PostgresError as error:
        seen.append((error.sqlstate, error.constraint_name))
    seen.append(await connection.fetchval("SELECT count(*) FROM written"))
    await connection.execute("TRUNCATE written RESTART IDENTITY")
    return seen


@scenario
async def listeners():
    listener, other, heard = await connect(), await connect(), []
    done = asyncio.Event()

    def hear(_connection, _pid, channel, payload):
        heard.append((channel, payload))
        if payload == "last":
            done.set()
    await listener.add_listener("news", hear)
    await interleave(listener)
    for payload in ("one", "two", "last"):
        await other.execute(f"NOTIFY news, '{payload}'")
        await interleave(other)
    await asyncio.wait_for(done.wait(), 20)
    await listener.remove_listener("news", hear)
    return heard, await listener.fetchval("SELECT count(*) FROM pg_listening_channels()")


@scenario
async def introspection_finds_the_types():
    connection = await connect()
    await connection.execute("CREATE TYPE mood AS ENUM ('sad', 'happy')")
    try:
        await connection.execute("CREATE TYPE pair AS (a int, b mood, c numeric[])")
        await interleave(connection)
        row = await connection.fetchrow("SELECT 'happy'::mood, ROW(1, 'sad', '{1.5}')::pair, ARRAY[ROW(2, NULL, NULL)::pair], int4range(1, 5)")
        argument = await connection.fetchval("SELECT ($1::pair).b", (3, "happy", [1]))
        await connection.set_type_codec("mood", encoder=str, decoder=str.upper)
        decoded = await connection.fetchval("SELECT 'sad'::mood")
        return repr(row), argument, decoded
    finally:
        await connection.execute("DROP TYPE IF EXISTS pair; DROP TYPE mood")


@scenario
async def a_timeout_cancels_the_statement():
    connection = await connect()
    seen = []
    for _ in range(2):
        try:
            await connection.fetch("SELECT pg_sleep(60)", timeout=0.2)
        except asyncio.TimeoutError:
            seen.append("timed out")
        seen.append(await connection.fetchval("SELECT 'goes on'"))
        await interleave(connection)
    return seen


@scenario
async def reset_takes_everything_back():
    connection = await connect(server_settings={"TimeZone": "Africa/Cairo"})
    await connection.execute("SET TimeZone = 'UTC'; SET search_path = private, public")
    await connection.execute("SELECT pg_advisory_lock(99)")
    await connection.execute("LISTEN news")
    await connection.reset()
    await interleave(connection)
    return [await connection.fetchval(f"SHOW {name}") for name in ("TimeZone", "search_path")], await connection.fetchval(
        "SELECT (SELECT count(*) FROM pg_listening_channels()) + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 99)")


@scenario
async def a_pool_gives_each_borrower_a_clean_connection():
    async def work(number):
        async with pool.acquire() as connection:
            await interleave(connection)
            await connection.execute(f"SET application_name = 'borrower {number}'")
            await connection.execute("SET work_mem = '5MB'")
            return await connection.fetchval("SELECT $1::int", number)
    async with asyncpg.create_pool(min_size=2, max_size=6) as pool:
        answers = await asyncio.gather(*(work(number) for number in range(40)))
        async with pool.acquire() as connection:
            return answers, await connection.fetchval("SHOW work_mem"), await connection.fetchval("SHOW application_name")


@scenario
async def the_drivers_backend_pid_is_the_servers():
    connection = await connect()
    return connection.get_server_pid() == await connection.fetchval("SELECT pg_backend_pid()")


run(asyncio.new_event_loop().run_until_complete)
