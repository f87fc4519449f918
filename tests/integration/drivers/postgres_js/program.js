// postgres.js for drivers/compare.py: pipelining, prepared or not, simple(), describe(), cursors, transactions, listen.
import { readFileSync, writeSync } from 'node:fs';
import postgres from 'postgres';

const statements = JSON.parse(readFileSync(process.env.STATEMENTS));
const ssl = process.env.PGSSLMODE === 'require' ? { rejectUnauthorized: false } : false;
const routed = process.argv.includes('routed');

// Whole lines, also into a full pipe: the program ends by process.exit, for the driver keeps the connection of listen().
function print(record) {
  let rest = Buffer.from(`${JSON.stringify(record)}\n`);
  while (rest.length) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

function errorOf(error) {
  const fields = ['code', 'message', 'severity', 'detail', 'hint', 'position', 'internal_position', 'internal_query', 'where', 'schema_name',
    'table_name', 'column_name', 'type_name', 'data_type_name', 'constraint_name', 'file', 'line', 'routine'];
  return Object.fromEntries(fields.map((field) => [field, error[field]]).filter(([, value]) => value !== undefined));
}

function lookAt(result) {
  if (Array.isArray(result) && result.command === undefined && result.length && Array.isArray(result[0])) return result.map(lookAt);
  return { command: result.command, count: result.count, rows: result.string === undefined ? [...result] : result.types, state: result.state?.status,
    columns: result.columns?.map(({ name, type, number, table }) => [name, type, number, table > 16384]) };
}

const attempt = (query) => query.then(lookAt, errorOf);

async function elsewhere(sql) {
  const [{ who }] = await sql`SELECT current_setting('cluster_name') AS who FROM public.${sql(routed ? 'sales' : 'customers')} LIMIT 1`;
  if (who !== (routed ? 'analytics' : 'oltp')) throw new Error(`ran on ${who}`);
}

async function scenario(name, body, options = {}) {
  const notices = [];
  const sql = postgres({ ssl, max: 1, onnotice: (notice) => notices.push({ ...notice }), ...options });
  let seen;
  try {
    await sql`TRUNCATE written RESTART IDENTITY`;
    await elsewhere(sql);
    seen = await body(sql);
    if (seen !== true) seen = [seen, notices];
  } catch (error) {
    seen = [errorOf(error), error.stack?.includes('Error: ran on')];
  }
  await sql.end({ timeout: 1 });
  print({ scenario: name, seen });
}

async function everyStatement(sql, run) {
  const seen = {};
  for (const [group, some] of Object.entries(statements)) {
    for (const [name, text] of Object.entries(some)) {
      // The driver refuses transactions that it did not begin.
      if (/BEGIN;/.test(text)) continue;
      seen[`${group}, ${name}`] = await attempt(run(text));
      seen[`${group}, ${name}, again`] = await attempt(run(text));
    }
    await elsewhere(sql);
  }
  return seen;
}

async function pipelined(sql) {
  const queries = [];
  for (let i = 0; i < 300; i++) {
    queries.push(attempt(sql`SELECT ${i}::int AS a, ${`x${i}`}::text AS b`));
    if (i % 10 === 3) queries.push(attempt(sql`SELECT 1/(${3}::int - 3) AS c`));
    if (i % 10 === 5) queries.push(elsewhere(sql).then(() => 'elsewhere'));
    if (i % 10 === 7) queries.push(attempt(sql.unsafe(`SELECT ${i} AS d; SELECT ${i} AS e`)));
  }
  return Promise.all(queries);
}

async function parameters(sql) {
  const seen = [];
  for (const value of [true, 42, 1.5, 'día ☃', null, Buffer.from([0, 255, 10]), new Date(0)]) seen.push(await attempt(sql`SELECT ${value} AS a`));
  seen.push(await attempt(sql`SELECT ${sql.array([1, 2, 3])}::int[] AS a, ${sql.json({ a: [1] })} AS j`));
  seen.push(await attempt(sql`SELECT * FROM every_type`));
  seen.push(await attempt(sql`INSERT INTO written ${sql([{ what: 'a', amount: 1 }, { what: 'b', amount: 2 }], 'what', 'amount')} RETURNING *`));
  seen.push(await attempt(sql`SELECT name FROM customers WHERE id IN ${sql([1, 2, 3])}`));
  return seen;
}

async function transactions(sql) {
  const seen = [];
  seen.push(await sql.begin(async (tx) => {
    await tx`INSERT INTO written (what) VALUES ('kept')`;
    await tx.savepoint('inner', async (inner) => {
      await inner`INSERT INTO written (what) VALUES ('lost')`;
      await inner`SELECT 1/0`;
    }).catch((error) => seen.push(errorOf(error)));
    return lookAt(await tx`SELECT what FROM written`);
  }));
  seen.push(await sql.begin('read only', (tx) => tx`DELETE FROM written`).catch(errorOf));
  seen.push(await sql.begin((tx) => [tx`SELECT 1 AS a`, tx`INSERT INTO written (what) VALUES ('two') RETURNING what`, tx`SELECT 2 AS b`]).then((all) => all.map(lookAt)));
  seen.push(await sql.begin((tx) => [tx`DELETE FROM written`, tx`SELECT 1/0`, tx`SELECT 2 AS b`]).catch(errorOf));
  await elsewhere(sql);
  seen.push(await attempt(sql`SELECT what FROM written ORDER BY id`));
  return seen;
}

async function cursors(sql) {
  const seen = [];
  for await (const rows of sql`SELECT i FROM generate_series(1, 100) AS i`.cursor(30)) seen.push(rows.length);
  await elsewhere(sql);
  await sql`SELECT id FROM customers ORDER BY id`.cursor(10, (rows) => { seen.push(rows.length); return seen.length > 6 ? sql.CLOSE : undefined; });
  seen.push(await attempt(sql`SELECT 1 AS a`));
  seen.push(await sql`SELECT 1/(20 - i) AS a FROM generate_series(1, 50) AS i`.cursor(7, (rows) => { seen.push(rows.length); }).catch(errorOf));
  let sum = 0;
  await sql`SELECT i FROM generate_series(1, 3000) AS i`.forEach((row) => { sum += row.i; });
  seen.push(sum);
  return seen;
}

async function notifications(sql) {
  const heard = [];
  let done;
  const last = new Promise((resolve) => { done = resolve; });
  await sql.listen('news', (payload) => {
    heard.push(payload);
    if (payload === 'last') done();
  });
  await sql.notify('news', 'one');
  await elsewhere(sql);
  await sql.notify('news', 'last');
  await last;
  return heard;
}

async function cancelled(sql) {
  const slow = sql`SELECT pg_sleep(60)`;
  const watcher = postgres({ ssl, max: 1 });
  const done = attempt(slow);
  for (let active = 0; active !== 1;) {
    [{ active }] = await watcher`SELECT count(*)::int AS active FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'`;
  }
  slow.cancel();
  const seen = [await done, await attempt(sql`SELECT 1 AS a`)];
  await watcher.end();
  return seen;
}

async function routes(sql) {
  const who = (table, id) => sql`SELECT current_setting('cluster_name') AS who FROM ${sql(table)} WHERE id = ${id}`.then(([row]) => row.who);
  const tables = ['customers', 'sales', 'events'];
  const seen = await Promise.all(Array.from({ length: 60 }, (_, i) => who(tables[i % 3], 1 + i)));
  const inside = await sql.begin(async (tx) => (await Promise.all([tx`SELECT current_setting('cluster_name') AS who FROM sales LIMIT 1`,
    tx`SELECT current_setting('cluster_name') AS who`])).map(([row]) => row.who));
  const wrong = seen.filter((name, i) => name !== (i % 3 ? 'analytics' : 'oltp'));
  return wrong.length === 0 && inside.join() === 'analytics,analytics' || [wrong, inside];
}

await scenario('statements prepared', (sql) => everyStatement(sql, (text) => sql.unsafe(text, [], { prepare: true })));
await scenario('statements simple', (sql) => everyStatement(sql, (text) => sql.unsafe(text).simple()));
await scenario('statements described', (sql) => everyStatement(sql, (text) => sql.unsafe(text).describe()));
await scenario('pipelined', pipelined);
await scenario('pipelined without names', pipelined, { prepare: false });
await scenario('pipelined over five connections', pipelined, { max: 5 });
await scenario('parameters', parameters);
await scenario('transactions', transactions);
await scenario('cursors', cursors);
await scenario('notifications', notifications);
await scenario('cancel', cancelled);
await scenario('settings of the connection', async (sql) => [await attempt(sql`SHOW search_path`), await attempt(sql`SHOW statement_timeout`),
  await attempt(sql`SHOW application_name`), sql.parameters.TimeZone],
{ connection: { application_name: 'mine', search_path: 'private,public', statement_timeout: 5000, TimeZone: 'Asia/Kathmandu' } });
if (routed) await scenario('routed', routes);
process.exit(0);
