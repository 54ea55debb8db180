package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// writes are the statements of the writer.
type writes struct {
	loads
	all []statement // with those of loads

	begin, commit, rollback *sql.Stmt

	addAccount, putAccount             *sql.Stmt
	addSession, putSession, endSession *sql.Stmt
	addKick, putKick, dropKick         *sql.Stmt
	addTry, putTry, dropTry            *sql.Stmt
	foldable, fold, addEvent           *sql.Stmt
	addUsage                           *sql.Stmt
}

func prepareWrites(ctx context.Context, conn *sql.Conn) (*writes, error) {
	w := &writes{}
	w.all = append(w.list(),
		statement{&w.begin, `BEGIN IMMEDIATE`},
		statement{&w.commit, `COMMIT`},
		statement{&w.rollback, `ROLLBACK`},

		statement{&w.addAccount, `INSERT INTO account (created, disabled, counter, rest_kick_counter, valid_from, highest_sig_time,
			active_day, active_month, app, user) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		statement{&w.putAccount, `UPDATE account SET created = ?, disabled = ?, counter = ?, rest_kick_counter = ?, valid_from = ?,
			highest_sig_time = ?, active_day = ?, active_month = ? WHERE id = ?`},

		statement{&w.addSession, `INSERT INTO session (device, device_name, platform, since, conn, node, away, sig_time, sig_ends, address,
			fixed, present, before, due, account, number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		statement{&w.putSession, `UPDATE session SET device = ?, device_name = ?, platform = ?, since = ?, conn = ?, node = ?, away = ?,
			sig_time = ?, sig_ends = ?, address = ?, fixed = ?, present = ?, before = ?, due = ? WHERE account = ? AND number = ?`},
		statement{&w.endSession, `DELETE FROM session WHERE account = ? AND number = ?`},

		statement{&w.addKick, `INSERT INTO kick (device, platform, reason, by_session, by_platform, by_device_name, by_rule, by_limit, by_operator,
			at, fixed, present, before, account, session, node) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		statement{&w.putKick, `UPDATE kick SET device = ?, platform = ?, reason = ?, by_session = ?, by_platform = ?, by_device_name = ?,
			by_rule = ?, by_limit = ?, by_operator = ?, at = ?, fixed = ?, present = ?, before = ? WHERE account = ? AND session = ?`},
		statement{&w.dropKick, `DELETE FROM kick WHERE account = ? AND session = ?`},

		statement{&w.addTry, `INSERT INTO try (highest, seen, fixed, session, account, device) VALUES (?, ?, ?, ?, ?, ?)`},
		statement{&w.putTry, `UPDATE try SET highest = ?, seen = ?, fixed = ?, session = ? WHERE account = ? AND device = ?`},
		statement{&w.dropTry, `DELETE FROM try WHERE account = ? AND device = ?`},

		statement{&w.foldable, `SELECT id, at, last FROM history WHERE fold > 0 AND account = ? AND kind = ? AND code = ? AND device = ? AND session = ?
			AND device_name = ? AND platform = ? AND address = ? ORDER BY id DESC LIMIT 1`},
		statement{&w.fold, `UPDATE history SET count = count + 1, last = ? WHERE id = ?`},
		statement{&w.addEvent, `INSERT INTO history (account, app, at, last, count, fold, kind, session, device, device_name, platform, address,
			code, reason, by_session, by_platform, by_device_name, by_rule, by_limit, by_operator, connected)
			VALUES (?1, ?2, ?3, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)`},

		statement{&w.addUsage, `INSERT INTO usage (app, period, active, signed_up) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET active = active + excluded.active, signed_up = signed_up + excluded.signed_up`},
	)
	return w, compile(ctx, conn, w.all)
}

// close closes the statements, as many as there are.
func (w *writes) close() error {
	var errs []error
	for _, s := range w.all {
		if *s.into != nil {
			errs = append(errs, (*s.into).Close())
		}
	}
	return errors.Join(errs...)
}

// save writes how the account differs from what is stored.
func (b *batch) save(ctx context.Context, e *entry) error {
	if e.row == 0 && empty(e.is) {
		return nil
	}
	if err := b.saveAccount(ctx, e); err != nil {
		return err
	}
	if err := b.saveSessions(ctx, e); err != nil {
		return err
	}
	if err := b.saveKicks(ctx, e); err != nil {
		return err
	}
	if err := b.saveTries(ctx, e); err != nil {
		return err
	}
	for _, event := range e.events {
		if err := b.saveEvent(ctx, e, event); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) saveAccount(ctx context.Context, e *entry) error {
	is := scalarsOf(e.is)
	if e.row != 0 && is == scalarsOf(e.was) {
		return nil
	}
	args := append(make([]any, 0, 10), is.created, is.disabled, int64(is.counter), int64(is.restKickCounter),
		is.validFrom, is.highestSigTime, is.activeDay, is.activeMonth)
	if e.row != 0 {
		_, err := b.sql.putAccount.ExecContext(ctx, append(args, e.row)...)
		return err
	}
	added, err := b.sql.addAccount.ExecContext(ctx, append(args, int64(e.account.App), string(e.account.User))...)
	if err != nil {
		return err
	}
	e.row, err = added.LastInsertId()
	return err
}

func (b *batch) saveSessions(ctx context.Context, e *entry) error {
	c := changes(e.was.Sessions, e.is.Sessions, func(x policy.Session) uint64 { return x.Number })
	for _, x := range c.gone {
		if _, err := b.sql.endSession.ExecContext(ctx, e.row, int64(x.Number)); err != nil {
			return err
		}
	}
	put := func(stmt *sql.Stmt, x policy.Session) error {
		_, err := stmt.ExecContext(ctx, string(x.Device), x.DeviceName, int64(x.Platform), millis(x.Since), int64(x.Conn), x.Node,
			millis(x.Away), x.SigTime, x.SigEnds, x.Address, blob(x.Secret.Fixed), blob(x.Secret.Present), blob(x.Secret.Before),
			dueMillis(x), e.row, int64(x.Number))
		return err
	}
	return each(c, b.sql.addSession, b.sql.putSession, put)
}

func (b *batch) saveKicks(ctx context.Context, e *entry) error {
	c := changes(e.was.Kicks, e.is.Kicks, func(k policy.Kick) uint64 { return k.Session })
	for _, k := range c.gone {
		if _, err := b.sql.dropKick.ExecContext(ctx, e.row, int64(k.Session)); err != nil {
			return err
		}
	}
	put := func(stmt *sql.Stmt, k policy.Kick) error {
		args := append(make([]any, 0, 16), string(k.Device), int64(k.Platform), int64(k.Reason),
			int64(k.By.Session), int64(k.By.Platform), k.By.DeviceName, int64(k.By.Rule), k.By.Limit, k.By.Operator, millis(k.At),
			blob(k.Secret.Fixed), blob(k.Secret.Present), blob(k.Secret.Before), e.row, int64(k.Session))
		if stmt == b.sql.addKick {
			args = append(args, e.served[k.Session])
		}
		_, err := stmt.ExecContext(ctx, args...)
		return err
	}
	return each(c, b.sql.addKick, b.sql.putKick, put)
}

func (b *batch) saveTries(ctx context.Context, e *entry) error {
	c := changes(e.was.Tries, e.is.Tries, func(t policy.Try) rollcall.DeviceID { return t.Device })
	for _, t := range c.gone {
		if _, err := b.sql.dropTry.ExecContext(ctx, e.row, string(t.Device)); err != nil {
			return err
		}
	}
	put := func(stmt *sql.Stmt, t policy.Try) error {
		_, err := stmt.ExecContext(ctx, int64(t.Highest), millis(t.Seen), blob(t.Fixed), int64(t.Session), e.row, string(t.Device))
		return err
	}
	return each(c, b.sql.addTry, b.sql.putTry, put)
}

// each puts the added rows with one statement and the altered ones with another.
func each[T any](c change[T], add, alter *sql.Stmt, put func(*sql.Stmt, T) error) error {
	for _, x := range c.added {
		if err := put(add, x); err != nil {
			return err
		}
	}
	for _, x := range c.altered {
		if err := put(alter, x); err != nil {
			return err
		}
	}
	return nil
}
