package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// together is how many history rows are written by one statement, where there are as
// many.
const together = 16

// A history row as it is written, where count is 1, and as it is read.
const (
	addEvents = `INSERT INTO history (id, account, app, at, last, count, fold, kind, session, device, device_name, platform, address,
			code, reason, by_session, by_platform, by_device_name, by_rule, by_limit, by_operator, connected, sum) VALUES `
	anEvent      = `(?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	eventPlaces  = 22
	eventColumns = `id, app, at, last, count, fold, kind, session, device, device_name, platform, address,
			code, reason, by_session, by_platform, by_device_name, by_rule, by_limit, by_operator, connected, ifnull(sum, -1)`
)

// saveEvent counts the event up in the latest equal row, if that is young enough
// to fold it, and adds a row otherwise: to those that saveRows writes.
func (b *batch) saveEvent(e *entry, v policy.Event) error {
	at, fold := millis(v.At), v.Fold.Milliseconds()
	if fold > 0 {
		if len(e.events) > 1 { // it may be an equal one just before
			if err := b.saveRows(); err != nil {
				return err
			}
		}
		var id, first, last, count, sum int64
		err := b.sql.foldable.ask(func(r row) error { return r.Scan(&id, &first, &last, &count, &sum) }, e.row, int64(v.Kind), int64(v.Code),
			string(v.Device), int64(v.Session), v.DeviceName, int64(v.Platform), v.Address)
		switch {
		case err != nil:
			return err
		case id != 0 && at-last <= fold && at-first <= store.LongestFold.Milliseconds():
			now := max(at, last)
			return b.sql.fold.exec(count+1, now, sum^sumOfCount(id, count, last)^sumOfCount(id, count+1, now), id)
		}
	}
	b.last.event++
	r := store.HistoryRow{ID: b.last.event, Event: v, Count: 1, Last: v.At}
	app := int64(e.account.App)
	b.rows = append(b.rows, r.ID, e.row, app, at, at, fold, int64(v.Kind), int64(v.Session), string(v.Device), v.DeviceName,
		int64(v.Platform), v.Address, int64(v.Code), int64(v.Reason), int64(v.By.Session), int64(v.By.Platform), v.By.DeviceName,
		int64(v.By.Rule), v.By.Limit, v.By.Operator, v.Connected, sumOfEvent(e.row, app, &r))
	if len(b.rows) < together*eventPlaces {
		return nil
	}
	return b.saveRows()
}

// saveRows writes the history rows that wait for it.
func (b *batch) saveRows() error {
	for rows := b.rows; len(rows) > 0; {
		n, add := eventPlaces, b.sql.addEvent
		if len(rows) >= together*eventPlaces {
			n, add = together*eventPlaces, b.sql.addEvents
		}
		if err := add.exec(rows[:n]...); err != nil {
			return fmt.Errorf("write history: %w", err)
		}
		rows = rows[n:]
	}
	b.rows = b.rows[:0]
	return nil
}

// History implements store.Records.
func (s *Store) History(ctx context.Context, a rollcall.Account, before int64, limit int) (rows []store.HistoryRow, err error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	err = s.read(ctx, "read the history of "+a.String(), func(tx *sql.Tx) error {
		x, err := s.reads.find(within(ctx, tx), a)
		if err != nil || x.id == 0 {
			return err
		}
		rows, err = scanAll(ctx, tx.StmtContext(ctx, s.reads.history), func(r *sql.Rows) (store.HistoryRow, error) {
			return scanEvent(s.reads.loads.old, x.id, r)
		}, x.id, before, limit)
		return err
	})
	return rows, err
}

// An eventRow is a history row, but for its account.
type eventRow struct {
	store.HistoryRow

	app, at, last, fold, session, code, by, stored int64
}

// scan reads eventColumns, before which there may be others.
func (x *eventRow) scan(r row, first ...any) error {
	err := r.Scan(append(first, &x.ID, &x.app, &x.at, &x.last, &x.Count, &x.fold, (*uint8)(&x.Kind), &x.session, (*string)(&x.Device), &x.DeviceName,
		(*uint8)(&x.Platform), &x.Address, &x.code, (*uint8)(&x.Reason), &x.by, (*uint8)(&x.By.Platform), &x.By.DeviceName,
		(*uint8)(&x.By.Rule), &x.By.Limit, &x.By.Operator, &x.Connected, &x.stored)...)
	x.Session, x.By.Session = uint64(x.session), uint64(x.by)
	x.At, x.Last, x.Fold, x.Code = moment(x.at), moment(x.last), duration(x.fold), imcode.Code(x.code)
	return err
}

func scanEvent(old tables, account int64, r row) (store.HistoryRow, error) {
	var x eventRow
	if x.scan(r) != nil {
		return x.HistoryRow, damaged("a row of the history of account %d cannot be read", account)
	}
	if !old.good(historyTable, x.stored, sumOfEvent(account, x.app, &x.HistoryRow)) {
		return x.HistoryRow, damaged("row %d of the history of account %d", x.ID, account)
	}
	return x.HistoryRow, nil
}

// Prune implements store.Records.
func (s *Store) Prune(ctx context.Context, app rollcall.AppID, before time.Time, limit int) (n int, err error) {
	const old = `DELETE FROM history WHERE id IN (SELECT id FROM history WHERE app = ? AND at < ? ORDER BY at LIMIT ?)`
	err = s.change(ctx, "drop old history of app "+app.String(), func(ctx context.Context, c *sql.Conn) error {
		r, err := c.ExecContext(ctx, old, int64(app), millis(before), limit)
		if err != nil {
			return err
		}
		gone, err := r.RowsAffected()
		n = int(gone)
		return err
	})
	return n, err
}
