package stage

import (
	"context"
	"errors"

	"rollcall.example"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/server"
)

// Sessions are the account's sessions, as the running server keeps them.
func (s *Stage) Sessions(user string) (sessions []policy.Session, err error) {
	err = s.ask(func(ctx context.Context, running *server.Server) error {
		state, err := running.Account(ctx, account(user))
		sessions = state.Sessions
		return err
	})
	return sessions, err
}

// History is the latest of the account's history, newest first.
func (s *Stage) History(user string) (rows []store.HistoryRow, err error) {
	err = s.ask(func(ctx context.Context, running *server.Server) error {
		rows, err = running.History(ctx, account(user), 1000)
		return err
	})
	return rows, err
}

// SetPolicy gives the app a policy, from the next login on.
func (s *Stage) SetPolicy(p apps.Policy) error { return s.change(apps.ChangeTo(p)) }

// Admit lets the app admit one platform only, from the next login on.
func (s *Stage) Admit(only rollcall.Platform) error {
	change := make(apps.Change)
	if err := change.Parse("platforms=" + only.String()); err != nil {
		return err
	}
	return s.change(change)
}

// SetAppDisabled disables or enables the app.
func (s *Stage) SetAppDisabled(disabled bool) error {
	return s.ask(func(ctx context.Context, running *server.Server) error {
		return running.Apps().SetDisabled(ctx, App, disabled)
	})
}

// change changes the app's settings.
func (s *Stage) change(c apps.Change) error {
	return s.ask(func(ctx context.Context, running *server.Server) error {
		_, err := running.Apps().ChangeSettings(ctx, App, c)
		return err
	})
}

// ReplaceKey gives the app a new key in the place of its old one: tickets signed
// with that are refused from now on.
func (s *Stage) ReplaceKey() error {
	return s.ask(func(ctx context.Context, running *server.Server) error {
		app, err := running.Apps().App(App)
		if err != nil {
			return err
		}
		old := app.Keys()
		_, secret, err := running.Apps().AddKey(ctx, App, "")
		if err != nil {
			return err
		}
		for _, k := range old {
			err = errors.Join(err, running.Apps().RemoveKey(ctx, App, k.ID))
		}
		s.key = secret
		return err
	})
}

// ask lets f ask the running server. Nobody stops it meanwhile.
func (s *Stage) ask(f func(context.Context, *server.Server) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return errors.New("the server is stopped")
	}
	return f(context.Background(), s.run.server)
}

func account(user string) rollcall.Account {
	return rollcall.Account{App: App, User: rollcall.UserID(user)}
}
