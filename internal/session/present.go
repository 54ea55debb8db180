package session

import (
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// A present is what is so when a request is judged: not when it came, since it may
// have waited in the line.
type present struct {
	now   time.Time
	lost  []policy.Lost // connections of the account that are known here to be gone
	rules policy.Rules
}

// A rule decides about one account. It must be pure: it may run twice.
type rule func(st policy.State, at present) policy.Outcome

func (s *Sessions) present(a rollcall.Account) present {
	return present{s.Now(), s.roster.Lost(a), s.rules(a.App)}
}

// rules are those of the app; of an app that is gone, none.
func (s *Sessions) rules(id rollcall.AppID) policy.Rules {
	app, err := s.apps.App(id)
	if err != nil {
		return policy.Rules{}
	}
	return app.Rules
}
