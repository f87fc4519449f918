// pgx v4 for drivers/compare.py: prepared, described and simple statements, batches, COPY, large objects, notifications, pools.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
)

var ctx = context.Background()
var routed = len(os.Args) > 1 && os.Args[1] == "routed"
var statements map[string]map[string]string
var notices = []*pgconn.Notice{} // of the scenario

func seenError(err error) interface{} {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return said
	}
	return err.Error()
}

// look reads all rows as they came.
func look(rows pgx.Rows, err error) interface{} {
	if err != nil {
		return seenError(err)
	}
	defer rows.Close()
	all := [][]string{}
	for rows.Next() {
		row := []string{}
		for _, value := range rows.RawValues() {
			row = append(row, fmt.Sprintf("%x", value))
		}
		all = append(all, row)
	}
	columns := [][]interface{}{}
	for _, field := range rows.FieldDescriptions() {
		columns = append(columns, []interface{}{string(field.Name), field.DataTypeOID, field.TypeModifier, field.DataTypeSize, field.Format, field.TableAttributeNumber})
	}
	if rows.Err() != nil {
		return []interface{}{seenError(rows.Err()), all, columns}
	}
	return []interface{}{string(rows.CommandTag()), all, columns}
}

// elsewhere runs a statement on a table of the other cluster; without routing, one like it.
func elsewhere(c *pgx.Conn) {
	table, wanted, who := "customers", "oltp", ""
	if routed {
		table, wanted = "sales", "analytics"
	}
	if err := c.QueryRow(ctx, "SELECT current_setting('cluster_name') FROM public."+table+" LIMIT 1").Scan(&who); err != nil || who != wanted {
		panic(fmt.Sprint("ran on ", who, err))
	}
}

func connect(change func(*pgx.ConnConfig)) *pgx.Conn {
	config, err := pgx.ParseConfig("")
	if err == nil {
		if change != nil {
			change(config)
		}
		config.OnNotice = func(_ *pgconn.PgConn, notice *pgconn.Notice) { notices = append(notices, notice) }
		var c *pgx.Conn
		if c, err = pgx.ConnectConfig(ctx, config); err == nil {
			return c
		}
	}
	panic(err)
}

func scenario(name string, change func(*pgx.ConnConfig), body func(*pgx.Conn) interface{}) {
	c := connect(change)
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "TRUNCATE public.written RESTART IDENTITY"); err != nil {
		panic(err)
	}
	elsewhere(c)
	notices = []*pgconn.Notice{}
	seen := body(c)
	if seen != true {
		seen = []interface{}{seen, notices}
	}
	line, err := json.Marshal(map[string]interface{}{"scenario": name, "seen": seen})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

// simple runs a string of statements by the simple protocol.
func simple(c *pgx.Conn, sql string) interface{} {
	results, err := c.PgConn().Exec(ctx, sql).ReadAll()
	seen := []interface{}{}
	for _, result := range results {
		seen = append(seen, string(result.CommandTag), fmt.Sprintf("%x", result.Rows))
		for _, field := range result.FieldDescriptions {
			seen = append(seen, string(field.Name), field.DataTypeOID, field.TypeModifier, field.DataTypeSize, field.Format, field.TableAttributeNumber)
		}
	}
	if err != nil {
		seen = append(seen, seenError(err))
	}
	return seen
}

func extended(c *pgx.Conn, sql string) interface{} { return look(c.Query(ctx, sql)) }

func everyStatement(c *pgx.Conn, run func(*pgx.Conn, string) interface{}) interface{} {
	seen := map[string]interface{}{}
	groups := []string{}
	for group := range statements {
		groups = append(groups, group)
	}
	sort.Strings(groups)
	for _, group := range groups {
		elsewhere(c)
		names := []string{}
		for name := range statements[group] {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			seen[group+", "+name] = []interface{}{run(c, statements[group][name]), string(c.PgConn().TxStatus())}
		}
	}
	return seen
}

func batch(c *pgx.Conn) interface{} {
	seen := []interface{}{}
	for _, failing := range []int{-1, 7} {
		b := &pgx.Batch{}
		for i := 0; i < 20; i++ {
			b.Queue("INSERT INTO written (what, amount) VALUES ($1, $2)", fmt.Sprint(failing, " ", i), i)
			b.Queue("SELECT 1/($1::int)", i-failing)
		}
		results := c.SendBatch(ctx, b)
		for i := 0; i < 20; i++ {
			tag, err := results.Exec()
			if err != nil {
				seen = append(seen, seenError(err))
				break
			}
			seen = append(seen, string(tag), look(results.Query()))
		}
		results.Close()
		elsewhere(c)
		seen = append(seen, look(c.Query(ctx, "SELECT count(*) FROM written")))
	}
	return seen
}

func transactions(c *pgx.Conn) interface{} {
	seen := []interface{}{}
	for _, options := range []pgx.TxOptions{{}, {IsoLevel: pgx.Serializable, AccessMode: pgx.ReadOnly}} {
		tx, err := c.BeginTx(ctx, options)
		if err != nil {
			panic(err)
		}
		inner, _ := tx.Begin(ctx)
		_, err = inner.Exec(ctx, "INSERT INTO written (amount) VALUES ($1)", -1)
		seen = append(seen, seenError(err), string(c.PgConn().TxStatus()))
		inner.Rollback(ctx)
		seen = append(seen, look(tx.Query(ctx, "SHOW transaction_isolation")))
		seen = append(seen, fmt.Sprint(tx.Commit(ctx)))
		elsewhere(c)
	}
	tx, _ := c.Begin(ctx)
	tx.Exec(ctx, "SELECT 1/0")
	return append(seen, fmt.Sprint(tx.Commit(ctx)), string(c.PgConn().TxStatus()))
}

