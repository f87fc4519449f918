// Go's lib/pq behind database/sql for drivers/compare.py: statements simple, prepared and with binary parameters, transactions,
// COPY, notices, notifications, cancelled contexts, settings, failed logins.
package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/lib/pq"
)

type seen = []interface{}

var ctx = context.Background()
var routed = len(os.Args) > 1 && os.Args[1] == "routed"
var statements map[string]map[string]string

func seenError(err error) interface{} {
	var said *pq.Error
	if errors.As(err, &said) {
		return said
	}
	return fmt.Sprint(err)
}

func columns(rows *sql.Rows) interface{} {
	types, err := rows.ColumnTypes()
	if err != nil {
		return seenError(err)
	}
	all := seen{}
	for _, column := range types {
		length, hasLength := column.Length()
		precision, scale, hasScale := column.DecimalSize()
		all = append(all, seen{column.Name(), column.DatabaseTypeName(), fmt.Sprint(column.ScanType()), length, hasLength, precision, scale, hasScale})
	}
	return all
}

// look reads all rows of all results, with columns and types.
func look(rows *sql.Rows, err error) interface{} {
	if err != nil {
		return seenError(err)
	}
	defer rows.Close()
	all := seen{}
	for more := true; more; more = rows.NextResultSet() {
		all = append(all, columns(rows))
		names, _ := rows.Columns()
		for rows.Next() {
			values, places := make([]interface{}, len(names)), make([]interface{}, len(names))
			for i := range values {
				places[i] = &values[i]
			}
			if err := rows.Scan(places...); err != nil {
				return append(all, seenError(err))
			}
			all = append(all, fmt.Sprintf("%v", values))
		}
	}
	if rows.Err() != nil {
		all = append(all, seenError(rows.Err()))
	}
	return all
}

func did(result sql.Result, err error) interface{} {
	if err != nil {
		return seenError(err)
	}
	count, err := result.RowsAffected()
	return seen{count, fmt.Sprint(err)}
}

// elsewhere runs a statement on a table of the other cluster; without routing, one like it.
func elsewhere(c *sql.Conn) {
	table, wanted, who := "customers", "oltp", ""
	if routed {
		table, wanted = "sales", "analytics"
	}
	row := c.QueryRowContext(ctx, "SELECT current_setting('cluster_name') FROM public."+table+" LIMIT 1")
	if err := row.Scan(&who); err != nil || who != wanted {
		panic(fmt.Sprint("ran on ", who, err))
	}
}

func open(options string) *sql.DB {
	db, err := sql.Open("postgres", options)
	if err != nil {
		panic(err)
	}
	return db
}

// scenario gives the body a connection of its own. options: "name=value ..." beside the PG* environment.
func scenario(name, options string, body func(*sql.Conn) interface{}) {
	db := open(options)
	defer db.Close()
	c, err := db.Conn(ctx)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, "TRUNCATE public.written RESTART IDENTITY"); err != nil {
		panic(err)
	}
	elsewhere(c)
	say(name, body(c))
}

