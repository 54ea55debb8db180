package server_test

import (
	"context"
	"testing"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store/sqlite"
)

// inStore changes the store of a server that does not run, in ways that no rule does.
func inStore(t *testing.T, dir string, change func(ctx context.Context, s *sqlite.Store) error) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // which a bubble may not share
	s, err := sqlite.Open(ctx, dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := change(ctx, s); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func disableApp(t *testing.T, dir string) {
	t.Helper()
	inStore(t, dir, func(ctx context.Context, s *sqlite.Store) error { return s.SetAppDisabled(ctx, app, true) })
}

// disableAccount leaves the account's sessions as they are.
func disableAccount(t *testing.T, dir, user string) {
	t.Helper()
	inStore(t, dir, func(ctx context.Context, s *sqlite.Store) error {
		_, err := s.Mutate(ctx, rollcall.Account{App: app, User: rollcall.UserID(user)}, func(st policy.State) policy.Outcome {
			st.Disabled = true
			return policy.Outcome{State: st}
		})
		return err
	})
}
