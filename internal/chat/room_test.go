package chat_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"rollcall.example/imcode"
	"rollcall.example/internal/chat"
	"rollcall.example/internal/node"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
)

// A faulty store runs each rule of a conversation as often as it may, and fails when it
// is told to.
type faulty struct {
	*sqlite.Store

	fails bool // after the rule
}

var errFaulty = errors.New("the store fails")

// Converse implements store.Chat.
func (f *faulty) Converse(ctx context.Context, q store.Conversing, rule store.TalkRule, then func(talk.Outcome)) (talk.Outcome, error) {
	if f.fails {
		_, err := f.Store.Converse(ctx, q, func(t talk.Talk) talk.Outcome {
			rule(t)
			return talk.Outcome{Talk: t, Code: imcode.Internal}
		}, func(talk.Outcome) {})
		return talk.Outcome{}, errors.Join(errFaulty, err)
	}
	return f.Store.Converse(ctx, q, func(t talk.Talk) talk.Outcome {
		rule(t)
		return rule(t)
	}, then)
}

// send sends a message of four bytes to bob, and says what code it was answered with.
func (s *scene) send(from *node.Place, id string) imcode.Code {
	return imcode.Of(s.chats.Send(s.t.Context(), chat.Request{Place: from, Peer: "bob"}, id, []byte("four")))
}

// TestAMessageCostsOnceAndWhatIsNotStoredNothing: a rule may run twice, the store may
// fail, and a message may come again.
func TestAMessageCostsOnceAndWhatIsNotStoredNothing(t *testing.T) {
	playWith(t, chat.Options{MessageBytes: 5 * 260}, func(s *scene) {
		alice := s.login("alice")
		s.login("bob")
		s.store.fails = true
		for range 20 {
			if code := s.send(alice, "m0"); code != imcode.Internal {
				s.t.Fatalf("while the store fails a message is answered %d", code)
			}
		}
		s.store.fails = false
		for i := range 5 {
			for _, what := range []string{"a message", "the same again"} {
				if code := s.send(alice, fmt.Sprint("m", i)); code != imcode.OK {
					s.t.Fatalf("%s, %d of 5, is answered %d", what, i+1, code)
				}
			}
		}
		if code := s.send(alice, "m5"); code != imcode.TooManyRequests {
			s.t.Errorf("the sixth of 5 is answered %d", code)
		}
	})
}

// TestDeletionsOfWhatIsNotKeptAreBounded: nobody remembers that such a message was deleted
// before, so each deletion is kept anew.
func TestDeletionsOfWhatIsNotKeptAreBounded(t *testing.T) {
	playWith(t, chat.Options{MessageBytes: 10 * 260}, func(s *scene) {
		alice := s.login("alice")
		s.login("bob")
		if code := s.send(alice, "m0"); code != imcode.OK {
			s.t.Fatal(code)
		}
		if n, err := s.store.TrimMessages(s.t.Context(), app, time.Now().Add(time.Second), 10); n != 1 || err != nil {
			s.t.Fatal(n, err)
		}
		deleted := 0
		for range 100 {
			err := s.chats.DeleteMessages(s.t.Context(), chat.Request{Place: alice, Peer: "bob"}, []uint64{1})
			if err == nil {
				deleted++
			} else if e, ok := errors.AsType[*imcode.Error](err); !ok || e.Code != imcode.TooManyRequests || e.RetryAfter <= 0 {
				s.t.Fatalf("a deletion is answered %v", err)
			}
		}
		if deleted != 9 {
			s.t.Errorf("%d deletions are kept, want the 9 that there is room for", deleted)
		}
	})
}

// TestWithoutRoomForMessagesAllElseGoesOn: what adds nothing to the disk, or frees some of
// it. What is refused costs nothing.
func TestWithoutRoomForMessagesAllElseGoesOn(t *testing.T) {
	noRoom := false
	playWith(t, chat.Options{MessageBytes: 3 * 260, NoRoom: func() bool { return noRoom }}, func(s *scene) {
		alice, bob := s.login("alice"), s.login("bob")
		if code := s.send(alice, "m1"); code != imcode.OK {
			s.t.Fatal(code)
		}
		noRoom = true
		ctx, toBob, toAlice := s.t.Context(), chat.Request{Place: alice, Peer: "bob"}, chat.Request{Place: bob, Peer: "alice"}
		for _, tt := range []struct {
			what string
			do   func() error
			want imcode.Code
		}{
			{"a new message", func() error { return s.chats.Send(ctx, toBob, "m2", []byte("four")) }, imcode.Internal},
			{"an answer", func() error { return s.chats.Send(ctx, toAlice, "m1", []byte("four")) }, imcode.Internal},
			{"a deletion of messages", func() error { return s.chats.DeleteMessages(ctx, toAlice, []uint64{1}) }, imcode.Internal},
			{"a message that is there", func() error { return s.chats.Send(ctx, toBob, "m1", []byte("four")) }, imcode.OK},
			{"a mark", func() error { return s.chats.MarkRead(ctx, toAlice, 1) }, imcode.OK},
			{"a pin", func() error { return s.chats.Pin(ctx, toAlice, true) }, imcode.OK},
			{"a recall", func() error { return s.chats.Recall(ctx, toBob, 1) }, imcode.OK},
			{"a conversation deleted", func() error { return s.chats.Delete(ctx, toAlice) }, imcode.OK},
			{"a page", func() error {
				_, err := s.chats.Messages(ctx, alice, "bob", talk.Span{Count: 10})
				return err
			}, imcode.OK},
		} {
			err := tt.do()
			if got := imcode.Of(err); got != tt.want {
				s.t.Errorf("%s is answered %v, want code %d", tt.what, err, tt.want)
			}
			if e, ok := errors.AsType[*imcode.Error](err); tt.want != imcode.OK && (!ok || e.RetryAfter <= 0) {
				s.t.Errorf("%s is answered %v, without a time to come back", tt.what, err)
			}
		}
		noRoom = false
		for _, id := range []string{"m2", "m3"} {
			if code := s.send(alice, id); code != imcode.OK {
				s.t.Errorf("with room again a message is answered %d", code)
			}
		}
	})
}
