package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
)

// comments are those of SQL, and whatever stands between words.
var comments = regexp.MustCompile(`--[^\n]*|\s+`)

// layout is what a database says of its tables and indexes, less the comments.
func layout(ctx context.Context, c *sql.Conn) (map[string]string, error) {
	rows, err := c.QueryContext(ctx, `SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema`)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	_, err = scanRows(rows, func(r *sql.Rows) (_ bool, err error) {
		var kind, name, table, text string
		err = r.Scan(&kind, &name, &table, &text)
		all[name] = strings.Join([]string{kind, table, comments.ReplaceAllString(text, " ")}, " ")
		return false, err
	})
	return all, err
}

// versions holds the versions that the database says it was brought to against those that
// there are.
func (q *inquiry) versions(ctx context.Context) error {
	rows, err := q.conn.QueryContext(ctx, `SELECT version_id, is_applied IS 1 AND coalesce(datetime(tstamp) = tstamp, 0) FROM goose_db_version ORDER BY id`)
	if err != nil {
		return err
	}
	got, err := scanRows(rows, func(r *sql.Rows) (v [2]int64, err error) {
		err = r.Scan(&v[0], &v[1])
		return v, err
	})
	if err != nil {
		return err
	}
	sources, err := fs.Glob(schema(), "*.sql")
	want := [][2]int64{{0, 1}}
	for _, name := range sources {
		v, wrong := goose.NumericComponent(name)
		if err = errors.Join(err, wrong); v <= q.Schema {
			want = append(want, [2]int64{v, 1})
		}
	}
	if err == nil && !slices.Equal(got, want) {
		q.Find("the schema", "its versions are not those that there are")
	}
	return err
}

// layout holds that of the database against that of a new one of its version.
func (q *inquiry) layout(ctx context.Context) error {
	have, err := layout(ctx, q.conn)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := migrateTo(ctx, db, schema(), q.Schema); err != nil {
		return err
	}
	fresh, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer fresh.Close() //nolint:errcheck // it is thrown away
	want, err := layout(ctx, fresh)
	if err != nil {
		return err
	}
	for name, text := range want {
		if have[name] != text {
			q.Find("the schema", fmt.Sprintf("%s is not described as it should be", name))
		}
	}
	for name := range have {
		if _, known := want[name]; !known && !strings.HasPrefix(name, "sqlite_stat") {
			q.Find("the schema", "there is a table or an index that should not be")
		}
	}
	return nil
}
