// node-postgres through the proxy: prints one JSON object, promise -> true or what was seen instead.
// Connection by the usual PG* variables; "routed" as an argument adds the checks of routing.
const { Client, Pool } = require('pg');
const Cursor = require('pg-cursor');

const WHO = "current_setting('cluster_name')";
const ssl = process.env.PGSSLMODE === 'require' ? { rejectUnauthorized: false } : false;
const results = {};

async function check(promise, body) {
  try {
    const seen = await body();
    results[promise] = seen === undefined || seen === true ? true : seen;
  } catch (error) {
    results[promise] = `${error.code || ''} ${error.message}`;
  }
}

function equal(seen, wanted) {
  return JSON.stringify(seen) === JSON.stringify(wanted) || JSON.stringify(seen);
}

async function withClient(body) {
  const client = new Client({ ssl });
  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.end();
  }
}

async function errorOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('no error');
}

async function main() {
  await check('a simple query returns rows', () => withClient(async (client) =>
    equal((await client.query('SELECT id, name FROM customers ORDER BY id LIMIT 2')).rows,
      [{ id: 1, name: 'customer 1' }, { id: 2, name: 'customer 2' }])));

  await check('parameters go there and back', () => withClient(async (client) =>
    equal((await client.query('SELECT $1::text AS a, $2::int AS b, $3::text AS c', ['día', 42, null])).rows, [{ a: 'día', b: 42, c: null }])));

  await check('a named statement is used again', () => withClient(async (client) => {
    for (let i = 1; i <= 20; i++) {
      const { rows } = await client.query({ name: 'by id', text: 'SELECT name FROM customers WHERE id = $1', values: [i] });
      if (rows[0].name !== `customer ${i}`) return rows;
    }
  }));

  await check('several statements in one query give several results', () => withClient(async (client) =>
    equal((await client.query('SELECT 1 AS a; SELECT 2 AS a')).map((r) => r.rows[0].a), [1, 2])));

  await check('an error has its code and the connection goes on', () => withClient(async (client) => {
    const error = await errorOf(client.query('SELECT 1/0'));
    return equal([error.code, (await client.query('SELECT 1 AS a')).rows[0].a], ['22012', 1]);
  }));

  await check('a transaction is rolled back', () => withClient(async (client) => {
    await client.query('BEGIN');
    await client.query("INSERT INTO written (what) VALUES ('node')");
    await client.query('ROLLBACK');
    return equal((await client.query("SELECT count(*)::int AS n FROM written WHERE what = 'node'")).rows[0].n, 0);
  }));

  await check('queries queued without waiting are answered in order', () => withClient(async (client) => {
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => client.query('SELECT $1::int AS a', [i])));
    return equal(answers.map((r) => r.rows[0].a), Array.from({ length: 200 }, (_, i) => i));
  }));

  await check('a cursor reads in steps', () => withClient(async (client) => {
    const cursor = client.query(new Cursor('SELECT i FROM generate_series(1, 100) AS i'));
    const sizes = [];
    for (let rows = await cursor.read(30); rows.length; rows = await cursor.read(30)) sizes.push(rows.length);
    await cursor.close();
    return equal(sizes, [30, 30, 30, 10]);
  }));

  await check('many clients share a pool', async () => {
    const pool = new Pool({ ssl, max: 10 });
    try {
      const answers = await Promise.all(Array.from({ length: 300 }, (_, i) =>
        pool.query({ name: `plus ${i % 7}`, text: `SELECT $1::int + ${i % 7} AS a`, values: [i] })));
      return equal(answers.map((r, i) => r.rows[0].a - i - (i % 7)).filter((n) => n !== 0), []);
    } finally {
      await pool.end();
    }
  });

  await check('listen hears notify', () => withClient(async (listener) => {
    await listener.query('LISTEN node_news');
    const heard = new Promise((resolve) => listener.once('notification', (message) => resolve(message.payload)));
    await withClient((other) => other.query("SELECT pg_notify('node_news', 'hello')"));
    return equal(await heard, 'hello');
  }));

  await check('statement_timeout of the driver is honoured', async () => {
    const client = new Client({ ssl, statement_timeout: 200 });
    await client.connect();
    try {
      return equal((await errorOf(client.query('SELECT pg_sleep(60)'))).code, '57014');
    } finally {
      await client.end();
    }
  });

  if (process.argv.includes('routed')) {
    await check('statements run where the rules said', () => withClient(async (client) => {
      const seen = [];
      for (const table of ['customers', 'sales', 'events', 'customers']) {
        seen.push((await client.query(`SELECT ${WHO} AS who FROM ${table} WHERE id = $1`, [1])).rows[0].who);
      }
      return equal(seen, ['oltp', 'analytics', 'analytics', 'oltp']);
    }));
  }
  console.log(JSON.stringify(results));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