func copies(c *pgx.Conn) interface{} {
	rows := [][]interface{}{}
	for i := 0; i < 3000; i++ {
		rows = append(rows, []interface{}{fmt.Sprint("row ", i), i})
	}
	count, err := c.CopyFrom(ctx, pgx.Identifier{"written"}, []string{"what", "amount"}, pgx.CopyFromRows(rows))
	seen := []interface{}{count, fmt.Sprint(err)}
	elsewhere(c)
	count, err = c.CopyFrom(ctx, pgx.Identifier{"written"}, []string{"what", "amount"}, pgx.CopyFromRows([][]interface{}{{"negative", -1}}))
	seen = append(seen, count, seenError(err))
	out := &counter{}
	tag, err := c.PgConn().CopyTo(ctx, out, "COPY (SELECT id, name FROM customers ORDER BY id) TO STDOUT")
	return append(seen, string(tag), fmt.Sprint(err), out.size, look(c.Query(ctx, "SELECT count(*) FROM written")))
}

type counter struct{ size int }

func (c *counter) Write(data []byte) (int, error) {
	c.size += len(data)
	return len(data), nil
}

func notifications(c *pgx.Conn) interface{} {
	c.Exec(ctx, "LISTEN news")
	elsewhere(c)
	other := connect(nil)
	defer other.Close(ctx)
	for _, text := range []string{"one", "last"} {
		other.Exec(ctx, "SELECT pg_notify('news', $1)", text)
	}
	heard := []string{}
	for len(heard) < 2 {
		deadline, cancel := context.WithTimeout(ctx, 10*time.Second)
		one, err := c.WaitForNotification(deadline)
		cancel()
		if err != nil {
			return err.Error()
		}
		heard = append(heard, one.Channel+" "+one.Payload)
	}
	return heard
}

func largeObjects(c *pgx.Conn) interface{} {
	tx, _ := c.Begin(ctx)
	objects := tx.LargeObjects()
	oid, err := objects.Create(ctx, 0)
	if err != nil {
		return err.Error()
	}
	object, _ := objects.Open(ctx, oid, pgx.LargeObjectModeWrite)
	object.Write(make([]byte, 10000))
	object.Seek(5, io.SeekStart)
	object.Write([]byte("five"))
	tx.Commit(ctx)
	elsewhere(c)
	tx, _ = c.Begin(ctx)
	defer tx.Rollback(ctx)
	objects = tx.LargeObjects()
	object, _ = objects.Open(ctx, oid, pgx.LargeObjectModeRead)
	data := make([]byte, 12)
	n, err := object.Read(data)
	return []interface{}{n, fmt.Sprint(err), data, fmt.Sprint(objects.Unlink(ctx, oid))}
}

func routes(c *pgx.Conn) interface{} {
	seen := []string{}
	b := &pgx.Batch{}
	for i := 0; i < 9; i++ {
		b.Queue("SELECT current_setting('cluster_name') FROM " + []string{"customers", "sales", "events"}[i%3] + " LIMIT 1")
	}
	results := c.SendBatch(ctx, b)
	for i := 0; i < 9; i++ {
		who := ""
		if err := results.QueryRow().Scan(&who); err != nil {
			return err.Error()
		}
		seen = append(seen, who)
	}
	results.Close()
	if fmt.Sprint(seen) != "[oltp analytics analytics oltp analytics analytics oltp analytics analytics]" {
		return seen
	}
	return true
}

func main() {
	text, err := os.ReadFile(os.Getenv("STATEMENTS"))
	if err != nil || json.Unmarshal(text, &statements) != nil {
		panic("no statements")
	}
	preferSimple := func(config *pgx.ConnConfig) { config.PreferSimpleProtocol = true }
	uncached := func(config *pgx.ConnConfig) { config.BuildStatementCache = nil }
	scenario("statements, prepared", nil, func(c *pgx.Conn) interface{} { return everyStatement(c, extended) })
	scenario("statements, not kept", uncached, func(c *pgx.Conn) interface{} { return everyStatement(c, extended) })
	scenario("statements, simple", preferSimple, func(c *pgx.Conn) interface{} { return everyStatement(c, simple) })
	scenario("batch", nil, batch)
	scenario("batch, not kept", uncached, batch)
	scenario("transactions", nil, transactions)
	scenario("transactions, simple", preferSimple, transactions)
	scenario("copy", nil, copies)
	scenario("notifications", nil, notifications)
	scenario("large objects", nil, largeObjects)
	scenario("cancelled by a context", nil, func(c *pgx.Conn) interface{} {
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		_, err := c.Exec(short, "SELECT pg_sleep(60)")
		return []interface{}{err != nil, c.IsClosed()}
	})
	scenario("settings", func(config *pgx.ConnConfig) {
		config.RuntimeParams = map[string]string{"work_mem": "3MB", "DateStyle": "German", "search_path": "private"}
	}, func(c *pgx.Conn) interface{} {
		seen := []interface{}{c.PgConn().ParameterStatus("DateStyle"), look(c.Query(ctx, "SELECT note FROM hidden"))}
		c.Exec(ctx, "SET work_mem = '5MB'")
		c.Exec(ctx, "RESET ALL")
		return append(seen, look(c.Query(ctx, "SELECT current_setting('work_mem')")), c.PgConn().ParameterStatus("DateStyle"))
	})
	if routed {
		scenario("routed", nil, routes)
	}
}
