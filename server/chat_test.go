package server_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// text is a message to be sent.
func text(peer, id, says string) *wire.SendRequest {
	return &wire.SendRequest{Peer: peer, MessageId: id, Content: &wire.Content{Kind: &wire.Content_Text{Text: says}}}
}

// change asks for something that must be answered with a change.
func (p *peer) change(request any) *wire.Change {
	p.t.Helper()
	return p.changeOf(p.ask(request))
}

// pushed is the next frame, which must be a change that nobody here asked for.
func (p *peer) pushed() *wire.Change {
	p.t.Helper()
	f := p.read()
	if f.GetId() != 0 {
		p.t.Fatalf("got %v, want a push", f)
	}
	return p.changeOf(f)
}

func (p *peer) changeOf(f *wire.ServerFrame) *wire.Change {
	p.t.Helper()
	if f.GetChange() == nil {
		p.t.Fatalf("got %v, want a change", f)
	}
	return f.GetChange()
}

// sync is all that changed since a change number.
func (p *peer) sync(since uint64) *wire.SyncAnswer {
	p.t.Helper()
	f := p.ask(&wire.SyncRequest{Since: since, Count: 100})
	if f.GetSync() == nil {
		p.t.Fatalf("a sync was answered with %v", f)
	}
	return f.GetSync()
}

// list is a page.
func (p *peer) list(q *wire.ListMessagesRequest) *wire.MessagesAnswer {
	p.t.Helper()
	f := p.ask(q)
	if f.GetMessages() == nil {
		p.t.Fatalf("a page was answered with %v", f)
	}
	return f.GetMessages()
}

// said tells messages as "1 alice hi", and "1 alice -" of one that was recalled.
func said(all []*wire.Message) string {
	var words []string
	for _, m := range all {
		says := m.GetContent().GetText()
		if m.GetRecalled() {
			says = "-"
		}
		words = append(words, fmt.Sprintf("%d %s %s", m.GetSequence(), m.GetSender(), says))
	}
	return strings.Join(words, ", ")
}

// outlook tells a side's view.
func outlook(v *wire.Conversation) string {
	s := fmt.Sprintf("%s: change %d, last %d [%s], read %d, by peer %d, unread %d", v.GetPeer(), v.GetChange(), v.GetLastSequence(),
		said(present(v.GetLastMessage())), v.GetReadSequence(), v.GetPeerReadSequence(), v.GetUnread())
	if v.GetPinned() {
		s += ", pinned"
	}
	if v.GetDeletedSequence() > 0 {
		s += fmt.Sprintf(", deleted to %d", v.GetDeletedSequence())
	}
	if v.GetDeleted() {
		s += ", not listed"
	}
	return s
}

func present(m *wire.Message) []*wire.Message {
	if m == nil {
		return nil
	}
	return []*wire.Message{m}
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

// TestAMessageReachesEverySessionOfBoth: the other devices of who sent it, all of who
// it is for, those that were away when they come back, and once each.
func TestAMessageReachesEverySessionOfBoth(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		phone := w.device("alice", "phone", rollcall.Android).online()
		mac := w.device("alice", "mac", rollcall.Mac).online()
		bob := w.device("bob", "phone", rollcall.Android).online()
		away := w.device("bob", "mac", rollcall.Mac)
		away.online().hangUp()
		synctest.Wait()
		sent := time.Now().UnixMilli()
		c := phone.change(text("bob", "m1", "hi"))
		want(t, "the answer", outlook(c.GetConversation()), "bob: change 1, last 1 [1 alice hi], read 0, by peer 0, unread 0")
		if m := c.GetMessages()[0]; c.GetNumber() != 1 || len(c.GetMessages()) != 1 || m.GetMessageId() != "m1" || m.GetTimeMs() != sent {
			t.Errorf("the answer is %v", c)
		}
		c = mac.pushed()
		want(t, "on the other device", outlook(c.GetConversation()), "bob: change 1, last 1 [1 alice hi], read 0, by peer 0, unread 0")
		c = bob.pushed()
		want(t, "with bob", outlook(c.GetConversation()), "alice: change 1, last 1 [1 alice hi], read 0, by peer 0, unread 1")
		want(t, "with bob", said(c.GetMessages()), "1 alice hi")
		c = bob.change(text("alice", "m1", "hello")) // another sender's ids are others
		want(t, "bob's answer", outlook(c.GetConversation()), "alice: change 2, last 2 [2 bob hello], read 0, by peer 0, unread 1")
		want(t, "back with alice", said(phone.pushed().GetMessages()), "2 bob hello")
		want(t, "back with alice", said(mac.pushed().GetMessages()), "2 bob hello")

		back := away.back()
		s := back.sync(0)
		if len(s.GetConversations()) != 1 || s.GetChange() != 2 || s.GetMore() {
			t.Fatalf("who comes back is told %v", s)
		}
		want(t, "who comes back", outlook(s.GetConversations()[0]), "alice: change 2, last 2 [2 bob hello], read 0, by peer 0, unread 1")
		page := back.list(&wire.ListMessagesRequest{Peer: "alice", Count: 100})
		want(t, "the page", said(page.GetMessages()), "1 alice hi, 2 bob hello")
		if page.GetFromSequence() != 1 || page.GetToSequence() != 2 || !page.GetComplete() {
			t.Errorf("the page is %v", page)
		}
		if s := back.sync(2); len(s.GetConversations()) != 0 || s.GetChange() != 2 || s.GetMore() {
			t.Errorf("who has seen all is told %v", s)
		}
		for _, p := range []*peer{phone, mac, bob, back} {
			p.silent(time.Second)
		}
	})
}

