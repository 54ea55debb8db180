package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall.example/imcode"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/stage"
)

// A Player plays scenarios with a face.
type Player struct {
	Face Face
	// Stage is what a scenario is played on: a new one for each.
	Stage *stage.Stage
	// Settle returns when nothing moves any more: testing/synctest's Wait. It may
	// be nil where time is real, for scenarios that need not know.
	Settle func()
	// These, if set, hear of each line before and after it is played, and of
	// each event when the app hears it, on whichever goroutine that is.
	Began, Done func(Step)
	Heard       func(device string, e Event)
	// Told, if set, takes what support reads.
	Told func(text string)
}

// A performance is one scenario as it is played.
type performance struct {
	*Player

	ctx     context.Context //nolint:containedctx // a performance lives as long as one call of Play
	actors  map[string]*actor
	order   []*actor
	tickets map[string]string
	talks   talks
}

// Play plays a scenario, or until ctx ends. The error says which line was not as
// expected. When it returns nothing of the scenario runs any more.
func (p *Player) Play(ctx context.Context, scenario Scenario) error {
	s := &performance{Player: p, ctx: ctx, actors: make(map[string]*actor), tickets: make(map[string]string), talks: talks{texts: make(map[string]string)}}
	err := s.perform(scenario)
	for _, a := range s.order {
		a.endpoint().Mend() // nobody waits for what cannot come
		err = errors.Join(err, a.end())
	}
	return err
}

func (s *performance) perform(scenario Scenario) error {
	if err := s.Stage.SetPolicy(scenario.policy); err != nil {
		return fmt.Errorf("%s:1: %w", scenario.File, err)
	}
	for _, step := range scenario.Steps {
		s.settle()
		if s.Began != nil {
			s.Began(step)
		}
		if err := step.play(s); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", scenario.File, step.Line, step.Text, err)
		}
		if s.Done != nil {
			s.Done(step)
		}
	}
	s.settle()
	for _, a := range s.order {
		if err := a.expectNoMore(); err != nil {
			return fmt.Errorf("%s:%d: after the end of %q: %w", scenario.File, scenario.Line, scenario.Title, err)
		}
	}
	return nil
}

// sleep lets time pass.
func (s *performance) sleep(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

func (s *performance) settle() {
	if s.Settle != nil {
		s.Settle()
	}
}

// actor is the device of this name, a new one at first.
func (s *performance) actor(name string) *actor {
	a := s.actors[name]
	if a == nil {
		a = &actor{show: s, name: name, directory: name, events: make(chan Event, 1<<16)}
		s.actors[name] = a
		s.order = append(s.order, a)
	}
	return a
}

func (s *performance) expectSessions(user string, want int) error {
	sessions, err := s.Stage.Sessions(user)
	if err == nil && len(sessions) != want {
		err = fmt.Errorf("the server keeps %d", len(sessions))
	}
	return err
}

func (s *performance) expectHistory(user string, kind policy.EventKind, want int) error {
	n, err := s.count(user, kind)
	if err == nil && n != want {
		err = fmt.Errorf("the history has %d", n)
	}
	return err
}

func (s *performance) expectSignedUp(user string, want bool) error {
	n, err := s.count(user, policy.EventSignedUp)
	switch {
	case err != nil:
		return err
	case n > 1:
		return fmt.Errorf("%d times, by the history", n)
	case (n == 1) != want:
		return fmt.Errorf("by the history: %t", n == 1)
	}
	return nil
}

// count counts the rows of a kind in an account's history.
func (s *performance) count(user string, kind policy.EventKind) (n int, err error) {
	rows, err := s.Stage.History(user)
	for _, row := range rows {
		if row.Kind == kind {
			n += row.Count
		}
	}
	return n, err
}

// matches tells whether got is what e wants; what a face does not tell is passed
// over.
func (e Event) matches(got Event) bool {
	if e.Kind != got.Kind {
		return false
	}
	switch e.Kind {
	case LoginResult, RenewalResult, LogoutResult, SignOutResult, SendResult, RecallResult, DeleteResult, MarkResult, PinResult:
		return e.Result == got.Result
	case NewMessage, Recalled, ReadByPeer, UnreadChanges:
		return e.Count == got.Count && e.Said.Text == got.Said.Text && (e.Said.From == "" || e.Said.From == got.Said.From)
	case ConnectFails:
		return e.Code == imcode.OK || e.Code == got.Code
	case Kicked:
		return e.By == nil || got.By == nil ||
			(e.Code == imcode.OK || e.Code == got.Code) &&
				(e.By.Reason == "" || e.By.Reason == got.By.Reason) &&
				(e.By.Rule == "" || e.By.Rule == got.By.Rule) &&
				(e.By.Platform == 0 || e.By.Platform == got.By.Platform)
	case Connecting, Connected, TicketEnds, TicketExpired:
	}
	return true
}
