// node-postgres for drivers/compare.py: simple, extended and named statements, cursors, streams, COPY, pools, notifications.
const { Client, Pool } = require('pg');
const Cursor = require('pg-cursor');
const QueryStream = require('pg-query-stream');
const copy = require('pg-copy-streams');
const { pipeline } = require('stream/promises');
const { Readable } = require('stream');
const statements = JSON.parse(require('fs').readFileSync(process.env.STATEMENTS));

const ssl = process.env.PGSSLMODE === 'require' ? { rejectUnauthorized: false } : false;
const routed = process.argv.includes('routed');
const WHO = "current_setting('cluster_name') AS who";

function errorOf(error) {
  const { code, message, severity, detail, hint, position, internalPosition, internalQuery, where, schema, table, column, dataType,
    constraint, file, line, routine } = error;
  return { code, message, severity, detail, hint, position, internalPosition, internalQuery, where, schema, table, column, dataType,
    constraint, file, line, routine };
}

function lookAt(result) {
  return Array.isArray(result) ? result.map(lookAt)
    : { command: result.command, count: result.rowCount, rows: result.rows,
      columns: result.fields.map((f) => [f.name, f.tableID > 16384, f.columnID, f.dataTypeID, f.dataTypeSize, f.dataTypeModifier, f.format]) };
}

async function attempt(promise) {
  try {
    return lookAt(await promise);
  } catch (error) {
    return errorOf(error);
  }
}

async function connected(body, options = {}) {
  const client = new Client({ ssl, ...options });
  client.told = {};
  client.statuses = [];
  client.connection.on('parameterStatus', ({ parameterName, parameterValue }) => { client.told[parameterName] = parameterValue; });
  client.connection.on('readyForQuery', ({ status }) => client.statuses.push(status));
  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.end();
  }
}

// A statement on a table of the other cluster; without routing, one like it.
async function elsewhere(client) {
  const { rows } = await client.query(`SELECT ${WHO} FROM public.${routed ? 'sales' : 'customers'} LIMIT 1`);
  if (rows[0].who !== (routed ? 'analytics' : 'oltp')) throw new Error(`ran on ${rows[0].who}`);
}

async function scenario(name, body, options) {
  let seen;
  try {
    seen = await connected(async (client) => {
      client.on('error', () => {});
      await client.query('TRUNCATE written RESTART IDENTITY');
      await elsewhere(client);
      return body(client);
    }, options);
  } catch (error) {
    seen = errorOf(error);
  }
  console.log(JSON.stringify({ scenario: name, seen }));
}

const WAYS = {
  simple: (client, sql) => client.query({ text: sql, rowMode: 'array' }),
  extended: (client, sql) => client.query({ text: sql, rowMode: 'array', queryMode: 'extended' }),
  named: (client, sql, name) => client.query({ text: sql, rowMode: 'array', name }),
};

async function everyStatement(client, way) {
  const seen = {};
  client.on('notice', (notice) => { seen[`notice ${Object.keys(seen).length}`] = errorOf(notice); });
  for (const [group, some] of Object.entries(statements)) {
    for (const [name, sql] of Object.entries(some)) {
      seen[`${group}, ${name}`] = await attempt(WAYS[way](client, sql, `${group} ${name}`));
      if (way === 'named') seen[`${group}, ${name}, again`] = await attempt(WAYS[way](client, sql, `${group} ${name}`));
      await elsewhere(client);
    }
  }
  return seen;
}

async function transactions(client) {
  const seen = [];
  for (const sql of ['BEGIN', "INSERT INTO written (what) VALUES ('a')", 'SAVEPOINT s', 'SELECT 1/0', 'SELECT 1', 'ROLLBACK TO s', 'SELECT 2 AS two',
    'COMMIT', 'SELECT what FROM written', 'BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY', 'DELETE FROM written', 'COMMIT', 'ROLLBACK']) {
    seen.push(await attempt(client.query(sql)));
  }
  return [...seen, ...client.statuses];
}