// TestAMessageSentAgainIsTheSame: its answer was lost, with the server or without.
func TestAMessageSentAgainIsTheSame(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		alice := w.device("alice", "phone", rollcall.Android)
		bob := w.device("bob", "phone", rollcall.Android)
		b := bob.online()
		p := alice.online()
		p.send(text("bob", "m1", "hi"))
		synctest.Wait()
		p.hangUp() // before the answer is read
		want(t, "with bob", said(b.pushed().GetMessages()), "1 alice hi")
		time.Sleep(time.Second)
		p = alice.back()
		for range 2 {
			c := p.change(text("bob", "m1", "hi"))
			if c.GetNumber() != 1 || said(c.GetMessages()) != "1 alice hi" || c.GetConversation().GetLastSequence() != 1 {
				t.Errorf("sent again it is %v", c)
			}
		}
		b.silent(time.Second)
		p.refused(text("bob", "m1", "ho"), imcode.SDKInvalidParameters)
		w.device("carol", "phone", rollcall.Android).online()
		p.refused(text("carol", "m1", "hi"), imcode.SDKInvalidParameters)

		w.stop()
		w.start()
		p = alice.back()
		if c := p.change(text("bob", "m1", "hi")); c.GetNumber() != 1 || said(c.GetMessages()) != "1 alice hi" {
			t.Errorf("sent again after a restart it is %v", c)
		}
		want(t, "all there is", said(p.list(&wire.ListMessagesRequest{Peer: "bob", Count: 10}).GetMessages()), "1 alice hi")
	})
}

// TestReadPinAndDeleteReachWhomTheyConcern: the own devices, and the other side as far
// as it is its business.
func TestReadPinAndDeleteReachWhomTheyConcern(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		alice := w.device("alice", "phone", rollcall.Android).online()
		mac := w.device("alice", "mac", rollcall.Mac).online()
		bob := w.device("bob", "phone", rollcall.Android).online()
		both := func(what, view string) {
			t.Helper()
			want(t, what, outlook(mac.pushed().GetConversation()), view)
		}
		for i := range 3 {
			bob.change(text("alice", fmt.Sprint("m", i), fmt.Sprint("hi ", i)))
			alice.pushed()
			mac.pushed()
		}
		const one = "bob: change 4, last 3 [3 bob hi 2], read 2, by peer 0, unread 1"
		want(t, "marked", outlook(alice.change(&wire.MarkReadRequest{Peer: "bob", Sequence: 2}).GetConversation()), one)
		both("marked elsewhere", one)
		want(t, "the receipt", outlook(bob.pushed().GetConversation()), "alice: change 4, last 3 [3 bob hi 2], read 0, by peer 2, unread 0")
		if c := alice.change(&wire.MarkReadRequest{Peer: "bob", Sequence: 1}); c.GetNumber() != 4 {
			t.Errorf("marking less is change %d, want 4 still", c.GetNumber())
		}
		const pinned = "bob: change 5, last 3 [3 bob hi 2], read 2, by peer 0, unread 1, pinned"
		want(t, "pinned", outlook(alice.change(&wire.PinRequest{Peer: "bob", Pinned: true}).GetConversation()), pinned)
		both("pinned elsewhere", pinned)
		c := alice.change(&wire.DeleteMessagesRequest{Peer: "bob", Sequences: []uint64{3, 1, 3}})
		want(t, "two deleted", outlook(c.GetConversation()), "bob: change 6, last 3 [2 bob hi 1], read 2, by peer 0, unread 1, pinned")
		if got := fmt.Sprint(c.GetDeleted()); got != "[1 3]" {
			t.Errorf("deleted %s, want [1 3]", got)
		}
		if got := fmt.Sprint(mac.pushed().GetDeleted()); got != "[1 3]" {
			t.Errorf("deleted elsewhere %s, want [1 3]", got)
		}
		page := alice.list(&wire.ListMessagesRequest{Peer: "bob", Count: 10})
		want(t, "what is left", said(page.GetMessages()), "2 bob hi 1")
		if page.GetFromSequence() != 1 || page.GetToSequence() != 3 || !page.GetComplete() {
			t.Errorf("the page is from %d to %d, complete %t", page.GetFromSequence(), page.GetToSequence(), page.GetComplete())
		}
		const gone = "bob: change 7, last 3 [], read 3, by peer 0, unread 0, deleted to 3, not listed"
		want(t, "deleted", outlook(alice.change(&wire.DeleteConversationRequest{Peer: "bob"}).GetConversation()), gone)
		both("deleted elsewhere", gone)
		bob.silent(time.Second)
		want(t, "bob's", said(bob.list(&wire.ListMessagesRequest{Peer: "alice", Count: 10}).GetMessages()), "1 bob hi 0, 2 bob hi 1, 3 bob hi 2")

		bob.change(text("alice", "m9", "still there?"))
		const back = "bob: change 8, last 4 [4 bob still there?], read 3, by peer 0, unread 1, deleted to 3"
		want(t, "back", outlook(alice.pushed().GetConversation()), back)
		both("back elsewhere", back)
		want(t, "what is left", said(alice.list(&wire.ListMessagesRequest{Peer: "bob", Count: 10}).GetMessages()), "4 bob still there?")
	})
}

