package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// reads are the statements of the reading connections.
type reads struct {
	loads[*sql.Stmt]
	talkLoads[*sql.Stmt]

	due, loggedIn, history, usage, apps, keys, values *sql.Stmt
}

func prepareReads(ctx context.Context, db *sql.DB, old tables) (*reads, error) {
	r := &reads{loads: loads[*sql.Stmt]{old: old}, talkLoads: talkLoads[*sql.Stmt]{old: old}}
	var all []statement
	for _, q := range append(r.loads.list(), r.talkLoads.list()...) {
		all = append(all, statement(q))
	}
	return r, compile(ctx, db, append(all,
		statement{&r.due, `SELECT a.app, a.user, s.due FROM session s JOIN account a ON a.id = s.account ORDER BY s.due`},
		// It walks along the sessions, and not along the accounts, most of which have none.
		statement{&r.loggedIn, `SELECT a.user FROM session s CROSS JOIN account a ON a.id = s.account
			WHERE s.account > coalesce((SELECT id FROM account WHERE app = ? AND user = ?), 0) AND a.app = ?
			GROUP BY s.account ORDER BY s.account LIMIT ?`},
		statement{&r.history, `SELECT ` + eventColumns + ` FROM history WHERE account = ? AND id < ? ORDER BY id DESC LIMIT ?`},
		statement{&r.usage, readUsage},
		statement{&r.apps, `SELECT ` + appColumns + ` FROM app ORDER BY id`},
		statement{&r.keys, `SELECT ` + keyColumns + ` FROM app_key ORDER BY app, created, id`},
		statement{&r.values, `SELECT ` + settingColumns + ` FROM setting`},
	))
}

// read runs f in a transaction that sees one moment of the store.
func (s *Store) read(ctx context.Context, doing string, f func(*sql.Tx) error) error {
	tx, err := s.readers.BeginTx(ctx, nil)
	if err == nil {
		err = f(tx)
		_ = tx.Rollback() // there is nothing to commit
	}
	if err == nil {
		return nil
	}
	err = s.writer.met(err)
	select {
	case <-s.writer.quit:
		return fmt.Errorf("%s: %w", doing, store.ErrClosed)
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}

// State implements store.Accounts.
func (s *Store) State(ctx context.Context, a rollcall.Account) (state policy.State, err error) {
	err = s.read(ctx, "read an account", func(tx *sql.Tx) error {
		_, state, err = s.reads.load(within(ctx, tx), a)
		return err
	})
	return state, err
}

// Due implements store.Accounts.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) (due []rollcall.Account, next time.Time, err error) {
	err = s.read(ctx, "find who is due", func(tx *sql.Tx) error {
		rows, err := tx.StmtContext(ctx, s.reads.due).QueryContext(ctx)
		if err != nil {
			return err
		}
		defer rows.Close()
		due, next, err = firstDue(rows, now, limit)
		return err
	})
	return due, next, err
}

// firstDue reads sessions, the earliest due first, as far as it must.
func firstDue(rows *sql.Rows, now time.Time, limit int) (due []rollcall.Account, next time.Time, err error) {
	seen := map[rollcall.Account]bool{}
	for rows.Next() {
		var app, at int64
		var user string
		if err := rows.Scan(&app, &user, &at); err != nil {
			return nil, time.Time{}, err
		}
		a := rollcall.Account{App: rollcall.AppID(app), User: rollcall.UserID(user)}
		switch {
		case at > now.UnixMilli():
			return due, moment(at), nil
		case seen[a]:
		case len(due) == limit:
			return due, moment(at), nil
		default:
			seen[a] = true
			due = append(due, a)
		}
	}
	return due, time.Time{}, rows.Err()
}

// LoggedIn implements store.Accounts.
func (s *Store) LoggedIn(ctx context.Context, app rollcall.AppID, after rollcall.UserID, limit int) (all []store.Account, err error) {
	err = s.read(ctx, "read who is logged in to app "+app.String(), func(tx *sql.Tx) error {
		users, err := scanAll(ctx, tx.StmtContext(ctx, s.reads.loggedIn), scanUser, int64(app), string(after), int64(app), limit)
		if err != nil {
			return err
		}
		for _, user := range users {
			id, state, err := s.reads.load(within(ctx, tx), rollcall.Account{App: app, User: user})
			if err == nil && id == 0 { // its row has another name than the index
				err = damaged("an account of app %s that has a session", app)
			}
			if err != nil {
				return err
			}
			all = append(all, store.Account{User: user, State: state})
		}
		return nil
	})
	return all, err
}

func scanUser(rows *sql.Rows) (rollcall.UserID, error) {
	var user string
	err := rows.Scan(&user)
	return rollcall.UserID(user), err
}

func duration(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
