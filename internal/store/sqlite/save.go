package sqlite

import (
	"database/sql"
	"slices"
	"strings"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// writes are the statements of the writer.
type writes struct {
	*direct
	loads[*compiled]
	all []query[*compiled] // with those of loads

	begin, commit, rollback *compiled

	addAccount, putAccount             *compiled
	addSession, putSession, endSession *compiled
	addKick, putKick, dropKick         *compiled
	addTry, putTry, dropTry            *compiled
	foldable, fold                     *compiled
	addEvent, addEvents                *compiled
	usage, putUsage                    *compiled
	owned, disownSession               *compiled

	talkLoads[*compiled]
	addTalk, putTalk, putTalker *compiled
	addMessage, putMessage      *compiled
	addAlteration               *compiled
	addDeletion, dropDeletion   *compiled
	pins                        *compiled
}

// ofAccounts are the statements that write accounts, and what is counted of them.
func (w *writes) ofAccounts() []query[*compiled] {
	return []query[*compiled]{
		{&w.addAccount, `INSERT INTO account (created, disabled, counter, rest_kick_counter, valid_from, highest_sig_time,
			active_day, active_month, sum, id, app, user) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.putAccount, `UPDATE account SET created = ?, disabled = ?, counter = ?, rest_kick_counter = ?, valid_from = ?,
			highest_sig_time = ?, active_day = ?, active_month = ?, sum = ? WHERE id = ?`},

		{&w.addSession, `INSERT INTO session (device, device_name, platform, since, conn, node, away, sig_time, sig_ends, address,
			fixed, present, before, due, sum, account, number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.putSession, `UPDATE session SET device = ?, device_name = ?, platform = ?, since = ?, conn = ?, node = ?, away = ?,
			sig_time = ?, sig_ends = ?, address = ?, fixed = ?, present = ?, before = ?, due = ?, sum = ?
			WHERE account = ? AND number = ?`},
		{&w.endSession, `DELETE FROM session WHERE account = ? AND number = ?`},

		{&w.addKick, `INSERT INTO kick (device, platform, reason, by_session, by_platform, by_device_name, by_rule, by_limit, by_operator,
			at, fixed, present, before, sum, account, session, node) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.putKick, `UPDATE kick SET device = ?, platform = ?, reason = ?, by_session = ?, by_platform = ?, by_device_name = ?,
			by_rule = ?, by_limit = ?, by_operator = ?, at = ?, fixed = ?, present = ?, before = ?, sum = ?
			WHERE account = ? AND session = ?`},
		{&w.dropKick, `DELETE FROM kick WHERE account = ? AND session = ?`},

		{&w.addTry, `INSERT INTO try (highest, seen, fixed, session, sum, account, device) VALUES (?, ?, ?, ?, ?, ?, ?)`},
		{&w.putTry, `UPDATE try SET highest = ?, seen = ?, fixed = ?, session = ?, sum = ? WHERE account = ? AND device = ?`},
		{&w.dropTry, `DELETE FROM try WHERE account = ? AND device = ?`},

		{&w.foldable, `SELECT id, at, last, count, ifnull(sum, -1) FROM history WHERE fold > 0 AND account = ? AND kind = ? AND code = ? AND device = ? AND session = ?
			AND device_name = ? AND platform = ? AND address = ? ORDER BY id DESC LIMIT 1`},
		{&w.fold, `UPDATE history SET count = ?, last = ?, sum = iif(sum IS NULL, sum, ?) WHERE id = ?`},
		{&w.addEvent, addEvents + anEvent},
		{&w.addEvents, addEvents + anEvent + strings.Repeat(", "+anEvent, together-1)},

		{&w.usage, readTally},
		{&w.putUsage, putUsage},

		{&w.owned, `SELECT account, ` + sessionColumns + ` FROM session WHERE node <> '' AND node <> ? LIMIT ?`},
		{&w.disownSession, `UPDATE session SET node = '', away = ?, due = ?, sum = ? WHERE account = ? AND number = ?`},
	}
}

func prepareWrites(conn *sql.Conn) (*writes, error) {
	on, err := directOf(conn)
	if err != nil {
		return nil, err
	}
	w := &writes{direct: on}
	w.all = slices.Concat(w.loads.list(), w.talkLoads.list(), w.ofAccounts(), []query[*compiled]{
		{&w.begin, `BEGIN IMMEDIATE`},
		{&w.commit, `COMMIT`},
		{&w.rollback, `ROLLBACK`},

		{&w.addTalk, `INSERT INTO conversation (` + talkColumns + `, sum, low, high) VALUES ` + places(talkNumbers+3)},
		{&w.putTalk, `UPDATE conversation SET (` + talkColumns + `, sum) = ` + places(talkNumbers+1) + ` WHERE id = ?`},
		{&w.putTalker, `INSERT INTO talker (account, changes, talks, changed, sum) VALUES ` + places(5) + `
			ON CONFLICT DO UPDATE SET changes = excluded.changes, talks = excluded.talks, changed = excluded.changed, sum = excluded.sum`},
		{&w.addMessage, `INSERT INTO message (app, at, conversation, sequence, sender, nth, name, flags, sum, content)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.putMessage, `UPDATE message SET flags = ?, sum = ?, content = ? WHERE conversation = ? AND sequence = ? RETURNING id`},
		{&w.addAlteration, `INSERT INTO alteration (` + alterationColumns + `) VALUES ` + places(9)},
		{&w.addDeletion, `INSERT INTO deletion (` + deletionColumns + `) VALUES ` + places(6)},
		{&w.dropDeletion, `DELETE FROM deletion WHERE half = ? AND first = ?`},
		{&w.pins, `SELECT (SELECT count(*) FROM conversation WHERE low = ?1 AND low_pinned)
			+ (SELECT count(*) FROM conversation WHERE high = ?1 AND high_pinned)`},
	})
	for _, q := range w.all {
		if *q.into, err = on.compile(q.text); err != nil {
			break
		}
	}
	return w, err
}

// places is for so many values: (?, ?, ?).
func places(n int) string { return "(" + strings.Repeat("?, ", n-1) + "?)" }

// close closes the statements, as many as there are.
func (w *writes) close() {
	for _, q := range w.all {
		if *q.into != nil {
			(*q.into).close()
		}
	}
	w.direct.close()
}

// save writes how the account differs from what is stored.
func (b *batch) save(e *entry) error {
	if e.row == 0 && empty(e.is) {
		return nil
	}
	if err := b.saveAccount(e); err != nil {
		return err
	}
	if err := b.saveSessions(e); err != nil {
		return err
	}
	if err := b.saveKicks(e); err != nil {
		return err
	}
	if err := b.saveTries(e); err != nil {
		return err
	}
	for _, event := range e.events {
		if err := b.saveEvent(e, event); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) saveAccount(e *entry) error {
	is := scalarsOf(e.is)
	if e.row != 0 && is == scalarsOf(e.was) {
		return nil
	}
	stmt := b.sql.putAccount
	if e.row == 0 {
		b.last.account++
		stmt, e.row = b.sql.addAccount, b.last.account
	}
	app, user := int64(e.account.App), string(e.account.User)
	args := append(make([]any, 0, 12), is.created, is.disabled, int64(is.counter), int64(is.restKickCounter),
		is.validFrom, is.highestSigTime, is.activeDay, is.activeMonth, is.sum(e.row, app, user), e.row)
	if stmt == b.sql.addAccount {
		args = append(args, app, user)
	}
	return stmt.exec(args...)
}

func (b *batch) saveSessions(e *entry) error {
	c := changes(e.was.Sessions, e.is.Sessions, func(x policy.Session) uint64 { return x.Number })
	for _, x := range c.gone {
		if err := b.sql.endSession.exec(e.row, int64(x.Number)); err != nil {
			return err
		}
	}
	put := func(stmt *compiled, x policy.Session) error {
		due := dueMillis(x)
		return stmt.exec(string(x.Device), x.DeviceName, int64(x.Platform), millis(x.Since), int64(x.Conn), x.Node,
			millis(x.Away), x.SigTime, x.SigEnds, x.Address, blob(&x.Secret.Fixed), blob(&x.Secret.Present), blob(&x.Secret.Before),
			due, sumOfSession(e.row, &x, due), e.row, int64(x.Number))
	}
	return each(c, b.sql.addSession, b.sql.putSession, put)
}

func (b *batch) saveKicks(e *entry) error {
	c := changes(e.was.Kicks, e.is.Kicks, func(k policy.Kick) uint64 { return k.Session })
	for _, k := range c.gone {
		if err := b.sql.dropKick.exec(e.row, int64(k.Session)); err != nil {
			return err
		}
	}
	put := func(stmt *compiled, k policy.Kick) error {
		args := append(make([]any, 0, 17), string(k.Device), int64(k.Platform), int64(k.Reason),
			int64(k.By.Session), int64(k.By.Platform), k.By.DeviceName, int64(k.By.Rule), k.By.Limit, k.By.Operator, millis(k.At),
			blob(&k.Secret.Fixed), blob(&k.Secret.Present), blob(&k.Secret.Before), sumOfKick(e.row, &k), e.row, int64(k.Session))
		if stmt == b.sql.addKick {
			args = append(args, e.served[k.Session])
		}
		return stmt.exec(args...)
	}
	return each(c, b.sql.addKick, b.sql.putKick, put)
}

func (b *batch) saveTries(e *entry) error {
	c := changes(e.was.Tries, e.is.Tries, func(t policy.Try) rollcall.DeviceID { return t.Device })
	for _, t := range c.gone {
		if err := b.sql.dropTry.exec(e.row, string(t.Device)); err != nil {
			return err
		}
	}
	put := func(stmt *compiled, t policy.Try) error {
		return stmt.exec(int64(t.Highest), millis(t.Seen), blob(&t.Fixed), int64(t.Session), sumOfTry(e.row, &t), e.row, string(t.Device))
	}
	return each(c, b.sql.addTry, b.sql.putTry, put)
}

// each puts the added rows with one statement and the altered ones with another.
func each[T any](c change[T], add, alter *compiled, put func(*compiled, T) error) error {
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
