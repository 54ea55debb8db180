package session

import (
	"time"

	"rollcall.example"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/policy"
	"rollcall.example/usersig"
)

// A present is what is so when a request is judged: not when it came, since it may
// have waited in the line.
type present struct {
	now   time.Time
	lost  []policy.Lost // connections of the account that are known here to be gone
	app   *apps.App     // nil: it is gone
	rules policy.Rules  // its
}

// A rule decides about one account. It must be pure: it may run twice.
type rule func(st policy.State, at present) policy.Outcome

func (s *Sessions) present(a rollcall.Account) present {
	at := present{now: s.Now(), lost: s.roster.Lost(a)}
	if app, err := s.apps.App(a.App); err == nil {
		at.app, at.rules = app, app.Rules
	}
	return at
}

// rules are those of the app; of an app that is gone, none.
func (s *Sessions) rules(id rollcall.AppID) policy.Rules {
	app, err := s.apps.App(id)
	if err != nil {
		return policy.Rules{}
	}
	return app.Rules
}

// A condition is what a request was let in for. It is looked at again at the request's
// turn, before the rule; an error refuses it.
type condition func(at present) error

// stands is that a UserSig, which was good with the app as it was before, is so still: the
// app may have been disabled since, or have lost the key.
func stands(before *apps.App, a rollcall.Account, ticket string) condition {
	return func(at present) error {
		if at.app == before {
			return nil
		}
		if _, err := usersig.Check(ticket, a.App, string(a.User), at.app.Secrets()); err != nil {
			return err
		}
		return open(at.app)
	}
}
