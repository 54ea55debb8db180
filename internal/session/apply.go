package session

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

const (
	applyPage   = 256 // accounts read at once
	maxExamples = 20  // sessions that an Applied names
)

// An Applied is what applying a policy does, or would do.
type Applied struct {
	Accounts int // that have a session
	Touched  int // of which one goes
	Sessions int // that go
	Examples []Example
}

// An Example is one session that goes.
type Example struct {
	User   rollcall.UserID
	Ended  policy.Session
	Notice policy.Notice
}

// Preview says which sessions of an app would go if the rules were applied now.
// It reads page by page, holds up nobody, and changes nothing. It tells progress,
// if that is not nil, after each page.
func (s *Sessions) Preview(ctx context.Context, app rollcall.AppID, rules policy.Rules, progress func(Applied)) (Applied, error) {
	return s.overAll(ctx, app, progress, func(a rollcall.Account, st policy.State) (policy.Outcome, error) {
		return policy.ApplyPolicy(st, policy.Apply{Now: s.Now(), Lost: s.roster.Lost(a)}, rules), nil
	})
}

// Apply puts the policy in force for those who are logged in to an app already.
// When it returns without an error, that has happened for every account that was
// logged in when it began; it may be repeated.
func (s *Sessions) Apply(ctx context.Context, app rollcall.AppID, operator string, progress func(Applied)) (Applied, error) {
	return s.overAll(ctx, app, progress, func(a rollcall.Account, st policy.State) (policy.Outcome, error) {
		at := s.present(a) // another policy may have been set since it began
		if would := policy.ApplyPolicy(st, policy.Apply{Now: at.now, Lost: at.lost}, at.rules); len(would.Ended)+len(would.Events) == 0 {
			return would, nil
		}
		return s.act(ctx, a, func(st policy.State, at present) policy.Outcome {
			return policy.ApplyPolicy(st, policy.Apply{Now: at.now, Lost: at.lost, Operator: operator}, at.rules)
		})
	})
}

// overAll decides about every account of the app that has a session, some at a
// time, and adds up what came of it.
func (s *Sessions) overAll(ctx context.Context, app rollcall.AppID, progress func(Applied), decide func(rollcall.Account, policy.State) (policy.Outcome, error)) (Applied, error) {
	if _, err := s.apps.App(app); err != nil {
		return Applied{}, err
	}
	var sum Applied
	for after := rollcall.UserID(""); ; {
		page, err := s.store.LoggedIn(ctx, app, after, applyPage)
		if err != nil {
			return sum, s.internal(rollcall.Account{App: app, User: after}, err)
		}
		if len(page) == 0 {
			return sum, nil
		}
		after = page[len(page)-1].User
		if err := sum.addPage(app, page, decide); err != nil {
			return sum, err
		}
		if progress != nil {
			progress(sum)
		}
	}
}

func (sum *Applied) addPage(app rollcall.AppID, page []store.Account, decide func(rollcall.Account, policy.State) (policy.Outcome, error)) error {
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(sweepWorkers)
	for _, one := range page {
		g.Go(func() error {
			o, err := decide(rollcall.Account{App: app, User: one.User}, one.State)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			sum.add(one.User, o.Ended)
			return nil
		})
	}
	return g.Wait()
}

func (sum *Applied) add(user rollcall.UserID, ended []policy.Ended) {
	sum.Accounts++
	touched := false
	for _, e := range ended {
		if e.Notice.Reason != policy.PolicyApplied { // time had ended it already
			continue
		}
		touched = true
		sum.Sessions++
		if len(sum.Examples) < maxExamples {
			sum.Examples = append(sum.Examples, Example{user, e.Session, e.Notice})
		}
	}
	if touched {
		sum.Touched++
	}
}
