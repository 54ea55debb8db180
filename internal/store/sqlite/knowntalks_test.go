package sqlite_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
)

// people are accounts that talk to each other.
type people struct {
	*sqlite.Store

	app rollcall.AppID
	now time.Time
	ids int
}

func (p *people) account(user string) rollcall.Account {
	return rollcall.Account{App: p.app, User: rollcall.UserID(user)}
}

// seen is what a rule is to see of a conversation, as somebody finds it who reads the
// database.
func (p *people) seen(r *rapid.T, from, to string) string {
	own, err := p.State(r.Context(), p.account(from))
	if err != nil {
		r.Fatal(err)
	}
	peer, err := p.State(r.Context(), p.account(to))
	if err != nil {
		r.Fatal(err)
	}
	a, changes := p.view(r, from, to)
	b, theirs := p.view(r, to, from)
	return fmt.Sprintf("%+v %t %+v %d %+v %d", own.Sessions, peer.Exists(), a, changes, b, theirs)
}

// view is an account's view of its conversation with another, without its message and
// what became of others, of which none may be missing.
func (p *people) view(r *rapid.T, from, to string) (view talk.View, changes uint64) {
	views, changes, _, err := p.Conversations(r.Context(), p.account(from), 0, 0, 100)
	if err != nil {
		r.Fatal(err)
	}
	for _, v := range views {
		if string(v.Peer) == to {
			if v.Alterations != nil && v.Alterations.All {
				r.Fatalf("of what became of messages of %s with %s some is missing", from, to)
			}
			v.Latest, v.Alterations = nil, nil
			return v, changes
		}
	}
	return talk.View{Peer: rollcall.UserID(to)}, changes
}

// ask has a rule decide, which must see what the database has.
func (p *people) ask(r *rapid.T, from, to string, need talk.Need, rule func(talk.Talk, talk.Asking) talk.Outcome) {
	want := p.seen(r, from, to)
	p.now = p.now.Add(time.Millisecond)
	_, err := p.Converse(r.Context(), store.Conversing{Account: p.account(from), Peer: rollcall.UserID(to), Need: need}, func(t talk.Talk) talk.Outcome {
		got := fmt.Sprintf("%+v %t %+v %d %+v %d", t.Account.Sessions, t.Exists,
			talk.ViewOf(rollcall.UserID(to), t.Last, t.Own, t.Peer, nil), t.Own.Changes,
			talk.ViewOf(rollcall.UserID(from), t.Last, t.Peer, t.Own, nil), t.Peer.Changes)
		if got != want {
			r.Errorf("the rule for %s and %s saw\n%s\nthe database has\n%s", from, to, got, want)
		}
		q := talk.Asking{Now: p.now}
		if n := len(t.Account.Sessions); n > 0 {
			q.Session, q.Conn = t.Account.Sessions[n-1].Number, t.Account.Sessions[n-1].Conn
		}
		return rule(t, q)
	}, func(talk.Outcome) {})
	if err != nil {
		r.Fatal(err)
	}
}

