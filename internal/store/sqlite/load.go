package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// loads are the statements that read an account's state.
type loads struct {
	account  *sql.Stmt
	sessions *sql.Stmt
	kicks    *sql.Stmt
	tries    *sql.Stmt
}

// list names the statements with their text.
func (l *loads) list() []statement {
	return []statement{
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

// load reads an account with the id of its row, which is 0 if it has none. In
// says in which transaction; nil: on the statements' own connection.
func (l *loads) load(ctx context.Context, in *sql.Tx, a rollcall.Account) (row int64, s policy.State, err error) {
	at := func(stmt *sql.Stmt) *sql.Stmt {
		if in == nil {
			return stmt
		}
		return in.StmtContext(ctx, stmt)
	}
	var created, counter, kickCounter int64
	err = at(l.account).QueryRowContext(ctx, int64(a.App), string(a.User)).Scan(&row, &created, &s.Disabled,
		&counter, &kickCounter, &s.ValidFrom, &s.HighestSigTime, &s.ActiveDay, &s.ActiveMonth)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, policy.State{}, nil
	}
	if err == nil {
		s.Created, s.Counter, s.RESTKickCounter = moment(created), uint64(counter), uint64(kickCounter)
		s.Sessions, err = scanAll(ctx, at(l.sessions), scanSession, row)
	}
	if err == nil {
		s.Kicks, err = scanAll(ctx, at(l.kicks), scanKick, row)
	}
	if err == nil {
		s.Tries, err = scanAll(ctx, at(l.tries), scanTry, row)
	}
	if err != nil {
		return 0, policy.State{}, fmt.Errorf("read %s: %w", a, err)
	}
	arrange(s)
	return row, s, nil
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

func scanSession(rows *sql.Rows) (x policy.Session, err error) {
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

func scanKick(rows *sql.Rows) (k policy.Kick, err error) {
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

func scanTry(rows *sql.Rows) (t policy.Try, err error) {
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
