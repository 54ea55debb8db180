package node_test

import (
	"fmt"
	"slices"
	"testing"

	"rollcall.example"
	"rollcall.example/internal/node"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/talk"
	"rollcall.example/wire"
)

var alice = rollcall.Account{App: 1, User: "alice"}

// A recorder is a connection that notes what it is told.
type recorder struct{ said []string }

func (r *recorder) Tell(n policy.Notice) {
	r.said = append(r.said, fmt.Sprintf("notice %d", n.Session))
}

func (r *recorder) Close(c wire.Close) {
	s := c.Code.String()
	if c.Connection != 0 {
		s += fmt.Sprintf(" by %d", c.Connection)
	}
	r.said = append(r.said, s)
}

func (r *recorder) Push(request uint64, c talk.Change) {
	r.said = append(r.said, fmt.Sprintf("change %d for %d", c.Number, request))
}

func (r *recorder) want(t *testing.T, who string, said ...string) {
	t.Helper()
	if !slices.Equal(r.said, said) {
		t.Errorf("%s was told %q, want %q", who, r.said, said)
	}
}

func session(number, conn uint64) policy.Session { return policy.Session{Number: number, Conn: conn} }

func ended(number uint64, how policy.EventKind) policy.Ended {
	return policy.Ended{Session: session(number, 1), Kind: how, Notice: policy.Notice{Session: number, Reason: policy.NewerLogin}}
}

func TestTheEndOfASessionReachesItsConnectionAndNoOther(t *testing.T) {
	for _, tt := range []struct {
		how  policy.EventKind
		said string
	}{
		{policy.EventKicked, "notice 1"},
		{policy.EventExpired, "notice 1"},
		{policy.EventLogout, "logged out"},
		{policy.EventReplaced, "replaced"},
	} {
		r := node.NewRoster()
		var one, two, stranger recorder
		r.Reserve(alice, &one).Bind(session(1, 1))
		r.Reserve(alice, &two).Bind(session(2, 1))
		r.Reserve(rollcall.Account{App: 2, User: "alice"}, &stranger).Bind(session(1, 1))
		r.End(alice, []policy.Ended{ended(1, tt.how)}, nil)
		one.want(t, "session 1, "+tt.how.String()+",", tt.said)
		two.want(t, "session 2")
		stranger.want(t, "another account")
	}
}

func TestWhatEndsBetweenCommitAndBindIsHandedOverByBind(t *testing.T) {
	r := node.NewRoster()
	var c recorder
	p := r.Reserve(alice, &c)
	r.End(alice, []policy.Ended{ended(7, policy.EventKicked), ended(8, policy.EventKicked)}, nil)
	e, over := p.Bind(session(8, 1))
	if !over || e.Session.Number != 8 {
		t.Errorf("bound with %+v, %v; want the end of session 8", e, over)
	}
	c.want(t, "the connection") // Bind's caller answers it

	q := r.Reserve(alice, &c)
	if _, over := q.Bind(session(9, 1)); over {
		t.Error("a session that nothing ended is over")
	}
}

func TestOfTwoConnectionsOfASessionTheHigherIsServed(t *testing.T) {
	for _, order := range [][]uint64{{1, 2}, {2, 1}} {
		r := node.NewRoster()
		conns := map[uint64]*recorder{1: {}, 2: {}}
		for _, n := range order {
			r.Reserve(alice, conns[n]).Bind(session(1, n))
		}
		conns[1].want(t, "the lower", "superseded by 2")
		conns[2].want(t, "the higher")
	}
}

func TestAClientsOwnLogoutIsAnsweredNotClosed(t *testing.T) {
	r := node.NewRoster()
	var own, other recorder
	p := r.Reserve(alice, &own)
	p.Bind(session(1, 2))
	r.Reserve(alice, &other).Bind(session(1, 1))
	own.said, other.said = nil, nil
	r.End(alice, []policy.Ended{ended(1, policy.EventLogout)}, p)
	own.want(t, "who logged out")
	other.want(t, "the older connection", "logged out")

	q := r.Reserve(alice, &own)
	q.Bind(session(2, 1))
	r.End(alice, []policy.Ended{ended(2, policy.EventExpired)}, q)
	own.want(t, "whose logout found its UserSig ended", "notice 2")
}

func TestALostConnectionIsKnownUntilItIsForgotten(t *testing.T) {
	r := node.NewRoster()
	p := r.Reserve(alice, &recorder{})
	p.Bind(session(3, 4))
	if got := r.Served(); got != 1 {
		t.Errorf("%d are served, want 1", got)
	}
	lost, bound := p.Release()
	if want := (policy.Lost{Session: 3, Conn: 4}); !bound || lost != want {
		t.Errorf("released as %+v, %v; want %+v", lost, bound, want)
	}
	if got := r.Lost(alice); !slices.Equal(got, []policy.Lost{lost}) {
		t.Errorf("lost: %v, want %v", got, lost)
	}
	p.Forget(lost)
	if got := r.Lost(alice); len(got) != 0 {
		t.Errorf("lost after it was forgotten: %v", got)
	}
	if got := r.Served(); got != 0 {
		t.Errorf("%d are served, want 0", got)
	}

	reserved := r.Reserve(alice, &recorder{})
	if lost, bound := reserved.Release(); bound {
		t.Errorf("a place that was only reserved was lost as %+v", lost)
	}
}

func TestAChangeReachesTheOtherConnectionsOfItsAccount(t *testing.T) {
	r := node.NewRoster()
	asking, other, reserved, stranger := &recorder{}, &recorder{}, &recorder{}, &recorder{}
	place := r.Reserve(alice, asking)
	place.Bind(session(1, 1))
	r.Reserve(alice, other).Bind(session(2, 1))
	r.Reserve(alice, reserved)
	r.Reserve(rollcall.Account{App: 1, User: "bob"}, stranger).Bind(session(1, 1))
	place.Answer(7, talk.Change{Number: 3})
	r.Push(alice, talk.Change{Number: 3}, place)
	r.Push(alice, talk.Change{Number: 4}, nil)
	asking.want(t, "who asked", "change 3 for 7", "change 4 for 0")
	other.want(t, "the other device", "change 3 for 0", "change 4 for 0")
	reserved.want(t, "who is not in yet")
	stranger.want(t, "another account")
}
