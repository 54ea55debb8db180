package sqlite

import (
	"bytes"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"
)

// directly is a connection of database/sql to a new database, and its statements.
func directly(t *testing.T) (*sql.Conn, *direct) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(filepath.Join(t.TempDir(), "x.db"), ""))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, err := directOf(conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.close()
		if err := errors.Join(conn.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	if _, err := conn.ExecContext(t.Context(), `CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, is_so INTEGER, text TEXT NOT NULL, bytes BLOB NOT NULL) STRICT`); err != nil {
		t.Fatal(err)
	}
	return conn, d
}

func compiledOf(t *testing.T, d *direct, text string) *compiled {
	t.Helper()
	c, err := d.compile(text)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close) // before the connection's
	return c
}

func TestAStatementRunByItselfDoesAsDatabaseSQLDoes(t *testing.T) {
	conn, d := directly(t)
	put := compiledOf(t, d, `INSERT INTO t (n, is_so, text, bytes) VALUES (?, ?, ?, ?)`)
	find := compiledOf(t, d, `SELECT n, is_so, text, bytes FROM t WHERE id = ?`)
	large := strings.Repeat("many words ", 10_000) // more than there is room for at first
	for _, x := range []struct {
		n     int64
		is    bool
		text  string
		bytes []byte
	}{
		{0, false, "", []byte{}},
		{-1 << 63, true, large, bytes.Repeat([]byte{0, 255}, 50_000)},
		{1<<63 - 1, true, "a\x00b, ü", []byte{0}},
	} {
		if err := put.exec(x.n, x.is, x.text, x.bytes); err != nil {
			t.Fatal(err)
		}
		id := d.lastRow()
		var n [2]int64
		var is [2]bool
		var text [2]string
		var blob [2][]byte
		err := find.ask(func(r row) error {
			var raw sql.RawBytes
			err := r.Scan(&n[0], &is[0], &text[0], &raw)
			blob[0] = bytes.Clone(raw)
			return err
		}, id)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.QueryRowContext(t.Context(), `SELECT n, is_so, text, bytes FROM t WHERE id = ?`, id).Scan(&n[1], &is[1], &text[1], &blob[1]); err != nil {
			t.Fatal(err)
		}
		for i, by := range []string{"itself", "database/sql"} {
			if n[i] != x.n || is[i] != x.is || text[i] != x.text || !bytes.Equal(blob[i], x.bytes) {
				t.Errorf("%d, %t, %d bytes of text and %d others are by %s read as %d, %t, %d and %d",
					x.n, x.is, len(x.text), len(x.bytes), by, n[i], is[i], len(text[i]), len(blob[i]))
			}
		}
	}
}

func TestAStatementThatCannotRunSaysWhyAndRunsAgain(t *testing.T) {
	_, d := directly(t)
	if _, err := d.compile(`SELECT no_such FROM t`); err == nil || !strings.Contains(err.Error(), "no such column: no_such") {
		t.Errorf("a statement about a column that is not there: %v", err)
	}
	put := compiledOf(t, d, `INSERT INTO t (id, text, bytes) VALUES (?, ?, ?)`)
	good := []any{int64(1), "text", []byte("bytes")}
	if err := put.exec(good...); err != nil {
		t.Fatal(err)
	}
	err := put.exec(good...)
	e, ok := errors.AsType[coded](err)
	if !ok || e.Code() != sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || !strings.Contains(err.Error(), "t.id") {
		t.Errorf("a row that is there: %v", err)
	}
	for name, args := range map[string][]any{
		"too few arguments":                   {int64(2), "text"},
		"too many":                            {int64(2), "text", []byte("bytes"), int64(3)},
		"one of a kind that it does not know": {int64(2), "text", 1.5},
	} {
		if err := put.exec(args...); err == nil {
			t.Errorf("it runs with %s", name)
		}
	}
	if err := put.exec(int64(2), "text", []byte("bytes")); err != nil {
		t.Errorf("after all that: %v", err)
	}
	find := compiledOf(t, d, `SELECT id FROM t`)
	enough := errors.New("enough")
	rows := 0
	if err := find.ask(func(row) error { rows++; return enough }); !errors.Is(err, enough) || rows != 1 {
		t.Errorf("who has enough after a row was called with %d: %v", rows, err)
	}
	if err := find.ask(func(r row) error { return r.Scan(new(float64)) }); err == nil {
		t.Error("a column was read into what it is not")
	}
}