func say(name string, what interface{}) {
	line, err := json.Marshal(map[string]interface{}{"scenario": name, "seen": what})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

func sorted[T any](of map[string]T) []string {
	names := []string{}
	for name := range of {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func everyStatement(c *sql.Conn, run func(*sql.Conn, string) interface{}) interface{} {
	all := map[string]interface{}{}
	for _, group := range sorted(statements) {
		elsewhere(c)
		for _, name := range sorted(statements[group]) {
			all[group+", "+name] = run(c, statements[group][name])
			// Some leave a transaction open.
			c.ExecContext(ctx, "ROLLBACK")
		}
	}
	return all
}

func simple(c *sql.Conn, text string) interface{} { return look(c.QueryContext(ctx, text)) }

func executed(c *sql.Conn, text string) interface{} { return did(c.ExecContext(ctx, text)) }

func prepared(c *sql.Conn, text string) interface{} {
	statement, err := c.PrepareContext(ctx, text)
	if err != nil {
		return seenError(err)
	}
	defer statement.Close()
	all := seen{}
	for i := 0; i < 2; i++ {
		all = append(all, look(statement.QueryContext(ctx)))
	}
	return all
}

func parameters(c *sql.Conn) interface{} {
	all := seen{}
	for i := 1; i <= 5; i++ {
		all = append(all, look(c.QueryContext(ctx, "SELECT id, name, $2::bytea, $3::timestamptz, $4::int[] FROM customers WHERE id = $1", i,
			[]byte{0, 1, 255}, time.Unix(1700000000, 0).UTC(), pq.Array([]int{1, i}))))
		elsewhere(c)
	}
	all = append(all, look(c.QueryContext(ctx, "SELECT $1::int", "no number")), look(c.QueryContext(ctx, "SELECT 1/$1::int", 0)))
	return append(all, look(c.QueryContext(ctx, "SELECT $1::int", 7)))
}

func transactions(c *sql.Conn) interface{} {
	all := seen{}
	for _, options := range []*sql.TxOptions{nil, {Isolation: sql.LevelSerializable, ReadOnly: true}, {Isolation: sql.LevelRepeatableRead}} {
		tx, err := c.BeginTx(ctx, options)
		if err != nil {
			panic(err)
		}
		all = append(all, look(tx.Query("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')")))
		all = append(all, did(tx.Exec("SAVEPOINT a")), did(tx.Exec("INSERT INTO written (amount) VALUES ($1)", -1)))
		all = append(all, did(tx.Exec("SELECT 1")), did(tx.Exec("ROLLBACK TO a")), did(tx.Exec("INSERT INTO written (what) VALUES ('kept')")))
		all = append(all, fmt.Sprint(tx.Commit()))
		elsewhere(c)
	}
	tx, _ := c.BeginTx(ctx, nil)
	all = append(all, did(tx.Exec("SELECT 1/0")), fmt.Sprint(tx.Commit()))
	tx, _ = c.BeginTx(ctx, nil)
	all = append(all, did(tx.Exec("INSERT INTO written (what) VALUES ('lost')")), fmt.Sprint(tx.Rollback()))
	return append(all, look(c.QueryContext(ctx, "SELECT what FROM written ORDER BY 1")))
}

func copies(c *sql.Conn) interface{} {
	all := seen{}
	for _, last := range []int{5, -1} {
		tx, _ := c.BeginTx(ctx, nil)
		statement, err := tx.Prepare(pq.CopyIn("written", "what", "amount"))
		if err != nil {
			return seenError(err)
		}
		for i := 0; i < 3000; i++ {
			if _, err := statement.Exec(fmt.Sprint(last, " row ", i), i); err != nil {
				return seenError(err)
			}
		}
		_, err = statement.Exec("last", last)
		all = append(all, seenError(err), did(statement.Exec()), seenError(statement.Close()), fmt.Sprint(tx.Commit()))
		elsewhere(c)
	}
	return append(all, look(c.QueryContext(ctx, "SELECT count(*), sum(amount) FROM written")))
}

func notices(c *sql.Conn) interface{} {
	all := seen{}
	c.Raw(func(connection interface{}) error {
		pq.SetNoticeHandler(connection.(driver.Conn), func(said *pq.Error) { all = append(all, said) })
		return nil
	})
	for _, name := range sorted(statements["notices"]) {
		elsewhere(c)
		c.ExecContext(ctx, statements["notices"][name])
	}
	return all
}

func notifications(c *sql.Conn) interface{} {
	listener := pq.NewListener("", time.Second, time.Minute, nil)
	defer listener.Close()
	if err := listener.Listen("news"); err != nil {
		return seenError(err)
	}
	c.ExecContext(ctx, "NOTIFY news, 'one'")
	elsewhere(c)
	c.ExecContext(ctx, "SELECT pg_notify($1, $2)", "news", "two")
	heard := seen{}
	for len(heard) < 2 {
		select {
		case one := <-listener.Notify:
			heard = append(heard, one.Channel+" "+one.Extra)
		case <-time.After(10 * time.Second):
			return append(heard, "no more is heard")
		}
	}
	return append(heard, fmt.Sprint(listener.Ping()), fmt.Sprint(listener.Unlisten("news")))
}

func cancelled(c *sql.Conn) interface{} {
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err := c.ExecContext(short, "SELECT pg_sleep(60)")
	again, cancelAgain := context.WithTimeout(ctx, 5*time.Second)
	defer cancelAgain()
	return seen{seenError(err), did(c.ExecContext(again, "SELECT 1"))}
}

func settings(c *sql.Conn) interface{} {
	shown := "SELECT current_setting('work_mem'), current_setting('DateStyle'), current_setting('search_path'), current_setting('application_name')"
	all := seen{look(c.QueryContext(ctx, shown))}
	c.ExecContext(ctx, "SET work_mem = '5MB'; SET DateStyle = 'SQL, DMY'")
	elsewhere(c)
	all = append(all, look(c.QueryContext(ctx, shown)))
	c.ExecContext(ctx, "RESET ALL")
	return append(all, look(c.QueryContext(ctx, shown)))
}

func logins() interface{} {
	all := seen{}
	for _, options := range []string{"password=wrong", "user=nobody_of_this_name password=x", "no_such_setting=1", "work_mem=much"} {
		db := open(options)
		err := db.Ping()
		var said *pq.Error
		if errors.As(err, &said) {
			all = append(all, seen{said.Severity, said.Code, said.Message, said.Detail, said.Hint})
		} else {
			all = append(all, fmt.Sprint(err))
		}
		db.Close()
	}
	return all
}

func routes(c *sql.Conn) interface{} {
	all := []string{}
	for _, binary := range []bool{false, true} {
		for _, table := range []string{"customers", "sales", "events", "customers"} {
			who, parameters := "", []interface{}{}
			text := "SELECT current_setting('cluster_name') FROM " + table
			if binary {
				text, parameters = text+" WHERE id = $1", []interface{}{1}
			}
			if err := c.QueryRowContext(ctx, text+" LIMIT 1", parameters...).Scan(&who); err != nil {
				return err.Error()
			}
			all = append(all, who)
		}
	}
	if fmt.Sprint(all) != "[oltp analytics analytics oltp oltp analytics analytics oltp]" {
		return all
	}
	return true
}

func main() {
	text, err := os.ReadFile(os.Getenv("STATEMENTS"))
	if err != nil || json.Unmarshal(text, &statements) != nil {
		panic("no statements")
	}
	for _, mode := range []struct{ name, options string }{{"", ""}, {", binary parameters", "binary_parameters=yes"}} {
		scenario("statements, prepared"+mode.name, mode.options, func(c *sql.Conn) interface{} { return everyStatement(c, prepared) })
		scenario("parameters"+mode.name, mode.options, parameters)
		scenario("transactions"+mode.name, mode.options, transactions)
		scenario("copy"+mode.name, mode.options, copies)
		scenario("settings"+mode.name, mode.options+" work_mem=3MB TimeZone=Asia/Kathmandu search_path=private,public application_name=día", settings)
		if routed {
			scenario("routed"+mode.name, mode.options, routes)
		}
	}
	scenario("statements, simple", "", func(c *sql.Conn) interface{} { return everyStatement(c, simple) })
	scenario("statements, executed", "", func(c *sql.Conn) interface{} { return everyStatement(c, executed) })
	scenario("notices", "", notices)
	scenario("notifications", "", notifications)
	scenario("cancelled by a context", "", cancelled)
	say("logins that are refused", logins())
}
