"""psycopg 3: pipelines, and the same driver asynchronously."""
import asyncio

import psycopg
from psycopg import pq

from psycopg_seen import connect, fields, interleave, result, status
from scenario import ROUTED, ROUTED_QUERY, routed_to, run, scenario


def outcome(cursor):
    """What a pipelined statement came to: its result, or the status that says why it has none."""
    raw = cursor.pgresult
    return None if raw is None else result(raw) if raw.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK) else raw.status


def count(connection):
    rows = connection.execute("SELECT what FROM written ORDER BY what").fetchall()
    connection.execute("DELETE FROM written")
    return rows


@scenario(over=["unprepared", "prepared", "binary"])
def a_pipeline_answers_in_order(how):
    with connect() as connection:
        with connection.pipeline():
            cursors = []
            for i in range(300):
                cursor = connection.cursor(binary=how == "binary")
                cursors.append(cursor.execute("SELECT %s::int, name FROM customers WHERE id = %s", [i, 1 + i], prepare=how == "prepared"))
            seen = [cursor.fetchone() for cursor in cursors]
        interleave(connection)
        return seen, status(connection)


@scenario
def tags_and_columns_in_a_pipeline():
    statements = ("CREATE TEMP TABLE p (a int, b text)", "INSERT INTO p VALUES (1, 'a'), (2, 'b') RETURNING b", "UPDATE p SET a = a + 1",
                  "SELECT a AS first, b FROM p ORDER BY 1", "DELETE FROM p", "SET TimeZone = 'Asia/Kathmandu'", "SHOW TimeZone", "DROP TABLE p")
    with connect() as connection:
        with connection.pipeline():
            cursors = [connection.execute(sql) for sql in statements]
        seen = [outcome(cursor) for cursor in cursors]
        for one in seen:  # the oid of the temporary table
            one["columns"] = [column[:4] + column[5:] for column in one["columns"]]
        return seen, connection.info.parameter_status("TimeZone")


@scenario
def an_error_in_a_pipeline_takes_everything_up_to_the_sync():
    with connect() as connection:
        skipped, after = None, None
        try:
            with connection.pipeline() as pipeline:
                connection.execute("INSERT INTO written (what) VALUES ('before')")
                connection.execute("SELECT 1/0")
                skipped = connection.execute("INSERT INTO written (what) VALUES ('skipped')")
                pipeline.sync()
        except psycopg.Error as error:
            after = fields(error.diag)
        aborted = skipped is None or skipped.pgresult is None or skipped.pgresult.status == pq.ExecStatus.PIPELINE_ABORTED
        return aborted, after, status(connection), count(connection)


@scenario
def what_was_synced_before_an_error_is_kept():
    with connect() as connection:
        try:
            with connection.pipeline() as pipeline:
                connection.execute("INSERT INTO written (what) VALUES ('kept')")
                pipeline.sync()
                connection.execute("INSERT INTO written (what) VALUES ('lost')")
                connection.execute("SELECT no_such_column")
                pipeline.sync()
        except psycopg.Error as error:
            failed = fields(error.diag)
        return failed, count(connection)


@scenario
def a_pipeline_goes_on_behind_its_error():
    with connect() as connection:
        seen = []
        with connection.pipeline() as pipeline:
            try:
                connection.execute("SELECT 1/0")
                pipeline.sync()
            except psycopg.Error as error:
                seen.append(fields(error.diag))
            seen.append(connection.execute("SELECT 'goes on'").fetchone())
        return seen


@scenario
def a_pipeline_in_a_transaction_is_one_transaction():
    with connect(autocommit=False) as connection:
        with connection.pipeline():
            for i in range(20):
                connection.execute("INSERT INTO written (amount) VALUES (%s)", [i])
            inside = connection.execute("SELECT count(*), sum(amount) FROM written").fetchone()
        before = status(connection)
        connection.rollback()
        interleave(connection)
        return inside, before, connection.execute("SELECT count(*) FROM written").fetchone()


@scenario
def transaction_blocks_in_a_pipeline():
    with connect() as connection:
        failures = []
        with connection.pipeline():
            with connection.transaction():
                connection.execute("INSERT INTO written (what) VALUES ('first')")
            try:
                with connection.transaction():
                    connection.execute("INSERT INTO written (what) VALUES ('second')")
                    connection.execute("SELECT 1/0").fetchone()
            except psycopg.Error as error:
                failures.append(fields(error.diag))
            with connection.transaction():
                with connection.transaction():
                    connection.execute("INSERT INTO written (what) VALUES ('third')")
        return failures, status(connection), count(connection)


@scenario
def a_pipeline_of_executemany():
    with connect() as connection:
        with connection.pipeline():
            cursor = connection.cursor()
            cursor.executemany("INSERT INTO written (what) VALUES (%s) RETURNING what", [(f"p{i}",) for i in range(30)], returning=True)
            seen = [cursor.fetchone()]
            while cursor.nextset():
                seen.append(cursor.fetchone())
        return seen, len(count(connection))


@scenario
def megabytes_both_ways_in_one_pipeline():
    with connect() as connection:
        with connection.pipeline():
            cursors = [connection.execute("SELECT %s::text", ["x" * 200_000]) for _ in range(40)]
            return sum(len(cursor.fetchone()[0]) for cursor in cursors)