async function told(client) {
  const seen = [{ ...client.told }];
  for (const sql of ["SET TimeZone = 'Asia/Tokyo'", "BEGIN; SET DateStyle = 'SQL, DMY'", 'ROLLBACK', "SELECT set_config('IntervalStyle', 'iso_8601', false)",
    "SET application_name = 'told'", 'RESET ALL', 'DISCARD ALL']) {
    await client.query(sql);
    seen.push({ ...client.told });
    if (client.statuses.at(-1) === 'I') await elsewhere(client);
  }
  return seen;
}

async function queued(client) {
  const queries = [];
  for (let i = 0; i < 100; i++) {
    queries.push(attempt(client.query('SELECT $1::int AS a, $2::text AS b', [i, `x${i}`])));
    if (i % 10 === 3) queries.push(attempt(client.query('SELECT 1/($1::int - 3) AS c', [3])));
    if (i % 10 === 5) queries.push(elsewhere(client).then(() => 'elsewhere'));
    if (i % 10 === 7) queries.push(attempt(client.query({ name: `n${i % 20}`, text: `SELECT ${i % 20} + $1::int AS d`, values: [i] })));
  }
  return Promise.all(queries);
}

async function parameters(client) {
  const seen = [];
  for (const value of [true, 42, 1.5, 'día ☃', null, Buffer.from([0, 255, 10]), [1, null, 3], ['a', 'b "c"', null], { a: [1] }, new Date(0)]) {
    seen.push(await attempt(client.query('SELECT $1::text AS text, pg_typeof($1) AS type', [value])));
  }
  seen.push(await attempt(client.query({ text: 'SELECT * FROM every_type', binary: true })));
  seen.push(await attempt(client.query('SELECT count(*) FROM customers WHERE id = ANY ($1)', [Array.from({ length: 3000 }, (_, i) => i)])));
  seen.push(await attempt(client.query('SELECT $1::int', [])));
  seen.push(await attempt(client.query({ name: 'same', text: 'SELECT 1 AS a' })));
  seen.push(await attempt(client.query({ name: 'same', text: 'SELECT 2 AS a' })));
  return seen;
}

async function cursors(client) {
  const seen = [];
  const cursor = client.query(new Cursor('SELECT i FROM generate_series(1, $1::int) AS i', [100]));
  for (let rows = await cursor.read(30); rows.length; rows = await cursor.read(30)) seen.push(rows.length);
  await elsewhere(client);
  const left = client.query(new Cursor('SELECT id, name FROM customers ORDER BY id'));
  seen.push(await left.read(2));
  await left.close();
  const failing = client.query(new Cursor('SELECT 1/(5 - i) AS a FROM generate_series(1, 10) AS i'));
  seen.push(await failing.read(100).catch(errorOf));
  await client.query('BEGIN');
  const inside = client.query(new Cursor('SELECT i FROM generate_series(1, 50) AS i'));
  seen.push((await inside.read(7)).length);
  await inside.close();
  seen.push(await attempt(client.query('COMMIT')));
  let sum = 0;
  for await (const row of client.query(new QueryStream('SELECT i FROM generate_series(1, 5000) AS i', [], { batchSize: 77 }))) sum += row.i;
  seen.push(sum);
  return seen;
}

async function copies(client) {
  const seen = [];
  const rows = Array.from({ length: 3000 }, (_, i) => `row ${i} ${'x'.repeat(300)}\t${i}\n`);
  for (const data of [['a\t1\n', 'b\t2\n'], rows, ['a\tone\n'], ['c\t-1\n']]) {
    const target = client.query(copy.from('COPY written (what, amount) FROM STDIN'));
    seen.push(await pipeline(Readable.from(data), target).then(() => target.rowCount, errorOf));
    seen.push((await client.query('SELECT count(*), sum(amount) FROM written')).rows);
    await client.query('DELETE FROM written');
    await elsewhere(client);
  }
  for (const sql of ['COPY (SELECT id, name FROM customers ORDER BY id) TO STDOUT', 'COPY (SELECT 1/(50 - i) FROM generate_series(1, 90) AS i) TO STDOUT']) {
    let size = 0;
    try {
      for await (const chunk of client.query(copy.to(sql))) size += chunk.length;
    } catch (error) {
      seen.push(errorOf(error));
      size = 'failed';
    }
    seen.push(size);
  }
  seen.push(await attempt(client.query('SELECT 1 AS a')));
  return seen;
}

