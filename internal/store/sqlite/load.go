package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// loads are the statements that read an account's state: on the reading connections
// database/sql's, on the writer's its own.
type loads[S any] struct {
	account, sessions, kicks, tries S

	old tables // in which there may be rows without a sum
}

// A query is where a statement goes, and its text.
type query[S any] struct {
	into *S
	text string
}

// The columns of the rows that make an account, as they are scanned.
const (
	accountColumns = `a.id, a.created, a.disabled, a.counter, a.rest_kick_counter, a.valid_from, a.highest_sig_time, a.active_day, a.active_month, ifnull(a.sum, -1)`
	sessionColumns = `number, device, device_name, platform, since, conn, node, away, sig_time, sig_ends, address, fixed, present, before, due, ifnull(sum, -1)`
	kickColumns    = `session, device, platform, reason, by_session, by_platform, by_device_name, by_rule, by_limit, by_operator, at, fixed, present, before, ifnull(sum, -1)`
	tryColumns     = `device, highest, seen, fixed, session, ifnull(sum, -1)`
)

// list names the statements with their text.
func (l *loads[S]) list() []query[S] {
	return []query[S]{
		{&l.account, `SELECT ` + accountColumns + ` FROM account a WHERE a.app = ? AND a.user = ?`},
		{&l.sessions, `SELECT ` + sessionColumns + ` FROM session WHERE account = ?`},
		{&l.kicks, `SELECT ` + kickColumns + ` FROM kick WHERE account = ?`},
		{&l.tries, `SELECT ` + tryColumns + ` FROM try WHERE account = ?`},
	}
}

// A statement is where a compiled statement goes, and its text.
type statement struct {
	into **sql.Stmt
	text string
}

// compile prepares statements on a connection or a pool of them.
func compile(ctx context.Context, on interface {
	PrepareContext(ctx context.Context, text string) (*sql.Stmt, error)
}, statements []statement,
) error {
	for _, s := range statements {
		var err error
		if *s.into, err = on.PrepareContext(ctx, s.text); err != nil {
			return fmt.Errorf("prepare %q: %w", s.text, err)
		}
	}
	return nil
}

// asking runs a statement and calls each with each row that it finds.
type asking[S any] func(stmt S, each func(row) error, args ...any) error

// find reads an account's own row, whose id is 0 if there is none.
func (l *loads[S]) find(ask asking[S], a rollcall.Account) (x accountRow, err error) {
	err = ask(l.account, func(r row) error { return x.scan(r) }, int64(a.App), string(a.User))
	if err == nil && x.id != 0 {
		err = x.check(l.old, a)
	}
	return x, err
}

// load reads an account with the id of its row, which is 0 if it has none.
func (l *loads[S]) load(ask asking[S], a rollcall.Account) (id int64, s policy.State, err error) {
	x, err := l.find(ask, a)
	if err == nil && x.id == 0 {
		return 0, policy.State{}, nil
	}
	if err == nil {
		s = x.state()
		s.Sessions, err = askAll(ask, l.sessions, scanSession, l.old, x.id)
	}
	if err == nil {
		s.Kicks, err = askAll(ask, l.kicks, scanKick, l.old, x.id)
	}
	if err == nil {
		s.Tries, err = askAll(ask, l.tries, scanTry, l.old, x.id)
	}
	if err != nil {
		return 0, policy.State{}, fmt.Errorf("read %s: %w", a, err)
	}
	arrange(s)
	return x.id, s, nil
}

// askAll reads all rows that a statement finds for an account.
func askAll[S, T any](ask asking[S], stmt S, scan func(tables, int64, row) (T, error), old tables, id int64) (all []T, err error) {
	err = ask(stmt, func(r row) error {
		x, err := scan(old, id, r)
		all = append(all, x)
		return err
	}, id)
	return all, err
}

// within asks in a transaction of a reading connection.
func within(ctx context.Context, tx *sql.Tx) asking[*sql.Stmt] {
	return func(stmt *sql.Stmt, each func(row) error, args ...any) error {
		rows, err := tx.StmtContext(ctx, stmt).QueryContext(ctx, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := each(rows); err != nil {
				return cmp.Or(rows.Err(), err) // what ended the query is why a row could not be read
			}
		}
		return rows.Err()
	}
}

// scanAll reads all rows of a query.
func scanAll[T any](ctx context.Context, stmt *sql.Stmt, scan func(*sql.Rows) (T, error), args ...any) ([]T, error) {
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	return scanRows(rows, scan)
}

// scanRows reads all rows there are, and closes them.
func scanRows[T any](rows *sql.Rows, scan func(*sql.Rows) (T, error)) (all []T, err error) {
	defer rows.Close()
	for rows.Next() {
		x, err := scan(rows)
		if err != nil {
			return nil, cmp.Or(rows.Err(), err)
		}
		all = append(all, x)
	}
	return all, rows.Err()
}

// An accountRow is an account's own row, but for its name, by which it was found.
type accountRow struct {
	scalars

	id, count, kickCount int64
	stored               int64 // its sum
}

