<?php
// PHP's PDO for drivers/compare.py: emulated and native prepares, buffered or not, COPY, large objects, notifications, transactions.
error_reporting(E_ALL & ~E_DEPRECATED);
$statements = json_decode(file_get_contents(getenv('STATEMENTS')), true);
$routed = in_array('routed', $argv);

function connected(array $options = [], string $more = ''): PDO {
    $dsn = sprintf('pgsql:host=%s;port=%s;dbname=%s;sslmode=%s%s', getenv('PGHOST'), getenv('PGPORT'), getenv('PGDATABASE'), getenv('PGSSLMODE'), $more);
    return new PDO($dsn, getenv('PGUSER'), getenv('PGPASSWORD'), $options + [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
}

function look(PDOStatement $statement): array {
    $columns = [];
    for ($i = 0; $i < $statement->columnCount(); $i++) {
        $about = $statement->getColumnMeta($i);
        unset($about['pgsql:table_oid']);
        $columns[] = $about;
    }
    $rows = $statement->columnCount() ? $statement->fetchAll(PDO::FETCH_NUM) : [];
    array_walk_recursive($rows, function (&$value) { $value = is_resource($value) ? bin2hex(stream_get_contents($value)) : $value; });
    return ['count' => $statement->rowCount(), 'columns' => $columns, 'rows' => $rows];
}

function attempt(callable $body) {
    try {
        $seen = $body();
        return $seen instanceof PDOStatement ? look($seen) : $seen;
    } catch (PDOException $error) {
        return [$error->getMessage(), $error->errorInfo];
    }
}

function run(PDO $db, string $sql, array $values = []): PDOStatement {
    $statement = $db->prepare($sql);
    $statement->execute($values);
    return $statement;
}

/** A statement on a table of the other cluster; without routing, one like it. */
function elsewhere(PDO $db): void {
    global $routed;
    $who = $db->query("SELECT current_setting('cluster_name') FROM public." . ($routed ? 'sales' : 'customers') . ' LIMIT 1')->fetchColumn();
    if ($who !== ($routed ? 'analytics' : 'oltp')) {
        throw new RuntimeException("ran on $who");
    }
}

function scenario(string $name, callable $body, array $options = [], string $more = ''): void {
    try {
        $db = connected($options, $more);
        $db->exec('TRUNCATE written RESTART IDENTITY');
        elsewhere($db);
        $seen = $body($db);
    } catch (PDOException | RuntimeException $error) {
        $seen = 'threw: ' . $error->getMessage();
    }
    echo json_encode(['scenario' => $name, 'seen' => $seen], JSON_THROW_ON_ERROR | JSON_PARTIAL_OUTPUT_ON_ERROR), "\n";
}

function every_statement(PDO $db, callable $run): array {
    global $statements;
    $seen = [];
    foreach ($statements as $group => $some) {
        elsewhere($db);
        foreach ($some as $name => $sql) {
            if ($sql !== '') {
                $seen["$group, $name"] = attempt(fn () => $run($sql));
            }
        }
    }
    return $seen;
}

$modes = ['native' => [PDO::ATTR_EMULATE_PREPARES => false], 'emulated' => [PDO::ATTR_EMULATE_PREPARES => true],
    'not prepared' => [PDO::PGSQL_ATTR_DISABLE_PREPARES => true]];
foreach ($modes as $mode => $options) {
    scenario("statements, $mode", fn ($db) => every_statement($db, fn ($sql) => run($db, $sql)), $options);
    scenario("again and again, $mode", function ($db) {
        $statement = $db->prepare('SELECT name, ?::text FROM customers WHERE id = ?');
        $seen = [];
        for ($i = 1; $i <= 10; $i++) {
            $statement->execute(["x$i", $i]);
            $seen[] = $statement->fetchAll(PDO::FETCH_NUM);
            elsewhere($db);
        }
        return $seen;
    }, $options);
    scenario("parameters, $mode", function ($db) {
        $seen = [];
        foreach ([[42, PDO::PARAM_INT], ["d\u{ed}a \u{2603} 'q'", PDO::PARAM_STR], [null, PDO::PARAM_NULL], [true, PDO::PARAM_BOOL], ["\0\xff", PDO::PARAM_LOB]] as [$value, $type]) {
            $seen[] = attempt(function () use ($db, $value, $type) {
                $statement = $db->prepare('SELECT :a AS a, pg_typeof(:b) AS b');
                $statement->bindValue('a', $value, $type);
                $statement->bindValue('b', $value, $type);
                $statement->execute();
                return $statement;
            });
        }
        return [...$seen, attempt(fn () => run($db, 'SELECT ?::int', ['abc'])), attempt(fn () => run($db, 'SELECT ?::int', []))];
    }, $options);
    scenario("transactions, $mode", function ($db) {
        $seen = [];
        foreach (['rollBack', 'commit'] as $end) {
            $db->beginTransaction();
            run($db, 'INSERT INTO written (what, amount) VALUES (?, ?)', [$end, 1]);
            $db->exec('SAVEPOINT a');
            $seen[] = attempt(fn () => run($db, 'SELECT 1/?::int', [0]));
            $seen[] = attempt(fn () => run($db, 'SELECT 1'));
            $db->exec('ROLLBACK TO a');
            $seen[] = [$db->inTransaction(), $db->lastInsertId()];
            $db->$end();
            elsewhere($db);
            $seen[] = [$db->inTransaction(), attempt(fn () => run($db, 'SELECT * FROM written'))];
        }
        $db->beginTransaction();
        $seen[] = attempt(fn () => run($db, 'SELECT no_such_column'));
        $seen[] = attempt(fn () => $db->commit());
        return $seen;
    }, $options);
}
scenario('statements, exec', fn ($db) => every_statement($db, fn ($sql) => $db->exec($sql)));
scenario('statements, query', fn ($db) => every_statement($db, fn ($sql) => $db->query($sql)));
scenario('cursor', function ($db) {
    $db->beginTransaction();
    $statement = $db->prepare('SELECT id, name FROM customers WHERE id < ? ORDER BY id', [PDO::ATTR_CURSOR => PDO::CURSOR_SCROLL]);
    $statement->execute([50]);
    $seen = [$statement->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_LAST), $statement->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_PRIOR), $statement->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_ABS, 7)];
    $statement->closeCursor();
    $db->commit();
    return $seen;
});
scenario('copy', function ($db) {
    $seen = [];
    foreach ([["a\t1", "b\t2"], ["a\tone"], ["c\t-1"], array_map(fn ($i) => $i . str_repeat('x', 300) . "\t$i", range(1, 3000))] as $rows) {
        $seen[] = attempt(fn () => $db->pgsqlCopyFromArray('written', $rows, "\t", '\\\\N', 'what, amount'));
        elsewhere($db);
        $seen[] = $db->query('SELECT count(*), sum(amount) FROM written')->fetchAll(PDO::FETCH_NUM);
    }
    $out = $db->pgsqlCopyToArray('customers');
    return [...$seen, count($out), md5(implode($out)), attempt(fn () => $db->pgsqlCopyToArray('no_such_table'))];
});
scenario('large objects', function ($db) {
    $db->beginTransaction();
    $oid = $db->pgsqlLOBCreate();
    $object = $db->pgsqlLOBOpen($oid, 'w');
    fwrite($object, str_repeat('x', 10000));
    fseek($object, 5);
    fwrite($object, 'five');
    $object = null;
    $db->commit();
    elsewhere($db);
    $db->beginTransaction();
    $object = $db->pgsqlLOBOpen($oid, 'r');
    $seen = [substr(stream_get_contents($object), 0, 12), $db->pgsqlLOBUnlink($oid)];
    $object = null;
    $db->commit();
    return $seen;
});
scenario('notifications', function ($db) {
    $db->exec('LISTEN news');
    elsewhere($db);
    $other = connected();
    $other->exec("NOTIFY news, 'one'");
    $other->exec("NOTIFY news, 'last'");
    $heard = [];
    while (end($heard) !== 'last') {
        $heard[] = $db->pgsqlGetNotify(PDO::FETCH_NUM, 10000)[2];
    }
    return $heard;
});
scenario('settings', function ($db) {
    elsewhere($db);
    $seen = [];
    foreach (['SELECT 1', "SET work_mem = '5MB'", 'RESET work_mem', "SET DateStyle = 'ISO'", 'DISCARD ALL'] as $sql) {
        $db->exec($sql);
        $seen[] = $db->query("SELECT current_setting('work_mem'), '2024-02-29'::date, current_setting('application_name')")->fetch(PDO::FETCH_NUM);
    }
    return $seen;
}, [], ";application_name=mine;options='-c work_mem=3MB -c DateStyle=German'");
scenario('attributes of the connection', fn ($db) => [$db->getAttribute(PDO::ATTR_SERVER_VERSION), $db->getAttribute(PDO::ATTR_CONNECTION_STATUS),
    preg_replace('/PID: \d+/', 'PID', $db->getAttribute(PDO::ATTR_SERVER_INFO))]);
if ($routed) {
    scenario('routed', function ($db) {
        $seen = [];
        for ($i = 1; $i <= 30; $i++) {
            $table = ['customers', 'sales', 'events'][$i % 3];
            $seen[] = run($db, "SELECT current_setting('cluster_name') FROM $table WHERE id = ?", [$i])->fetchColumn();
        }
        $db->beginTransaction();
        $seen[] = run($db, 'SELECT count(*) FROM sales')->fetchColumn();
        $seen[] = run($db, "SELECT current_setting('cluster_name')")->fetchColumn();
        $db->commit();
        return $seen == [...array_merge(...array_fill(0, 10, ['analytics', 'analytics', 'oltp'])), 10000, 'analytics'] ?: $seen;
    });
}
