package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// order: whoever asks after another was answered gets a higher number.
func order(t *testing.T, e Engine) {
	const callers, calls = 64, 8
	a := account("alice")
	var answered newest
	var given [callers*calls + 1]atomic.Int32
	together(callers, func(int) {
		for range calls {
			floor := answered.number()
			o, err := e.Mutate(t.Context(), a, next)
			if err != nil {
				t.Error(err)
				return
			}
			n := o.State.Counter
			if n <= floor || n > callers*calls {
				t.Errorf("given number %d after %d had been answered, of %d in all", n, floor, callers*calls)
				return
			}
			given[n].Add(1)
			answered.raise(n)
		}
	})
	for n := 1; n < len(given); n++ {
		if got := given[n].Load(); got != 1 {
			t.Errorf("number %d was given %d times", n, got)
		}
	}
}

// A newest keeps the highest number answered so far.
type newest struct {
	mu sync.Mutex
	n  uint64
}

func (x *newest) number() uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.n
}

func (x *newest) raise(n uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.n = max(x.n, n)
}

// chain: each rule sees what the one before it made, in every table.
func chain(t *testing.T, e Engine) {
	const callers = 64
	a := account("alice")
	together(callers, func(i int) {
		device := rollcall.DeviceID(fmt.Sprintf("device-%d", i))
		if _, err := e.Mutate(t.Context(), a, logIn(device, start)); err != nil {
			t.Error(err)
		}
	})
	s := state(t, e, a)
	if len(s.Sessions) != 1 || s.Sessions[0].Number != callers || s.Counter != callers {
		t.Errorf("after %d logins on one platform: sessions %v, counter %d; want one session, the newest", callers, s.Sessions, s.Counter)
	}
	if len(s.Tries) != callers {
		t.Errorf("%d devices have a try number, want %d", len(s.Tries), callers)
	}
	if len(s.Kicks) != policy.MinKickRows {
		t.Errorf("%d kick rows, want the bound %d", len(s.Kicks), policy.MinKickRows)
	}
	logins, kicks := map[uint64]int{}, map[uint64]int{}
	for _, row := range history(t, e, a) {
		if row.Kind == policy.EventLogin {
			logins[row.Session]++
		}
		if row.Kind == policy.EventKicked {
			kicks[row.Session]++
		}
	}
	if len(logins) != callers || len(kicks) != callers-1 {
		t.Errorf("history tells of %d logins and %d kicks, want %d and %d", len(logins), len(kicks), callers, callers-1)
	}
}

// isolation: an account is its app and its UserID to the letter.
func isolation(t *testing.T, e Engine) {
	all := []rollcall.Account{
		{App: 1, User: "alice"}, {App: 1, User: "Alice"}, {App: 2, User: "alice"},
		{App: 1, User: "alice-"}, {App: 11, User: "alice"}, {App: 1<<32 - 1, User: "alice"},
	}
	for i, a := range all {
		for range i + 1 {
			mutate(t, e, a, next)
		}
	}
	for i, a := range all {
		if got := state(t, e, a).Counter; got != uint64(i+1) {
			t.Errorf("%s has counter %d, want %d", a, got, i+1)
		}
	}
}

// crowd asks for a bad decision among good ones, all waiting at once, and
// returns the error of the bad one.
func crowd(t *testing.T, e Engine, bad func(policy.State) policy.Outcome) error {
	t.Helper()
	release := hold(t, e)
	defer release()
	users := []string{"alice", "bob", "carol", "dave"}
	var good []<-chan error
	for _, user := range users {
		good = append(good, ask(t.Context(), e, account(user), next))
	}
	failed := ask(t.Context(), e, account("alice"), bad)
	for _, user := range users {
		good = append(good, ask(t.Context(), e, account(user), next))
	}
	release()
	for _, done := range good {
		if err := <-done; err != nil {
			t.Errorf("a neighbour failed: %v", err)
		}
	}
	err := <-failed
	for _, user := range users {
		if s := state(t, e, account(user)); s.Counter != 2 || len(s.Sessions) != 0 {
			t.Errorf("%s after two good decisions: counter %d, sessions %v; want 2 and none", user, s.Counter, s.Sessions)
		}
	}
	return err
}

func panicking(t *testing.T, e Engine) {
	err := crowd(t, e, func(policy.State) policy.Outcome { panic("no such platform") })
	if err == nil || !strings.Contains(err.Error(), "no such platform") {
		t.Errorf("a panicking rule: error %v, want one with the panic", err)
	}
}

func unwritable(t *testing.T, e Engine) {
	err := crowd(t, e, func(s policy.State) policy.Outcome {
		s.Sessions = []policy.Session{{Number: 7, Device: "one"}, {Number: 7, Device: "two"}}
		return policy.Outcome{State: s}
	})
	if err == nil {
		t.Error("two sessions of one number were written")
	}
}

// nothing: a refused login signs nobody up, and a decision to change nothing
// leaves no trace either.
func nothing(t *testing.T, e Engine) {
	a := account("nobody")
	refused := policy.Event{At: start, Kind: policy.EventRefused, Code: 70001}
	mutate(t, e, a, becomes(policy.State{}, refused))
	mutate(t, e, a, func(s policy.State) policy.Outcome { return policy.Outcome{State: s} })
	if s := state(t, e, a); !same(s, policy.State{}) {
		t.Errorf("a refused stranger has state %+v", s)
	}
	if rows := history(t, e, a); len(rows) != 0 {
		t.Errorf("a refused stranger has history %+v", rows)
	}
	mutate(t, e, a, becomes(policy.State{Tries: []policy.Try{{Device: "device", Highest: uint64(start.UnixMilli()) - 1, Seen: start}}}, refused))
	if rows := history(t, e, a); len(rows) != 0 {
		t.Errorf("somebody who has not signed up has history %+v", rows)
	}
	mutate(t, e, a, logIn("device", start))
	if rows := history(t, e, a); len(rows) != 2 || rows[1].Kind != policy.EventSignedUp {
		t.Errorf("the first login's history is %+v, want signed up, then login", rows)
	}
}

func cancelled(t *testing.T, e Engine) {
	release := hold(t, e)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	waiting := ask(ctx, e, account("alice"), next)
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while waiting: %v, want context.Canceled", err)
	}
	if err := <-ask(ctx, e, account("alice"), next); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before asking: %v, want context.Canceled", err)
	}
	release()
	if o := mutate(t, e, account("alice"), next); o.State.Counter != 1 {
		t.Errorf("the next decision made number %d, want 1: a cancelled one has happened", o.State.Counter)
	}
}

func begun(t *testing.T, e Engine) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o, err := e.Mutate(ctx, account("alice"), func(s policy.State) policy.Outcome {
		cancel()
		return next(s)
	})
	if err != nil || o.State.Counter != 1 {
		t.Fatalf("cancelled from inside: counter %d, error %v; want 1 and none", o.State.Counter, err)
	}
	if got := state(t, e, account("alice")).Counter; got != 1 {
		t.Errorf("counter is %d, want 1", got)
	}
}