// places are where accountColumns go.
func (x *accountRow) places() []any {
	return append(make([]any, 0, 12), &x.id, &x.created, &x.disabled, &x.count, &x.kickCount,
		&x.validFrom, &x.highestSigTime, &x.activeDay, &x.activeMonth, &x.stored)
}

// scan reads accountColumns, behind which there may be others.
func (x *accountRow) scan(r row, more ...any) error {
	if r.Scan(append(x.places(), more...)...) != nil {
		return damaged("an account's row cannot be read")
	}
	x.read()
	return nil
}

// read takes what was scanned.
func (x *accountRow) read() { x.counter, x.restKickCounter = uint64(x.count), uint64(x.kickCount) }

// check tells whether the row is as it was written, of the account that it was found for.
func (x *accountRow) check(old tables, a rollcall.Account) error {
	if !old.good(accountTable, x.stored, x.sum(x.id, int64(a.App), string(a.User))) {
		return damaged("account %d", x.id)
	}
	return nil
}

// state is what the row says.
func (x *accountRow) state() policy.State {
	return policy.State{
		Created: moment(x.created), Disabled: x.disabled, Counter: x.counter, RESTKickCounter: x.restKickCounter,
		ValidFrom: x.validFrom, HighestSigTime: x.highestSigTime, ActiveDay: x.activeDay, ActiveMonth: x.activeMonth,
	}
}

// A sessionRow is a session's row, but for its account.
type sessionRow struct {
	policy.Session

	number, conn           int64
	since, away, due       int64
	fixed, present, before sql.RawBytes
	stored                 int64
}

// scan reads sessionColumns, before which there may be others.
func (x *sessionRow) scan(r row, first ...any) error {
	err := r.Scan(append(first, &x.number, (*string)(&x.Device), &x.DeviceName, (*uint8)(&x.Platform), &x.since, &x.conn, &x.Node, &x.away,
		&x.SigTime, &x.SigEnds, &x.Address, &x.fixed, &x.present, &x.before, &x.due, &x.stored)...)
	x.Number, x.Conn, x.Since, x.Away = uint64(x.number), uint64(x.conn), moment(x.since), moment(x.away)
	x.Secret = secret(x.fixed, x.present, x.before)
	return err
}

func scanSession(old tables, account int64, r row) (policy.Session, error) {
	var x sessionRow
	if err := x.scan(r); err != nil {
		return x.Session, damaged("a session of account %d cannot be read", account)
	}
	if !old.good(sessionTable, x.stored, sumOfSession(account, &x.Session, x.due)) {
		return x.Session, damaged("session %d of account %d", x.Number, account)
	}
	return x.Session, nil
}

// A kickRow is a kick's row, but for its account.
type kickRow struct {
	policy.Kick

	session, by, at        int64
	fixed, present, before sql.RawBytes
	stored                 int64
}

// scan reads kickColumns, before which there may be others.
func (x *kickRow) scan(r row, first ...any) error {
	err := r.Scan(append(first, &x.session, (*string)(&x.Device), (*uint8)(&x.Platform), (*uint8)(&x.Reason), &x.by, (*uint8)(&x.By.Platform),
		&x.By.DeviceName, (*uint8)(&x.By.Rule), &x.By.Limit, &x.By.Operator, &x.at, &x.fixed, &x.present, &x.before, &x.stored)...)
	x.Kick.Session, x.By.Session, x.At = uint64(x.session), uint64(x.by), moment(x.at)
	x.Secret = secret(x.fixed, x.present, x.before)
	return err
}

func scanKick(old tables, account int64, r row) (policy.Kick, error) {
	var x kickRow
	if err := x.scan(r); err != nil {
		return x.Kick, damaged("a kick of account %d cannot be read", account)
	}
	if !old.good(kickTable, x.stored, sumOfKick(account, &x.Kick)) {
		return x.Kick, damaged("the kick of session %d of account %d", x.Session, account)
	}
	return x.Kick, nil
}

// A tryRow is a try number's row, but for its account.
type tryRow struct {
	policy.Try

	highest, seen, session int64
	fixed                  sql.RawBytes
	stored                 int64
}

// scan reads tryColumns, before which there may be others.
func (x *tryRow) scan(r row, first ...any) error {
	err := r.Scan(append(first, (*string)(&x.Device), &x.highest, &x.seen, &x.fixed, &x.session, &x.stored)...)
	x.Highest, x.Seen, x.Session = uint64(x.highest), moment(x.seen), uint64(x.session)
	copy(x.Fixed[:], x.fixed)
	return err
}

func scanTry(old tables, account int64, r row) (policy.Try, error) {
	var x tryRow
	if err := x.scan(r); err != nil {
		return x.Try, damaged("a try number of account %d cannot be read", account)
	}
	if !old.good(tryTable, x.stored, sumOfTry(account, &x.Try)) {
		return x.Try, damaged("a try number of account %d", account)
	}
	return x.Try, nil
}

func secret(fixed, present, before []byte) (s policy.Secret) {
	copy(s.Fixed[:], fixed)
	copy(s.Present[:], present)
	copy(s.Before[:], before)
	return s
}
