// pg-cursor: rows by Execute with a limit and Flush, two cursors on two connections, one closed before its end. Prints what it read.
'use strict';
const { Client } = require('pg');
const Cursor = require('pg-cursor');

async function main() {
  const client = new Client({ connectionString: process.argv[2] });
  await client.connect();
  const print = (rows) => console.log(JSON.stringify(rows));
  await client.query('BEGIN');
  let cursor = client.query(new Cursor('SELECT id, price FROM sales WHERE id < $1 ORDER BY id', [250]));
  for (let rows = await cursor.read(40); rows.length > 0; rows = await cursor.read(40)) print(rows);
  await cursor.close();
  cursor = client.query(new Cursor('SELECT id FROM sales ORDER BY id'));
  print(await cursor.read(1));
  print(await cursor.read(3));
  await cursor.close();
  print((await client.query('SELECT count(*) AS n FROM events')).rows);
  await client.query('COMMIT');
  cursor = client.query(new Cursor('SELECT name FROM events ORDER BY id'));
  print(await cursor.read(2));
  print(await cursor.read(1000));
  await cursor.close();
  await client.end();
}

main().catch((error) => {
  console.log(String(error));
  process.exit(1);
});
