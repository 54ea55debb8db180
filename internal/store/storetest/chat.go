package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/internal/talk"
)

// asking is the first session of an account, that logIn gives it.
func asking(at time.Time) talk.Asking { return talk.Asking{Now: at, Session: 1, Conn: 1} }

// people are accounts that are logged in.
func people(t *testing.T, e Engine, users ...string) {
	t.Helper()
	for _, user := range users {
		mutate(t, e, account(user), logIn("phone", start))
	}
}

// converse runs a rule that must not fail.
func converse(t *testing.T, e Engine, from, to string, need talk.Need, rule store.TalkRule) talk.Outcome {
	t.Helper()
	o, err := e.Converse(t.Context(), store.Conversing{Account: account(from), Peer: rollcall.UserID(to), Need: need}, rule, func(talk.Outcome) {})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// sending is the rule of a message.
func sending(id string, at time.Time) (talk.Need, store.TalkRule) {
	q := talk.Sending{Asking: asking(at), ID: id, Content: []byte(id)}
	return talk.Need{ID: id}, func(t talk.Talk) talk.Outcome { return talk.Send(t, q) }
}

// say sends a message that must be taken.
func say(t *testing.T, e Engine, from, to, id string, at time.Time) talk.Message {
	t.Helper()
	need, rule := sending(id, at)
	o := converse(t, e, from, to, need, rule)
	if o.Code != 0 {
		t.Fatalf("%s to %s: %d %s", from, to, o.Code, o.Detail)
	}
	return *o.Message
}

func messages(t *testing.T, e Engine, own, peer string, s talk.Span) talk.Page {
	t.Helper()
	p, err := e.Messages(t.Context(), account(own), rollcall.UserID(peer), s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func conversations(t *testing.T, e Engine, own string, since uint64, limit int) (views []talk.View, change uint64, more bool) {
	t.Helper()
	views, change, more, err := e.Conversations(t.Context(), account(own), since, 1<<63, limit)
	if err != nil {
		t.Fatal(err)
	}
	return views, change, more
}

// shown tells messages: "1+a 2-b" is an own one with id a, then one of the other's.
func shown(all []talk.Message) string {
	var words []string
	for _, m := range all {
		w := fmt.Sprintf("%d-%s", m.Sequence, m.ID)
		if m.Own {
			w = fmt.Sprintf("%d+%s", m.Sequence, m.ID)
		}
		if m.Recalled {
			w += "!"
		} else if string(m.Content) != m.ID {
			w += fmt.Sprintf("(%q)", m.Content)
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

// saidInOrder: what many say at once is counted without gaps, each sees it so, and so
// is told who listens to the commits.
func saidInOrder(t *testing.T, e Engine) {
	people(t, e, "alice", "bob", "carol")
	const callers, calls = 24, 10
	pairs := [][2]string{{"alice", "bob"}, {"bob", "alice"}, {"alice", "carol"}}
	var mu sync.Mutex
	heard := map[string][]uint64{}
	together(callers, func(i int) {
		from, to := pairs[i%len(pairs)][0], pairs[i%len(pairs)][1]
		for n := range calls {
			need, rule := sending(fmt.Sprintf("%d-%d", i, n), start.Add(time.Duration(n)*time.Second))
			o, err := e.Converse(t.Context(), store.Conversing{Account: account(from), Peer: rollcall.UserID(to), Need: need}, rule, func(o talk.Outcome) {
				mu.Lock()
				defer mu.Unlock()
				heard[from] = append(heard[from], o.Talk.Own.Changes)
				heard[to] = append(heard[to], o.Talk.Peer.Changes)
			})
			if err != nil || o.Code != 0 || o.OwnLatest == nil || o.PeerLatest == nil || o.OwnLatest.Sequence != o.Message.Sequence || o.PeerLatest.Own {
				t.Errorf("%s to %s: %+v, %v", from, to, o, err)
				return
			}
		}
	})
	for user, numbers := range heard {
		for i, n := range numbers {
			if n != uint64(i+1) {
				t.Fatalf("%s hears of its changes as %d", user, numbers)
			}
		}
	}
	for _, side := range [][2]string{{"alice", "bob"}, {"bob", "alice"}, {"carol", "alice"}} {
		p := messages(t, e, side[0], side[1], talk.Span{Count: 1000})
		if want := uint64(callers / 3 * calls); side[0] != "carol" && p.Last != 2*want || side[0] == "carol" && p.Last != want {
			t.Errorf("%s and %s end with message %d", side[0], side[1], p.Last)
		}
		nth := map[bool]uint64{}
		ids := map[string]bool{}
		for i, m := range p.Messages {
			nth[m.Own]++
			ids[m.ID] = true
			if m.Sequence != uint64(i+1) || m.Nth != nth[m.Own] || i > 0 && m.Time.Before(p.Messages[i-1].Time) {
				t.Fatalf("%s reads as message %d: %+v", side[0], i+1, m)
			}
		}
		if len(ids) != int(p.Last) || !p.Complete || p.From != 1 || p.To != p.Last {
			t.Errorf("%s reads %d messages of %d, from %d to %d, complete %t", side[0], len(ids), p.Last, p.From, p.To, p.Complete)
		}
	}
}

// saidWhileIn: in one batch a rule sees of its account what the rule before it left,
// whether that came by Mutate or not.
func saidWhileIn(t *testing.T, open func() Engine) {
	synctest.Test(t, func(t *testing.T) {
		e := open()
		people(t, e, "alice", "bob")
		release := hold(t, e)
		var all sync.WaitGroup
		then := func(do func() error) {
			all.Go(func() {
				if err := do(); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait() // it is in the queue
		}
		var outcomes [4]talk.Outcome
		says := func(i int, from, to, id string) {
			need, rule := sending(id, start)
			then(func() (err error) {
				q := store.Conversing{Account: account(from), Peer: rollcall.UserID(to), Need: need}
				outcomes[i], err = e.Converse(t.Context(), q, rule, func(talk.Outcome) {})
				return err
			})
		}
		does := func(user string, rule store.Rule) {
			then(func() error {
				_, err := e.Mutate(t.Context(), account(user), rule)
				return err
			})
		}
		says(0, "alice", "bob", "before the kick")
		does("alice", func(s policy.State) policy.Outcome {
			return policy.KickSessions(s, policy.OperatorKick{Now: start}, policy.Multi())
		})
		says(1, "alice", "bob", "after the kick")
		says(2, "bob", "carol", "to who is not there")
		does("carol", logIn("phone", start))
		says(3, "bob", "carol", "to who is there now")
		release()
		all.Wait()
		for i, want := range []int{0, 9503, 20003, 0} {
			if got := int(outcomes[i].Code); got != want {
				t.Errorf("message %d has code %d, want %d", i+1, got, want)
			}
		}
		if got := shown(messages(t, e, "bob", "alice", talk.Span{Count: 10}).Messages); got != "1-before the kick" {
			t.Errorf("alice said %s", got)
		}
		if got := shown(messages(t, e, "carol", "bob", talk.Span{Count: 10}).Messages); got != "1-to who is there now" {
			t.Errorf("bob said %s", got)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
}

// saidOnce: a message id is found with what it was, and with whom.
func saidOnce(t *testing.T, e Engine) {
	people(t, e, "alice", "bob", "carol")
	first := say(t, e, "alice", "bob", "x", start)
	say(t, e, "bob", "alice", "x", start)
	again := say(t, e, "alice", "bob", "x", start.Add(time.Hour))
	if !again.Time.Equal(first.Time) || again.Sequence != 1 || !again.Own {
		t.Errorf("again it is %+v, want %+v", again, first)
	}
	need, rule := sending("x", start)
	if o := converse(t, e, "alice", "carol", need, rule); o.Code != 6017 {
		t.Errorf("to somebody else it is %+v", o)
	}
	if views, change, _ := conversations(t, e, "alice", 0, 10); len(views) != 1 || change != 2 || views[0].Last != 2 {
		t.Errorf("alice has %+v, change %d", views, change)
	}
}

// unwritableTalk: an outcome that cannot be written and a rule that panics fail alone,
// and nothing of them has happened.
func unwritableTalk(t *testing.T, e Engine) {
	people(t, e, "alice", "bob", "carol")
	say(t, e, "alice", "carol", "taken", start)
	together(30, func(i int) {
		id := fmt.Sprint("m", i)
		need, rule := sending(id, start)
		bad := i%3 != 0
		if i%3 == 1 {
			need, rule = talk.Need{}, func(t talk.Talk) talk.Outcome { // its id is taken, which it does not look at
				return talk.Send(t, talk.Sending{Asking: asking(start), ID: "taken"})
			}
		}
		if i%3 == 2 {
			rule = func(talk.Talk) talk.Outcome { panic("no") }
		}
		told := false
		_, err := e.Converse(t.Context(), store.Conversing{Account: account("alice"), Peer: "bob", Need: need}, rule, func(talk.Outcome) { told = true })
		if bad != (err != nil) || told == bad {
			t.Errorf("message %d: %v, told %t", i, err, told)
		}
	})
	p := messages(t, e, "bob", "alice", talk.Span{Count: 100})
	if p.Last != 10 || len(p.Messages) != 10 {
		t.Errorf("10 of 30 were good, and %d are there, up to %d", len(p.Messages), p.Last)
	}
	if views, change, _ := conversations(t, e, "bob", 0, 10); len(views) != 1 || change != 10 || views[0].Unread != 10 {
		t.Errorf("bob has %+v, change %d", views, change)
	}
}

// talkReopened: all is there after a reopen.
func talkReopened(t *testing.T, open func() Engine) {
	e := open()
	people(t, e, "alice", "bob")
	for i := range 3 {
		say(t, e, "alice", "bob", fmt.Sprint("m", i), start.Add(time.Duration(i)*time.Millisecond))
	}
	page := messages(t, e, "bob", "alice", talk.Span{Count: 10})
	views, change, _ := conversations(t, e, "bob", 0, 10)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open()
	again := messages(t, e, "bob", "alice", talk.Span{Count: 10})
	if shown(again.Messages) != shown(page.Messages) || again.Last != 3 || !again.Messages[2].Time.Equal(start.Add(2*time.Millisecond)) {
		t.Errorf("bob reads %+v, before %+v", again, page)
	}
	views2, change2, _ := conversations(t, e, "bob", 0, 10)
	views[0].Latest, views2[0].Latest = nil, nil
	if views2[0] != views[0] || change2 != change {
		t.Errorf("bob has %+v, before %+v", views2, views)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if _, err := e.Messages(t.Context(), account("bob"), "alice", talk.Span{Count: 1}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a closed store reads: %v", err)
	}
}
