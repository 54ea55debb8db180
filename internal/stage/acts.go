package stage

import (
	"context"

	"rollcall.example"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/history"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/session"
	"rollcall.example/server"
)

// Operator is who acts on a stage, as the history has it.
const Operator = "the operator"

// Set gives the app a setting as people write it: tell_kicked_on_login=true.
func (s *Stage) Set(setting string) error {
	change := make(apps.Change)
	if err := change.Parse(setting); err != nil {
		return err
	}
	return s.change(change)
}

// ApplyPolicy puts the app's policy in force for those who are logged in.
func (s *Stage) ApplyPolicy() error {
	return s.act(func(ctx context.Context, all *session.Sessions) error {
		_, err := all.Apply(ctx, App, Operator, nil)
		return err
	})
}

// Kick ends the user's sessions: those on the platform, or all if that is nil.
func (s *Stage) Kick(user string, on *rollcall.Platform) error {
	return s.act(func(ctx context.Context, all *session.Sessions) error {
		_, err := all.Kick(ctx, account(user), policy.Target{Platform: on}, Operator)
		return err
	})
}

// Explain says who is logged in as the user now, and why devices were signed out.
func (s *Stage) Explain(user string) (text string, err error) {
	err = s.ask(func(ctx context.Context, running *server.Server) error {
		a := history.Account{User: rollcall.UserID(user), Now: s.Now()}
		var err error
		if a.State, err = running.Account(ctx, account(user)); err != nil {
			return err
		}
		if a.Rows, err = running.History(ctx, account(user), 1000); err != nil {
			return err
		}
		text, err = a.Explain("")
		return err
	})
	return text, err
}

// Revoke makes the user's earlier tickets worthless and returns the first second
// whose tickets are good.
func (s *Stage) Revoke(user string) (validFrom int64, err error) {
	err = s.act(func(ctx context.Context, all *session.Sessions) error {
		out, err := all.Revoke(ctx, account(user), 0, Operator)
		validFrom = out.State.ValidFrom
		return err
	})
	return validFrom, err
}

// SetDisabled disables or enables the user's account.
func (s *Stage) SetDisabled(user string, disabled bool) error {
	return s.act(func(ctx context.Context, all *session.Sessions) error {
		_, err := all.SetDisabled(ctx, account(user), disabled, Operator)
		return err
	})
}

// Delete deletes the user's account.
func (s *Stage) Delete(user string) error {
	return s.act(func(ctx context.Context, all *session.Sessions) error {
		_, err := all.Delete(ctx, account(user), Operator)
		return err
	})
}

func (s *Stage) act(do func(context.Context, *session.Sessions) error) error {
	return s.ask(func(ctx context.Context, running *server.Server) error { return do(ctx, running.Sessions()) })
}
