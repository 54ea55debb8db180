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

// A history row as it is written: count is 1.
const (
	addEvents = `INSERT INTO history (account, app, at, last, count, fold, kind, session, device, device_name, platform, address,
			code, reason, by_session, by_platform, by_device_name, by_rule, by_limit, by_operator, connected) VALUES `
	anEvent      = `(?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	eventColumns = 20
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
		var id, first, last int64
		err := b.sql.foldable.ask(func(r row) error { return r.Scan(&id, &first, &last) }, e.row, int64(v.Kind), int64(v.Code),
			string(v.Device), int64(v.Session), v.DeviceName, int64(v.Platform), v.Address)
		switch {
		case err != nil:
			return err
		case id != 0 && at-last <= fold && at-first <= store.LongestFold.Milliseconds():
			return b.sql.fold.exec(max(at, last), id)
		}
	}
	b.rows = append(b.rows, e.row, int64(e.account.App), at, at, fold, int64(v.Kind), int64(v.Session), string(v.Device), v.DeviceName,
		int64(v.Platform), v.Address, int64(v.Code), int64(v.Reason), int64(v.By.Session), int64(v.By.Platform), v.By.DeviceName,
		int64(v.By.Rule), v.By.Limit, v.By.Operator, v.Connected)
	if len(b.rows) < together*eventColumns {
		return nil
	}
	return b.saveRows()
}

// saveRows writes the history rows that wait for it.
func (b *batch) saveRows() error {
	for rows := b.rows; len(rows) > 0; {
		n, add := eventColumns, b.sql.addEvent
		if len(rows) >= together*eventColumns {
			n, add = together*eventColumns, b.sql.addEvents
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
		rows, err = scanAll(ctx, tx.StmtContext(ctx, s.reads.history), scanEvent, int64(a.App), string(a.User), before, limit)
		return err
	})
	return rows, err
}

func scanEvent(rows *sql.Rows) (r store.HistoryRow, err error) {
	var at, last, fold, session, code, by int64
	var kind, platform, reason, byPlatform, rule uint8
	var device string
	err = rows.Scan(&r.ID, &at, &last, &r.Count, &fold, &kind, &session, &device, &r.DeviceName, &platform, &r.Address,
		&code, &reason, &by, &byPlatform, &r.By.DeviceName, &rule, &r.By.Limit, &r.By.Operator, &r.Connected)
	r.At, r.Last, r.Fold = moment(at), moment(last), duration(fold)
	r.Kind, r.Session, r.Device = policy.EventKind(kind), uint64(session), rollcall.DeviceID(device)
	r.Platform, r.Code, r.Reason = rollcall.Platform(platform), imcode.Code(code), policy.Reason(reason)
	r.By.Session, r.By.Platform, r.By.Rule = uint64(by), rollcall.Platform(byPlatform), policy.Rule(rule)
	return r, err
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