// TestAMessageIsRecalledForBothWithinItsTime, and by nobody else.
func TestAMessageIsRecalledForBothWithinItsTime(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		alice := w.device("alice", "phone", rollcall.Android).online()
		bob := w.device("bob", "phone", rollcall.Android).online()
		for i := range 3 {
			alice.change(text("bob", fmt.Sprint("m", i), "oops"))
			bob.pushed()
		}
		bob.refused(&wire.RecallRequest{Peer: "alice", Sequence: 1}, imcode.MessageNotFound)
		alice.refused(&wire.RecallRequest{Peer: "bob", Sequence: 4}, imcode.SDKInvalidParameters)
		c := alice.change(&wire.RecallRequest{Peer: "bob", Sequence: 2})
		want(t, "recalled", said(c.GetMessages()), "2 alice -")
		want(t, "recalled", outlook(c.GetConversation()), "bob: change 4, last 3 [3 alice oops], read 0, by peer 0, unread 0")
		c = bob.pushed()
		want(t, "with bob", said(c.GetMessages()), "2 alice -")
		if c.GetNumber() != 4 || c.GetMessages()[0].GetContent() != nil {
			t.Errorf("with bob it is %v", c)
		}
		alice.refused(&wire.RecallRequest{Peer: "bob", Sequence: 2}, imcode.AlreadyRecalled)
		want(t, "kept", said(bob.list(&wire.ListMessagesRequest{Peer: "alice", Count: 10}).GetMessages()), "1 alice oops, 2 alice -, 3 alice oops")
		if c := alice.change(text("bob", "m1", "oops")); !c.GetMessages()[0].GetRecalled() || c.GetNumber() != 4 {
			t.Errorf("a recalled message that is sent again is %v", c)
		}
		time.Sleep(120 * time.Second)
		alice.change(&wire.RecallRequest{Peer: "bob", Sequence: 1})
		bob.pushed()
		time.Sleep(time.Second)
		alice.refused(&wire.RecallRequest{Peer: "bob", Sequence: 3}, imcode.RevokeTimeLimit)
		if err := w.server.Apps().SetSettings(t.Context(), app, apps.Settings{RecallSeconds: 3600}); err != nil {
			t.Fatal(err)
		}
		alice.change(&wire.RecallRequest{Peer: "bob", Sequence: 3})
		bob.pushed()
	})
}

