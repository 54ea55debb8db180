package session

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// importWorkers is how many accounts are imported at once: as many as share a
// commit well, and few beside those who log in meanwhile.
const importWorkers = 256

// A NewAccount is one to be imported.
type NewAccount struct {
	User     rollcall.UserID
	Created  time.Time // when it signed up elsewhere; zero: now
	Disabled bool
}

// Import signs accounts up without a login, and says how many were not there. Those
// that are there stay as they are, so that it may be repeated. Each is durable by
// itself; an error leaves some of them undone. 70020: no such app.
func (s *Sessions) Import(ctx context.Context, app rollcall.AppID, all []NewAccount) (added int, err error) {
	if _, err := s.apps.App(app); err != nil {
		return 0, err
	}
	var count atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(importWorkers)
	for _, one := range all {
		g.Go(func() error {
			a := rollcall.Account{App: app, User: one.User}
			out, err := s.mutate(ctx, a, nil, func(st policy.State, at present) policy.Outcome {
				return policy.ImportAccount(st, policy.Import{Now: at.now, Created: one.Created, Disabled: one.Disabled}, at.rules)
			})
			if err == nil && out.Answer == policy.Granted {
				count.Add(1)
			}
			return err
		})
	}
	err = g.Wait()
	return int(count.Load()), err
}
