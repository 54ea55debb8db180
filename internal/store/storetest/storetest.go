// Package storetest holds the promises of package store as tests, for every
// engine to pass.
package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// An Engine is a whole store.
type Engine interface {
	store.Accounts
	store.Records
	store.Chat
	Settings
	Close() error
}

// Settings are what operators set.
type Settings interface {
	store.Apps
	store.Values
}

// Fresh makes an empty place for an engine, and returns what opens the engine
// on it: once, and again after each Close.
type Fresh func(t *testing.T) (open func() Engine)

// Run holds an engine to every promise.
func Run(t *testing.T, fresh Fresh) {
	t.Helper()
	for _, tt := range []struct {
		promise string
		test    func(*testing.T, Engine)
	}{
		{"numbers are given in commit order", order},
		{"no decision is lost or seen by halves", chain},
		{"accounts do not touch each other", isolation},
		{"a panicking rule fails alone", panicking},
		{"an outcome that cannot be written fails alone", unwritable},
		{"a state reads back as it was written", roundTrip},
		{"a rule sees what a reader sees", sameView},
		{"an outcome that leaves nothing writes nothing", nothing},
		{"a request cancelled while it waits never happens", cancelled},
		{"a request that has begun is waited for", begun},
		{"history reads back as it was written", historyRoundTrip},
		{"history pages from the newest", historyPages},
		{"equal events fold", folding},
		{"not for ever", foldingEnds},
		{"old history goes, and nothing else", pruning},
		{"an account's deletion is its last row", lastRow},
		{"who is logged in is read page by page", loggedIn},
		{"usage is counted once", usage},
		{"usage is counted once by many at a time", usageTogether},
		{"usage is read by day or by month", usageRange},
		{"a day keeps its highest peak", peaks},
		{"old usage goes, and nothing else", pruningUsage},
		{"the earliest due come first", due},
		{"a session that never ends is never due", neverDue},
		{"apps are kept", apps},
		{"keys rotate", keys},
		{"an app is added whole or not at all", wholeApp},
		{"a value is what it was set to last", values},
		{"what is said is counted in the order of the commits", saidInOrder},
		{"a message is said once", saidOnce},
		{"what cannot be said fails alone", unwritableTalk},
		{"conversations are read by their changes", changedSince},
		{"an act reaches those whom it concerns", acted},
		{"messages are read by pages", pagesOfMessages},
		{"pages pass over what is deleted", deletedRuns},
		{"old messages go, and nothing else", trimming},
		{"who was away is told what became of messages", altered},
		{"or that there was too much of it", alteredMany},
		{"and not of everything at once", alteredEverywhere},
		{"a page says what is kept", keptFrom},
		{"a deleted account leaves its conversations to nobody", forgotten},
	} {
		t.Run(tt.promise, func(t *testing.T) { promised(t, fresh(t)(), tt.test) })
	}
	t.Run("everything is there after a reopen", func(t *testing.T) { reopen(t, fresh(t)) })
	t.Run("nothing is said after the end of a session", func(t *testing.T) { saidWhileIn(t, fresh(t)) })
	t.Run("conversations are there after a reopen", func(t *testing.T) { talkReopened(t, fresh(t)) })
	t.Run("a closed store says so", func(t *testing.T) { closed(t, fresh(t)()) })
}

// promised runs a test on an engine, and closes it.
func promised(t *testing.T, e Engine, test func(*testing.T, Engine)) {
	test(t, e)
	if err := e.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// start is when the tests begin, on a day far from midnight.
var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func account(user string) rollcall.Account {
	return rollcall.Account{App: 1, User: rollcall.UserID(user)}
}

// mutate runs a rule that must not fail.
func mutate(t *testing.T, e Engine, a rollcall.Account, rule store.Rule) policy.Outcome {
	t.Helper()
	o, err := e.Mutate(t.Context(), a, rule)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// state reads an account.
func state(t *testing.T, e Engine, a rollcall.Account) policy.State {
	t.Helper()
	s, err := e.State(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// history reads all rows of an account, newest first.
func history(t *testing.T, e Engine, a rollcall.Account) []store.HistoryRow {
	t.Helper()
	rows, err := e.History(t.Context(), a, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// becomes is the rule that makes s the state.
func becomes(s policy.State, events ...policy.Event) store.Rule {
	return func(policy.State) policy.Outcome { return policy.Outcome{State: s, Events: events} }
}

// next gives the account its next session number, and nothing else.
func next(s policy.State) policy.Outcome {
	s.Counter++
	return policy.Outcome{State: s}
}

// logIn is a login from a device, at a time.
func logIn(device rollcall.DeviceID, at time.Time) store.Rule {
	q := policy.Login{
		Now: at, Node: "node", Device: device, Platform: rollcall.Android,
		SigTime: at.Unix(), SigEnds: at.Unix() + 3600, Try: uint64(at.UnixMilli()),
	}
	copy(q.Fixed[:], fmt.Sprint(device, at.UnixMilli()))
	q.Changing[0] = 1
	return func(s policy.State) policy.Outcome { return policy.LogIn(s, q, policy.Multi()) }
}

// hold keeps the engine inside a rule of its own account until release is
// called, so that what is asked meanwhile waits.
func hold(t *testing.T, e Engine) (release func()) {
	t.Helper()
	inside, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var all sync.WaitGroup
	all.Go(func() {
		_, err := e.Mutate(t.Context(), account("holder"), func(s policy.State) policy.Outcome {
			once.Do(func() { close(inside) })
			<-leave
			return policy.Outcome{State: s}
		})
		if err != nil {
			t.Errorf("hold: %v", err)
		}
	})
	<-inside
	return sync.OnceFunc(func() {
		close(leave)
		all.Wait()
	})
}

// together calls f n times at once and waits for all.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// ask runs a rule in the background and hands over its error.
func ask(ctx context.Context, e Engine, a rollcall.Account, rule store.Rule) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := e.Mutate(ctx, a, rule)
		done <- err
	}()
	return done
}