// TestBadRequestsChangeNothing: each has its code.
func TestBadRequestsChangeNothing(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		w.connect().refused(text("bob", "m1", "hi"), imcode.AuthInvalid)
		w.connect().refused(&wire.SyncRequest{Count: 1}, imcode.AuthInvalid)
		w.connect().refused(&wire.ListMessagesRequest{Peer: "bob", Count: 1}, imcode.AuthInvalid)
		bob := w.device("bob", "phone", rollcall.Android).online()
		w.device("carol", "phone", rollcall.Android).online()
		p := w.device("alice", "phone", rollcall.Android).online()
		p.change(text("bob", "m1", "hi"))
		bob.pushed()
		custom := func(c *wire.Custom) *wire.SendRequest {
			return &wire.SendRequest{Peer: "bob", MessageId: "m2", Content: &wire.Content{Kind: &wire.Content_Custom{Custom: c}}}
		}
		const invalid, unknown = imcode.SDKInvalidParameters, imcode.InvalidRecipient
		for _, tt := range []struct {
			what    string
			request any
			want    imcode.Code
		}{
			{"to nobody", text("dave", "m2", "hi"), unknown},
			{"to oneself", text("alice", "m2", "hi"), unknown},
			{"to no UserID", text("b o b", "m2", "hi"), unknown},
			{"an empty text", text("bob", "m2", ""), invalid},
			{"nothing", &wire.SendRequest{Peer: "bob", MessageId: "m2"}, invalid},
			{"data beside nothing", &wire.SendRequest{Peer: "bob", MessageId: "m2", Content: &wire.Content{CloudCustomData: "x"}}, invalid},
			{"empty custom data", custom(&wire.Custom{}), invalid},
			{"no id", text("bob", "", "hi"), invalid},
			{"an id with a space", text("bob", "m 2", "hi"), invalid},
			{"a long id", text("bob", strings.Repeat("m", 65), "hi"), invalid},
			{"an oversized text", text("bob", "m2", strings.Repeat("x", 12<<10)), imcode.ServerBodySizeLimit},
			{"oversized custom data", custom(&wire.Custom{Data: make([]byte, 12<<10)}), imcode.ServerBodySizeLimit},
			{"the id of another content", text("bob", "m1", "ho"), invalid},
			{"sync of 0", &wire.SyncRequest{}, invalid},
			{"sync of 101", &wire.SyncRequest{Count: 101}, invalid},
			{"sync of all", &wire.SyncRequest{Count: 1<<32 - 1}, invalid},
			{"a page of 0", &wire.ListMessagesRequest{Peer: "bob"}, invalid},
			{"a page of 101", &wire.ListMessagesRequest{Peer: "bob", Count: 101}, invalid},
			{"a page both ways", &wire.ListMessagesRequest{Peer: "bob", Before: 1, After: 1, Count: 1}, invalid},
			{"a page beyond the end", &wire.ListMessagesRequest{Peer: "bob", After: 2, Count: 1}, invalid},
			{"a page from beyond the end", &wire.ListMessagesRequest{Peer: "bob", Before: 3, Count: 1}, invalid},
			{"a page beyond all ends", &wire.ListMessagesRequest{Peer: "bob", Before: 1<<64 - 1, Count: 1}, invalid},
			{"a page with nobody", &wire.ListMessagesRequest{Peer: "dave", Count: 1}, unknown},
			{"a mark of nothing", &wire.MarkReadRequest{Peer: "bob"}, invalid},
			{"a mark beyond the end", &wire.MarkReadRequest{Peer: "bob", Sequence: 2}, invalid},
			{"a mark beyond all ends", &wire.MarkReadRequest{Peer: "bob", Sequence: 1<<64 - 1}, invalid},
			{"a mark with a stranger", &wire.MarkReadRequest{Peer: "carol", Sequence: 1}, invalid},
			{"a mark with nobody", &wire.MarkReadRequest{Peer: "dave", Sequence: 1}, unknown},
			{"a pin with a stranger", &wire.PinRequest{Peer: "carol", Pinned: true}, invalid},
			{"the deletion of no conversation", &wire.DeleteConversationRequest{Peer: "carol"}, invalid},
			{"the deletion of no message", &wire.DeleteMessagesRequest{Peer: "bob"}, invalid},
			{"the deletion of message 0", &wire.DeleteMessagesRequest{Peer: "bob", Sequences: []uint64{1, 0}}, invalid},
			{"the deletion of one that is to come", &wire.DeleteMessagesRequest{Peer: "bob", Sequences: []uint64{1, 2}}, invalid},
			{"the deletion of 51", &wire.DeleteMessagesRequest{Peer: "bob", Sequences: make([]uint64, 51)}, invalid},
			{"a recall of nothing", &wire.RecallRequest{Peer: "bob"}, invalid},
			{"a recall with a stranger", &wire.RecallRequest{Peer: "carol", Sequence: 1}, invalid},
		} {
			id := p.send(tt.request)
			if f := p.read(); f.GetId() != id || imcode.Code(f.GetRefusal().GetCode()) != tt.want || f.GetRefusal().GetText() == "" {
				t.Errorf("%s was answered with %v, want %d", tt.what, f, tt.want)
			}
		}
		s := p.sync(0)
		if len(s.GetConversations()) != 1 || s.GetChange() != 1 {
			t.Errorf("alice has %v", s)
		}
		bob.silent(time.Second)
		if page := p.list(&wire.ListMessagesRequest{Peer: "carol", Count: 1}); !page.GetComplete() || len(page.GetMessages()) != 0 {
			t.Errorf("a page with a stranger is %v", page)
		}
	})
}
