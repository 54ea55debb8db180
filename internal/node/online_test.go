package node_test

import (
	"maps"
	"testing"

	"rollcall.example"
	"rollcall.example/internal/node"
	"rollcall.example/internal/policy"
)

// wantOnline compares how many are connected now, and were at most, in app 1.
func wantOnline(t *testing.T, when string, r *node.Roster, now, most int) {
	t.Helper()
	if gotNow, gotMost := r.Served(), r.Most()[1]; gotNow != now || gotMost != most {
		t.Errorf("%s: %d are online, %d at most; want %d and %d", when, gotNow, gotMost, now, most)
	}
}

func TestTheMostThatWereOnlineAtOnce(t *testing.T) {
	r := node.NewRoster()
	online := func(app rollcall.AppID, number, conn uint64) *node.Place {
		p := r.Reserve(rollcall.Account{App: app, User: "alice"}, &recorder{})
		p.Bind(session(number, conn))
		return p
	}
	first := online(1, 1, 1)
	online(1, 2, 1)
	wantOnline(t, "two sessions", r, 2, 2)
	second := online(1, 1, 2)
	wantOnline(t, "one of them on a new connection", r, 2, 2)
	first.Release()
	wantOnline(t, "the old connection is gone", r, 2, 2)
	late := online(1, 1, 1)
	wantOnline(t, "an older connection comes late", r, 2, 2)
	late.Release()
	wantOnline(t, "and goes", r, 2, 2)

	r.End(alice, []policy.Ended{ended(1, policy.EventKicked)}, nil)
	wantOnline(t, "one is kicked, and has not acknowledged it", r, 1, 2)
	second.Release()
	wantOnline(t, "its connection is gone", r, 1, 2)
	own := online(1, 3, 1)
	r.End(alice, []policy.Ended{ended(3, policy.EventLogout)}, own)
	wantOnline(t, "one has logged out, and its connection waits for the answer", r, 1, 2)

	reserved := r.Reserve(alice, &recorder{})
	r.End(alice, []policy.Ended{ended(4, policy.EventKicked)}, nil)
	if _, over := reserved.Bind(session(4, 1)); !over {
		t.Error("a session that was kicked between its commit and its binding goes on")
	}
	wantOnline(t, "one that ended before it was bound", r, 1, 2)

	if n := r.Anew(1); n != 1 {
		t.Errorf("anew there is %d, want 1", n)
	}
	wantOnline(t, "anew", r, 1, 1)
	if n := r.Anew(2); n != 0 {
		t.Errorf("of an app that nobody was online in there is %d, want 0", n)
	}
	online(2, 1, 1)
	if got, want := r.Most(), map[rollcall.AppID]int{1: 1, 2: 1}; !maps.Equal(got, want) {
		t.Errorf("each app: %v, want %v", got, want)
	}
}

func TestARiseIsTold(t *testing.T) {
	r := node.NewRoster()
	risen := func() bool {
		select {
		case <-r.Risen():
			return true
		default:
			return false
		}
	}
	p := r.Reserve(alice, &recorder{})
	if risen() {
		t.Error("a place that is only reserved is told as a rise")
	}
	p.Bind(session(1, 1))
	if !risen() || risen() {
		t.Error("want one rise of the first")
	}
	p.Release()
	r.Reserve(alice, &recorder{}).Bind(session(2, 1))
	if risen() {
		t.Error("as many as before are told as a rise")
	}
	r.Reserve(alice, &recorder{}).Bind(session(3, 1))
	r.Reserve(alice, &recorder{}).Bind(session(4, 1))
	if !risen() || risen() {
		t.Error("want one rise of the third and fourth")
	}
}
