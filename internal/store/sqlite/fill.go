package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Rows without a sum are those that a program wrote which made none. They are summed
// in small parts beside all else, each followed by a pause that is several times as long.
const (
	sumBatch = 256
	sumRest  = 4 // pauses, in times of what a part took
	sumPause = 5 * time.Millisecond
)

// Complete sums the rows that have no sum yet, until there are none or ctx ends. It takes
// a fifth of the writer's time at most. Where all rows have one there is nothing to do.
func (s *Store) Complete(ctx context.Context) error {
	for i := range summedTables {
		t := &summedTables[i]
		if s.old()&t.table == 0 {
			continue
		}
		if err := s.complete(ctx, t); err != nil {
			return fmt.Errorf("sum the rows of table %s: %w", t.name, err)
		}
	}
	return nil
}

// old are the tables in which there may be rows without a sum, as Open has found it.
func (s *Store) old() tables { return s.writer.sql.loads.old }

func (s *Store) complete(ctx context.Context, t *summed) error {
	for at, n := t.beginning(), sumBatch; n == sumBatch; {
		began := time.Now()
		err := s.writer.submit(ctx, func(ctx context.Context, b *batch) (err error) {
			if at, n, err = b.sql.sumRows(t, at, sumBatch); err == nil && n < sumBatch {
				err = allSummed(ctx, b.conn, t)
			}
			return err
		})
		if err != nil {
			return err
		}
		pause := time.NewTimer(max(sumPause, sumRest*time.Since(began)))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		}
	}
	return nil
}

// sumRows sums rows of a table after a key, as far as they have no sum. It returns the
// key of the last one that it has read, and how many those are: fewer than limit at the
// end.
func (w *writes) sumRows(t *summed, after []any, limit int) (last []any, n int, err error) {
	read, err := w.compile(t.along())
	if err != nil {
		return after, 0, err
	}
	defer read.close()
	put, err := w.compile(`UPDATE ` + t.name + ` SET sum = ? WHERE (` + t.key + `) = (` + t.places() + `)`)
	if err != nil {
		return after, 0, err
	}
	defer put.close()
	var rows []record
	err = read.ask(func(r row) error {
		var x record
		if t.scan(&x, r) != nil {
			return damaged("%s", t.call(&x))
		}
		rows = append(rows, x)
		return nil
	}, append(after, limit)...)
	for i := range rows {
		x := &rows[i]
		if err == nil && x.stored == noSum {
			err = put.exec(append([]any{x.made}, t.at(x)...)...)
		}
	}
	if n = len(rows); n > 0 {
		after = t.at(&rows[n-1])
	}
	return after, n, err
}

// allSummed notes that a table has no row without a sum any more.
func allSummed(ctx context.Context, c *sql.Conn, t *summed) error {
	_, err := c.ExecContext(ctx, `DELETE FROM unsummed WHERE name = ?`, t.name)
	return err
}

// sumSmall reads in which tables there may be rows without a sum, and sums those of the
// small ones. The writer does not run yet.
func (w *writer) sumSmall(ctx context.Context) error {
	old, err := unsummed(ctx, w.conn)
	if err != nil {
		return err
	}
	w.sql.loads.old, w.sql.talkLoads.old = old&^smallTables, old&^smallTables
	if old&smallTables == 0 {
		return nil
	}
	return w.transact(func() error {
		for i := range summedTables {
			t := &summedTables[i]
			if old&smallTables&t.table == 0 {
				continue
			}
			for at, n := t.beginning(), sumBatch; n == sumBatch; {
				if at, n, err = w.sql.sumRows(t, at, sumBatch); err != nil {
					return err
				}
			}
			if err := allSummed(ctx, w.conn, t); err != nil {
				return err
			}
		}
		return nil
	})
}

// unsummed are the tables in which there may be rows without a sum.
func unsummed(ctx context.Context, c *sql.Conn) (old tables, err error) {
	rows, err := c.QueryContext(ctx, `SELECT name FROM unsummed`)
	if err != nil {
		return 0, err
	}
	names, err := scanRows(rows, func(r *sql.Rows) (name string, err error) {
		err = r.Scan(&name)
		return name, err
	})
	for _, name := range names {
		for _, t := range summedTables {
			if t.name == name {
				old |= t.table
			}
		}
	}
	return old, err
}
