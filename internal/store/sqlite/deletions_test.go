package sqlite_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
)

var talked = time.Now()

// TestWhatIsDeletedIsNotReadAgain: not by who asks for a page, nor for the conversations,
// nor by an act, however much it is. The messages are damaged behind the store's back, so
// that it would not answer if it looked at one; and it says so of another side, which has
// not deleted them.
func TestWhatIsDeletedIsNotReadAgain(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	const last = 200
	for _, user := range []rollcall.UserID{"alice", "bob"} {
		if _, err := s.Mutate(t.Context(), rollcall.Account{App: 1, User: user}, login("phone", talked)); err != nil {
			t.Fatal(err)
		}
	}
	for n := range last {
		talkOf(t, s, "bob", talk.Need{}, func(x talk.Talk) talk.Outcome {
			return talk.Send(x, talk.Sending{Asking: talk.Asking{Now: talked, Session: 1, Conn: 1}, ID: fmt.Sprint(n), Content: []byte("hi")})
		})
	}
	pin := func(x talk.Talk) talk.Outcome {
		return talk.Pin(x, talk.Pinning{Asking: talk.Asking{Now: talked, Session: 1, Conn: 1}, Pinned: !x.Own.Pinned})
	}
	deleteOf(t, s, 2, last-1)
	closeStore(t, s)
	execute(t, dir, `UPDATE message SET content = x'6861' WHERE sequence BETWEEN 3 AND `+fmt.Sprint(last-2))

	s = open(t, dir, sqlite.Options{})
	defer closeStore(t, s)
	alice, bob := rollcall.Account{App: 1, User: "alice"}, rollcall.Account{App: 1, User: "bob"}
	if p, err := s.Messages(t.Context(), alice, "bob", talk.Span{Count: 100}); err != nil || len(p.Messages) != 2 || !p.Complete {
		t.Errorf("the newest page: %+v, %v; want the first and the last message", p, err)
	}
	if p, err := s.Messages(t.Context(), alice, "bob", talk.Span{After: 1, Count: 100}); err != nil || len(p.Messages) != 1 || !p.Complete {
		t.Errorf("the page after the first message: %+v, %v; want the last", p, err)
	}
	deleteOf(t, s, last, last)
	if o := talkOf(t, s, "alice", talk.Need{Pins: true}, pin); o.OwnLatest == nil || o.OwnLatest.Sequence != 1 {
		t.Errorf("the latest message is %+v, want the first", o.OwnLatest)
	}
	views, _, _, err := s.Conversations(t.Context(), alice, 0, 1<<63, 10)
	if err != nil || len(views) != 1 || views[0].Latest == nil || views[0].Latest.Sequence != 1 {
		t.Errorf("the conversations: %+v, %v", views, err)
	}
	if _, err := s.Messages(t.Context(), bob, "alice", talk.Span{Count: 100}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("who has not deleted them is told %v", err)
	}
}

// talkOf runs a rule between alice and bob that must not refuse.
func talkOf(t *testing.T, s *sqlite.Store, user string, need talk.Need, rule store.TalkRule) talk.Outcome {
	t.Helper()
	peer := map[string]rollcall.UserID{"alice": "bob", "bob": "alice"}[user]
	o, err := s.Converse(t.Context(), store.Conversing{Account: rollcall.Account{App: 1, User: rollcall.UserID(user)}, Peer: peer, Need: need}, rule, func(talk.Outcome) {})
	if err != nil || o.Code != 0 {
		t.Fatal(o.Code, o.Detail, err)
	}
	return o
}

// deleteOf deletes messages for alice.
func deleteOf(t *testing.T, s *sqlite.Store, from, to uint64) {
	t.Helper()
	for from <= to {
		var some []uint64
		for ; from <= to && len(some) < talk.MaxDeletes; from++ {
			some = append(some, from)
		}
		talkOf(t, s, "alice", talk.Need{At: some}, func(x talk.Talk) talk.Outcome {
			return talk.DeleteMessages(x, talk.Erasing{Asking: talk.Asking{Now: talked, Session: 1, Conn: 1}, Sequences: some})
		})
	}
}
