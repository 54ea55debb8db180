package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// setBack makes the store one that was set back to an earlier moment: all sessions end,
// and what clients hold of conversations is of another past. It returns how many accounts
// there are.
func (s *Store) setBack(ctx context.Context, now time.Time, tell func(store.Progress)) (n int64, err error) {
	if err := s.SetValue(ctx, store.Past, []byte(rand.Text())); err != nil {
		return 0, err
	}
	last := progressed{time.Now()}
	for after, more := int64(0), true; more; {
		var page []rollcall.Account
		if page, after, err = s.accountsAfter(ctx, after); err != nil {
			return n, err
		}
		g, ctx := errgroup.WithContext(ctx)
		for _, a := range page {
			g.Go(func() error {
				_, err := s.Mutate(ctx, a, func(before policy.State) policy.Outcome { return policy.SetBack(before, now, policy.Rules{}) })
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return n, err
		}
		n += int64(len(page))
		if more = len(page) == pageAccounts; last.again() {
			tell(store.Progress{Part: "set back accounts", Done: n})
		}
	}
	return n, nil
}

// pageAccounts is how many accounts are set back at once.
const pageAccounts = 1024

func (s *Store) accountsAfter(ctx context.Context, after int64) (page []rollcall.Account, last int64, err error) {
	last = after
	err = s.read(ctx, "list accounts", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT id, app, user FROM account WHERE id > ? ORDER BY id LIMIT ?`, after, pageAccounts)
		if err != nil {
			return err
		}
		page, err = scanRows(rows, func(r *sql.Rows) (a rollcall.Account, err error) {
			var app int64
			if err = r.Scan(&last, &app, (*string)(&a.User)); err != nil {
				err = fmt.Errorf("account after %d: %w", last, err)
			}
			a.App = rollcall.AppID(app)
			return a, err
		})
		return err
	})
	return page, last, err
}