@scenario
def a_pipeline_of_statements_for_one_route_behind_another():
    """In each pipeline the statements belong to one route; through the proxy every second pipeline to the other one."""
    with connect() as connection:
        seen = []
        for round_ in range(10):
            with connection.pipeline():
                cursors = [connection.execute("SELECT %s::int, %s::int", [round_, i]) for i in range(5)]
            seen.append([cursor.fetchone() for cursor in cursors])
            if ROUTED:
                with connection.pipeline():
                    routed = [connection.execute(ROUTED_QUERY) for _ in range(5)]
                for cursor in routed:
                    routed_to(cursor.fetchone()[0])
        return seen


def routed_pipelines():
    """One pipeline, statements of both routes in turn: answers in order, each from its own cluster."""
    with connect() as connection:
        for synced in (True, False):
            with connection.pipeline() as pipeline:
                cursors = []
                for i in range(20):
                    sql = ROUTED_QUERY if i % 2 else "SELECT current_setting('cluster_name') FROM customers LIMIT 1"
                    cursors.append(connection.execute(sql))
                    if synced:
                        pipeline.sync()
            names = [cursor.fetchone()[0] for cursor in cursors]
            if names != ["oltp", "analytics"] * 10:
                return names
    return True


if ROUTED:
    scenario(routed_pipelines)


async def connect_async(autocommit=True, **more):
    connection = await psycopg.AsyncConnection.connect("", autocommit=autocommit, **more)
    await interleave_async(connection)
    return connection


async def interleave_async(connection):
    if ROUTED and status(connection) == "IDLE":
        cursor = await connection.execute(ROUTED_QUERY, prepare=False)
        routed_to((await cursor.fetchone())[0])
        await connection.commit()


@scenario
async def async_statements_on_many_connections_at_once():
    async def work(number):
        connection = await connect_async()
        async with connection:
            seen = []
            for i in range(10):
                cursor = await connection.execute("SELECT %s::int, %s::int, name FROM customers WHERE id = %s", [number, i, 1 + i], prepare=True)
                seen.append(await cursor.fetchall())
                await interleave_async(connection)
            return seen
    return await asyncio.gather(*(work(number) for number in range(12)))


@scenario
async def async_transactions_and_errors():
    connection = await connect_async(autocommit=False)
    async with connection:
        seen = []
        for sql in ("SELECT 1", "SELECT 1/0", "SELEC", "SELECT * FROM no_such_table"):
            try:
                async with connection.transaction():
                    await connection.execute("INSERT INTO written (what) VALUES ('a')")
                    cursor = await connection.execute(sql)
                    seen.append(result(cursor.pgresult))
                    raise psycopg.Rollback()
            except psycopg.Error as error:
                seen.append((fields(error.diag), status(connection)))
            await interleave_async(connection)
        return seen


@scenario
async def async_cursors_copy_and_streams():
    connection = await connect_async(autocommit=False)
    async with connection:
        seen = []
        async with connection.cursor(name="steps") as cursor:
            await cursor.execute("SELECT i FROM generate_series(1, 100) AS i")
            seen.append([row async for row in cursor])
        await connection.commit()
        async with connection.cursor().copy("COPY written (what, amount) FROM STDIN") as copy:
            for i in range(200):
                await copy.write_row((f"a{i}", i))
        async with connection.cursor().copy("COPY (SELECT what, amount FROM written ORDER BY amount) TO STDOUT") as copy:
            seen.append([row async for row in copy.rows()])
        await connection.rollback()
        await interleave_async(connection)
        seen.append([row async for row in connection.cursor().stream("SELECT i FROM generate_series(1, 50) AS i")])
        return seen


@scenario
async def async_notifications():
    listener, other = await connect_async(), await connect_async()
    async with listener, other:
        await listener.execute("LISTEN news")
        await interleave_async(listener)
        seen = []

        async def hear():
            async for notify in listener.notifies():
                seen.append((notify.channel, notify.payload))
                if notify.payload == "last":
                    return
        task = asyncio.create_task(hear())
        for payload in ("one", "two", "last"):
            await other.execute("SELECT pg_notify('news', %s)", [payload])
            await interleave_async(other)
        await asyncio.wait_for(task, 20)
        return seen


@scenario
async def async_cancel_by_a_cancelled_task():
    connection, other = await connect_async(), await connect_async()
    async with connection, other:
        task = asyncio.create_task(connection.execute("SELECT pg_sleep(60) /* async_is_cancelled */"))
        running = None
        while not running:
            cursor = await other.execute("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%async_is_cancelled%' AND state = 'active'"
                                         " AND pid <> pg_backend_pid()")
            running = await cursor.fetchone()
        connection.cancel()
        try:
            await task
        except psycopg.Error as error:
            cursor = await connection.execute("SELECT 'goes on'")
            return fields(error.diag), status(connection), await cursor.fetchone()


@scenario
async def async_pipelines():
    connection = await connect_async()
    async with connection:
        async with connection.pipeline():
            cursors = [await connection.execute("SELECT %s::int", [i]) for i in range(100)]
            seen = [await cursor.fetchone() for cursor in cursors]
        await interleave_async(connection)
        return seen, status(connection)


loop = asyncio.new_event_loop()
run(loop.run_until_complete)