// TestWhatIsKnownOfConversationsIsWhatTheDatabaseHas: whatever is said, marked, deleted
// and refused, and whoever comes and goes, each rule sees what somebody who reads the
// database does.
func TestWhatIsKnownOfConversationsIsWhatTheDatabaseHas(t *testing.T) {
	s := open(t, t.TempDir(), sqlite.Options{}.Knowing(2))
	defer closeStore(t, s)
	history := rollcall.AppID(0)
	rapid.Check(t, func(r *rapid.T) {
		history++
		p := &people{Store: s, app: history, now: time.Now()}
		user := func(r *rapid.T) string { return rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(r, "user") }
		pair := func(r *rapid.T) (from, to string) {
			all := rapid.Permutation([]string{"a", "b", "c", "d", "e"}).Draw(r, "from and to")
			return all[0], all[1]
		}
		mutate := func(r *rapid.T, rule func(policy.State) policy.Outcome) {
			if _, err := p.Mutate(r.Context(), p.account(user(r)), rule); err != nil {
				r.Fatal(err)
			}
		}
		send := func(r *rapid.T) {
			from, to := pair(r)
			p.ids++
			q := talk.Sending{ID: fmt.Sprint("m", p.ids), Content: []byte("x")}
			p.ask(r, from, to, talk.Need{ID: q.ID}, func(t talk.Talk, by talk.Asking) talk.Outcome {
				q.Asking = by
				return talk.Send(t, q)
			})
		}
		r.Repeat(map[string]func(*rapid.T){
			"log in":     func(r *rapid.T) { mutate(r, login("phone", p.now)) },
			"say":        send,
			"say more":   send,
			"say it all": send,
			"mark": func(r *rapid.T) {
				from, to := pair(r)
				q := talk.Marking{Sequence: rapid.Uint64Range(1, 3).Draw(r, "sequence")}
				p.ask(r, from, to, talk.Need{From: q.Sequence}, func(t talk.Talk, by talk.Asking) talk.Outcome {
					q.Asking = by
					return talk.MarkRead(t, q)
				})
			},
			"pin": func(r *rapid.T) {
				from, to := pair(r)
				p.ask(r, from, to, talk.Need{Pins: true}, func(t talk.Talk, by talk.Asking) talk.Outcome {
					return talk.Pin(t, talk.Pinning{Asking: by, Pinned: true})
				})
			},
			"delete": func(r *rapid.T) {
				from, to := pair(r)
				p.ask(r, from, to, talk.Need{}, talk.Delete)
			},
			"delete messages": func(r *rapid.T) {
				from, to := pair(r)
				q := talk.Erasing{Sequences: []uint64{rapid.Uint64Range(1, 3).Draw(r, "sequence")}}
				p.ask(r, from, to, talk.Need{At: q.Sequences}, func(t talk.Talk, by talk.Asking) talk.Outcome {
					q.Asking = by
					return talk.DeleteMessages(t, q)
				})
			},
			"recall": func(r *rapid.T) {
				from, to := pair(r)
				q := talk.Recalling{Sequence: rapid.Uint64Range(1, 3).Draw(r, "sequence"), Within: time.Hour}
				p.ask(r, from, to, talk.Need{At: []uint64{q.Sequence}}, func(t talk.Talk, by talk.Asking) talk.Outcome {
					q.Asking = by
					return talk.Recall(t, q)
				})
			},
			"delete the account": func(r *rapid.T) {
				mutate(r, func(before policy.State) policy.Outcome {
					return policy.DeleteAccount(before, policy.Delete{Now: p.now}, policy.Multi())
				})
			},
			"what cannot be written": func(r *rapid.T) {
				a := p.account(user(r))
				_, err := p.Mutate(r.Context(), a, func(before policy.State) policy.Outcome {
					twice := policy.Session{Number: before.Counter + 1}
					before.Counter += 10
					before.Sessions = append(slices.Clip(before.Sessions), twice, twice)
					return policy.Outcome{State: before}
				})
				if err == nil {
					r.Error("a session was written twice")
				}
			},
		})
	})
}

// TestAKnownConversationThatIsGoneIsAnError, and no message of it is acknowledged: its
// row is not made out of what the writer remembers.
func TestAKnownConversationThatIsGoneIsAnError(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	defer closeStore(t, s)
	now := time.Now()
	for _, u := range []rollcall.UserID{"alice", "bob"} {
		if _, err := s.Mutate(t.Context(), rollcall.Account{App: 1, User: u}, login("phone", now)); err != nil {
			t.Fatal(err)
		}
	}
	say := func(id string) error {
		q := talk.Sending{Asking: talk.Asking{Now: now, Session: 1, Conn: 1}, ID: id, Content: []byte("x")}
		o, err := s.Converse(t.Context(), store.Conversing{Account: rollcall.Account{App: 1, User: "alice"}, Peer: "bob", Need: talk.Need{ID: id}},
			func(t talk.Talk) talk.Outcome { return talk.Send(t, q) }, func(talk.Outcome) {})
		if err == nil && o.Code != 0 {
			t.Fatal(o.Code)
		}
		return err
	}
	if err := say("first"); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `DELETE FROM conversation`); err != nil {
		t.Fatal(err)
	}
	if err := say("second"); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("a message in a conversation that is gone: %v, want it damaged", err)
	}
}
