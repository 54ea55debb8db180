package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// loads are the statements that read an account's state: on the reading connections
// database/sql's, on the writer's its own.
type loads[S any] struct{ account, sessions, kicks, tries S }

// A query is where a statement goes, and its text.
type query[S any] struct {
	into *S
	text string
}

// list names the statements with their text.
func (l *loads[S]) list() []query[S] {
	return []query[S]{
		{&l.account, `SELECT id, created, disabled, counter, rest_kick_counter, valid_from, highest_sig_time, active_day, active_month
			FROM account WHERE app = ? AND user = ?`},
		{&l.sessions, `SELECT number, device, device_name, platform, since, conn, node, away, sig_time, sig_ends, address, fixed, present, before
			FROM session WHERE account = ?`},
		{&l.kicks, `SELECT session, device, platform, reason, by_session, by_platform, by_device_name, by_rule, by_limit, by_operator, at, fixed, present, before
			FROM kick WHERE account = ?`},
		{&l.tries, `SELECT device, highest, seen, fixed, session
			FROM try WHERE account = ?`},
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

// load reads an account with the id of its row, which is 0 if it has none.
func (l *loads[S]) load(ask asking[S], a rollcall.Account) (id int64, s policy.State, err error) {
	var created, counter, kickCounter int64
	err = ask(l.account, func(r row) error {
		return r.Scan(&id, &created, &s.Disabled, &counter, &kickCounter, &s.ValidFrom, &s.HighestSigTime, &s.ActiveDay, &s.ActiveMonth)
	}, int64(a.App), string(a.User))
	if err == nil && id == 0 {
		return 0, policy.State{}, nil
	}
	if err == nil {
		s.Created, s.Counter, s.RESTKickCounter = moment(created), uint64(counter), uint64(kickCounter)
		s.Sessions, err = askAll(ask, l.sessions, scanSession, id)
	}
	if err == nil {
		s.Kicks, err = askAll(ask, l.kicks, scanKick, id)
	}
	if err == nil {
		s.Tries, err = askAll(ask, l.tries, scanTry, id)
	}
	if err != nil {
		return 0, policy.State{}, fmt.Errorf("read %s: %w", a, err)
	}
	arrange(s)
	return id, s, nil
}

// askAll reads all rows that a statement finds for an account.
func askAll[S, T any](ask asking[S], stmt S, scan func(row) (T, error), id int64) (all []T, err error) {
	err = ask(stmt, func(r row) error {
		x, err := scan(r)
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
				return err
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
	defer rows.Close()
	var all []T
	for rows.Next() {
		x, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, rows.Err()
}

func scanSession(rows row) (x policy.Session, err error) {
	var number, conn, since, away int64
	var device, name string
	var platform uint8
	var fixed, present, before sql.RawBytes
	err = rows.Scan(&number, &device, &name, &platform, &since, &conn, &x.Node, &away,
		&x.SigTime, &x.SigEnds, &x.Address, &fixed, &present, &before)
	x.Number, x.Conn = uint64(number), uint64(conn)
	x.Device, x.DeviceName, x.Platform = rollcall.DeviceID(device), name, rollcall.Platform(platform)
	x.Since, x.Away = moment(since), moment(away)
	x.Secret = secret(fixed, present, before)
	return x, err
}

func scanKick(rows row) (k policy.Kick, err error) {
	var session, by, at int64
	var device string
	var platform, reason, byPlatform, rule uint8
	var fixed, present, before sql.RawBytes
	err = rows.Scan(&session, &device, &platform, &reason, &by, &byPlatform, &k.By.DeviceName, &rule, &k.By.Limit, &k.By.Operator,
		&at, &fixed, &present, &before)
	k.Session, k.Device, k.Platform = uint64(session), rollcall.DeviceID(device), rollcall.Platform(platform)
	k.Reason, k.By.Session, k.By.Platform = policy.Reason(reason), uint64(by), rollcall.Platform(byPlatform)
	k.By.Rule, k.At = policy.Rule(rule), moment(at)
	k.Secret = secret(fixed, present, before)
	return k, err
}

func scanTry(rows row) (t policy.Try, err error) {
	var highest, seen, session int64
	var device string
	var fixed sql.RawBytes
	err = rows.Scan(&device, &highest, &seen, &fixed, &session)
	t.Device, t.Highest, t.Seen, t.Session = rollcall.DeviceID(device), uint64(highest), moment(seen), uint64(session)
	copy(t.Fixed[:], fixed)
	return t, err
}

func secret(fixed, present, before []byte) (s policy.Secret) {
	copy(s.Fixed[:], fixed)
	copy(s.Present[:], present)
	copy(s.Before[:], before)
	return s
}