async function pools() {
  const pool = new Pool({ ssl, max: 10 });
  try {
    return await Promise.all(Array.from({ length: 200 }, async (_, i) => {
      if (i % 3) return (await pool.query({ name: `plus ${i % 7}`, text: `SELECT $1::int + ${i % 7} AS a`, values: [i] })).rows[0].a;
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        await client.query('INSERT INTO written (what, amount) VALUES ($1, $2)', [`pool ${i}`, i]);
        const seen = (await client.query('SELECT amount FROM written WHERE what = $1', [`pool ${i}`])).rows[0].amount;
        await client.query('ROLLBACK');
        return seen;
      } finally {
        client.release();
      }
    }));
  } finally {
    await pool.end();
  }
}

async function notifications(client) {
  const heard = [];
  let done;
  const last = new Promise((resolve) => { done = resolve; });
  client.on('notification', ({ channel, payload }) => {
    heard.push([channel, payload]);
    if (payload === 'last') done();
  });
  await client.query('LISTEN news');
  await elsewhere(client);
  await connected(async (other) => {
    await other.query("NOTIFY news, 'one'");
    await other.query("BEGIN; NOTIFY news, 'lost'; ROLLBACK");
    await other.query('SELECT pg_notify($1, $2)', ['news', 'last']);
  });
  await last;
  await client.query('UNLISTEN *');
  return heard;
}

async function timeouts() {
  return connected(async (client) => [await attempt(client.query('SELECT pg_sleep(60)')), await attempt(client.query('SHOW statement_timeout')),
    await attempt(client.query('SHOW application_name')), await attempt(client.query('SHOW idle_in_transaction_session_timeout')),
    await attempt(client.query('SHOW lock_timeout'))],
  { statement_timeout: 100, application_name: 'día "x"', idle_in_transaction_session_timeout: 77000, lock_timeout: 5000, options: '-c work_mem=3MB' });
}

async function routes(client) {
  const who = async (table) => (await client.query(`SELECT ${WHO} FROM ${table} WHERE id = $1`, [1])).rows[0].who;
  const seen = [];
  for (let i = 0; i < 20; i++) seen.push(who(['customers', 'sales', 'events'][i % 3]));
  const wrong = (await Promise.all(seen)).filter((name, i) => name !== ['oltp', 'analytics', 'analytics'][i % 3]);
  const mixed = (await client.query(`SELECT ${WHO} FROM sales LIMIT 1; SELECT ${WHO} FROM customers LIMIT 1`)).map((r) => r.rows[0].who);
  const cursor = client.query(new Cursor('SELECT id FROM sales ORDER BY id'));
  const some = await cursor.read(3);
  await cursor.close();
  await client.query('BEGIN');
  const inside = [await who('sales'), (await client.query(`SELECT ${WHO}`)).rows[0].who];
  await client.query('COMMIT');
  return wrong.length === 0 && mixed.join() === 'analytics,oltp' && some.length === 3 && inside.join() === 'analytics,analytics' || [wrong, mixed, some, inside];
}

async function main() {
  for (const way of Object.keys(WAYS)) await scenario(`statements, ${way}`, (client) => everyStatement(client, way));
  await scenario('transactions', transactions);
  await scenario('what the server tells of its settings', told);
  await scenario('queries queued without waiting', queued);
  await scenario('parameters', parameters);
  await scenario('cursors and streams', cursors);
  await scenario('copy streams', copies);
  await scenario('pool', pools);
  await scenario('notifications', notifications);
  await scenario('settings of the client', timeouts);
  await scenario('prepared statements outlive DISCARD', async (client) => {
    const by = (id) => attempt(client.query({ name: 'by id', text: 'SELECT name FROM customers WHERE id = $1', values: [id] }));
    return [await by(1), await by(2), await attempt(client.query('DISCARD PLANS')), await by(3)];
  });
  await scenario('several strings in a pipeline of transactions', (client) => Promise.all(
    ['BEGIN', "INSERT INTO written (what) VALUES ('p')", 'COMMIT', 'BEGIN', 'SELECT 1/0', 'COMMIT', 'SELECT what FROM written'].map((sql) => attempt(client.query(sql)))));
  if (routed) await scenario('routed', routes);
}

main();
