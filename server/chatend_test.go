package server_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// TestAMessageThatRacesItsKickDoesNotComeAfterIt: it had left the door when the newer
// login was answered, and is not taken.
func TestAMessageThatRacesItsKickDoesNotComeAfterIt(t *testing.T) {
	balkyStory(t, func(t *testing.T, w *world, b *balky) {
		bob := w.device("bob", "phone", rollcall.Android).online()
		first := w.device("alice", "first", rollcall.Android).online()
		hold := make(chan struct{})
		b.waitToTalk(hold)
		first.send(text("bob", "m1", "late"))
		synctest.Wait()
		second := w.device("alice", "second", rollcall.Android).online()
		close(hold)
		synctest.Wait()
		if s := second.sync(0); len(s.GetConversations()) != 0 || s.GetChange() != 0 {
			t.Errorf("after the kick there is %v", s)
		}
		bob.silent(time.Second)
		if n := first.read().GetNotice(); n.GetSession() != 1 {
			t.Errorf("the first device is not told of its kick")
		}
		first.send(&wire.Acknowledgement{Session: 1})
		first.closed(wire.CloseKicked)
	})
}

// TestNothingIsPushedAfterTheEnd of a session: not to who was kicked, from before the
// newer login is answered, nor to who has logged out, on a connection that stands.
func TestNothingIsPushedAfterTheEnd(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		bob := w.device("bob", "phone", rollcall.Android).online()
		first := w.device("alice", "first", rollcall.Android).online()
		mac := w.device("alice", "mac", rollcall.Mac)
		out := mac.online()
		second := w.device("alice", "second", rollcall.Android)
		p := second.online()
		if f := out.ask(mac.logout()); !f.GetLogout().GetKnown() {
			t.Fatalf("the logout was answered with %v", f)
		}
		for i := range 3 {
			bob.change(text("alice", fmt.Sprint("m", i), "hi"))
			p.pushed()
		}
		if f := first.read(); f.GetNotice() == nil {
			t.Errorf("who was kicked got %v", f)
		}
		first.silent(time.Second)
		out.silent(time.Second)
		out.refused(text("bob", "x", "hi"), imcode.AuthInvalid)
		mac.granted(out.ask(mac.attempt())) // and in again
		bob.change(text("alice", "m3", "hi"))
		want(t, "in again", said(out.pushed().GetMessages()), "4 bob hi")
	})
}

// TestWhoReadsSlowlySlowsNobody, is not sent what does not fit, and finds all of it.
func TestWhoReadsSlowlySlowsNobody(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		slow := w.device("bob", "phone", rollcall.Android).online()
		fast := w.device("bob", "mac", rollcall.Mac).online()
		alice := w.device("alice", "phone", rollcall.Android).online()
		const messages = 200
		long := strings.Repeat("x", 4000)
		for i := range messages {
			began := time.Now()
			alice.change(text("bob", fmt.Sprint("m", i), long))
			if took := time.Since(began); took != 0 {
				t.Fatalf("message %d took %v", i, took)
			}
			if n := fast.pushed().GetNumber(); n != uint64(i+1) {
				t.Fatalf("the fast one is pushed change %d, want %d", n, i+1)
			}
		}
		var seen, last uint64
		pushes := 0
		for last < messages {
			n := slow.pushed().GetNumber()
			if pushes++; n == seen+1 {
				seen = n
			}
			if n <= last {
				t.Fatalf("change %d comes after %d", n, last)
			}
			last = n
		}
		if pushes > messages/2 || seen == 0 || last != messages {
			t.Errorf("%d of %d pushes were kept for the slow one, the last is %d", pushes, messages, last)
		}
		slow.silent(time.Second)
		s := slow.sync(seen)
		if v := s.GetConversations(); len(v) != 1 || v[0].GetLastSequence() != messages || s.GetChange() != messages {
			t.Fatalf("the slow one is told %v", s)
		}
		pages, have := 0, seen
		for have < messages {
			page := slow.list(&wire.ListMessagesRequest{Peer: "alice", After: have, Count: 100})
			pages++
			for i, m := range page.GetMessages() {
				if m.GetSequence() != have+uint64(i)+1 || m.GetContent().GetText() != long {
					t.Fatalf("page %d has message %d, want %d", pages, m.GetSequence(), have+uint64(i)+1)
				}
			}
			if page.GetFromSequence() != have+1 || page.GetComplete() != (page.GetToSequence() == messages) {
				t.Fatalf("a page after %d is from %d to %d, complete %t", have, page.GetFromSequence(), page.GetToSequence(), page.GetComplete())
			}
			have = page.GetToSequence()
		}
		if pages < 10 {
			t.Errorf("%d pages for what no frame holds", pages)
		}
	})
}

// TestAPageIsCutToWhatAFrameHolds, in both spellings and directions.
func TestAPageIsCutToWhatAFrameHolds(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		bob := w.device("bob", "phone", rollcall.Android).online()
		alice := w.device("alice", "phone", rollcall.Android).online()
		for i := range 20 {
			alice.change(text("bob", fmt.Sprint("m", i), strings.Repeat("\x01é", 1500))) // which JSON spells far longer
			bob.pushed()
		}
		for i := range 20 {
			user := fmt.Sprint("user", i)
			w.device(user, "phone", rollcall.Android).online().change(text("bob", "m", strings.Repeat("x", 10_000)))
			bob.pushed()
		}
		for _, sub := range []wire.Subprotocol{wire.Proto, wire.JSON} {
			d := w.device("bob", "mac-"+strings.ReplaceAll(string(sub), ".", "-"), rollcall.Mac)
			p := w.speak(w.dial(), sub)
			d.granted(p.ask(d.attempt()))
			var all []*wire.Message
			for before := uint64(0); ; {
				page := p.list(&wire.ListMessagesRequest{Peer: "alice", Before: before, Count: 100})
				all = append(page.GetMessages(), all...)
				if page.GetComplete() {
					break
				}
				before = page.GetFromSequence()
			}
			if len(all) != 20 || all[0].GetSequence() != 1 || all[19].GetSequence() != 20 {
				t.Errorf("%s: %d messages in pages", sub, len(all))
			}
			seen := map[string]bool{}
			answers := 0
			for since := uint64(0); ; answers++ {
				s := p.sync(since)
				for _, v := range s.GetConversations() {
					seen[v.GetPeer()] = true
				}
				if since = s.GetChange(); !s.GetMore() {
					break
				}
			}
			if len(seen) != 21 || answers < 3 {
				t.Errorf("%s: %d conversations in %d answers", sub, len(seen), answers)
			}
		}
	})
}

// TestOldMessagesAreDroppedWhileOthersAreSent: after 7 days, or what the app says.
func TestOldMessagesAreDroppedWhileOthersAreSent(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		bob := w.device("bob", "phone", rollcall.Android)
		alice := w.device("alice", "phone", rollcall.Android)
		alice.sig, bob.sig = w.sig("alice", 100*day), w.sig("bob", 100*day)
		a, b := alice.online(), bob.online()
		for i := range 350 {
			a.change(text("bob", fmt.Sprint("m", i), "old"))
		}
		later := func(d time.Duration) {
			t.Helper()
			w.stop() // a bubble's days are long while a server sweeps
			time.Sleep(d)
			w.start()
			a, b = alice.back(), bob.back()
		}
		later(6 * day)
		a.change(text("bob", "young", "young"))
		b.pushed()
		later(day + time.Minute)
		time.Sleep(time.Minute - time.Millisecond)
		for i, want := range []float64{0, 200, 350, 350} {
			if got := w.metric("rollcall_messages_pruned_total"); got != want {
				t.Errorf("%v messages are dropped, want %v", got, want)
			}
			time.Sleep(50 * time.Millisecond)
			a.change(text("bob", fmt.Sprint("n", i), "new"))
			b.pushed()
			time.Sleep(50 * time.Millisecond)
		}
		page := b.list(&wire.ListMessagesRequest{Peer: "alice", Count: 100})
		if m := page.GetMessages(); len(m) != 5 || m[0].GetSequence() != 351 || !page.GetComplete() || page.GetFromSequence() != 1 {
			t.Errorf("kept are %d, from %d", len(m), page.GetFromSequence())
		}
		if err := w.server.Apps().SetSettings(t.Context(), app, apps.Settings{MessageDays: 1}); err != nil {
			t.Fatal(err)
		}
		later(2 * day)
		time.Sleep(2 * time.Minute)
		s := b.sync(0)
		want(t, "what is left", outlook(s.GetConversations()[0]), "alice: change 355, last 355 [], read 0, by peer 0, unread 355")
		want(t, "read", outlook(b.change(&wire.MarkReadRequest{Peer: "alice", Sequence: 3}).GetConversation()),
			"alice: change 356, last 355 [], read 355, by peer 0, unread 0")
		a.pushed()    // the receipt
		for range 2 { // nobody knows any more that there was one with this id
			want(t, "an id of long ago", said(a.change(text("bob", "m1", "another")).GetMessages()), "356 alice another")
		}
	})
}

// TestADeletedAccountLeavesItsConversationsToNobody.
func TestADeletedAccountLeavesItsConversationsToNobody(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		bob := w.device("bob", "phone", rollcall.Android).online()
		alice := w.device("alice", "phone", rollcall.Android)
		a := alice.online()
		a.change(text("bob", "m1", "a secret"))
		bob.pushed()
		if _, err := w.server.Sessions().Delete(t.Context(), account("alice"), "test"); err != nil {
			t.Fatal(err)
		}
		bob.refused(text("alice", "x", "hello?"), imcode.InvalidRecipient)
		a = w.device("alice", "another", rollcall.Android).online()
		s := a.sync(0)
		if v := s.GetConversations(); len(v) != 1 || !v[0].GetDeleted() || v[0].GetLastMessage() != nil {
			t.Errorf("who comes after is told %v", s)
		}
		if page := a.list(&wire.ListMessagesRequest{Peer: "bob", Count: 10}); len(page.GetMessages()) != 0 {
			t.Errorf("who comes after reads %v", page)
		}
		want(t, "bob's", said(bob.list(&wire.ListMessagesRequest{Peer: "alice", Count: 10}).GetMessages()), "1 alice a secret")
	})
}

// TestAMessageThatTheStoreCannotTakeIs70500, and is taken when it is sent again.
func TestAMessageThatTheStoreCannotTakeIs70500(t *testing.T) {
	balkyStory(t, func(t *testing.T, w *world, b *balky) {
		bob := w.device("bob", "phone", rollcall.Android).online()
		alice := w.device("alice", "phone", rollcall.Android).online()
		b.fail(errBalky, nil)
		if r := alice.refused(text("bob", "m1", "hi"), imcode.Internal); r.GetRetryAfterMs() == 0 || strings.Contains(r.GetText(), "balks") {
			t.Errorf("it was refused with %v", r)
		}
		b.fail(nil, errBalky) // it is there, and its answer is not
		alice.refused(text("bob", "m1", "hi"), imcode.Internal)
		b.fail(nil, nil)
		if c := alice.change(text("bob", "m1", "hi")); c.GetNumber() != 1 {
			t.Errorf("sent again it is %v", c)
		}
		want(t, "with bob", said(bob.list(&wire.ListMessagesRequest{Peer: "alice", Count: 10}).GetMessages()), "1 alice hi")
	})
}

// TestATextThatIsNoUTF8DoesNotParse.
func TestATextThatIsNoUTF8DoesNotParse(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		w.device("bob", "phone", rollcall.Android).online()
		p := w.device("alice", "phone", rollcall.Android).online()
		b := p.spell(9, text("bob", "m1", "say cheese"))
		b = []byte(strings.Replace(string(b), "cheese", "chee\xff\xfe", 1))
		p.writeFrame(ws.NewFrame(p.opcode(), true, b))
		if f := p.read(); imcode.Code(f.GetRefusal().GetCode()) != imcode.ParseFailed {
			t.Errorf("it was answered with %v", f)
		}
		p.closed(wire.CloseBadFrame)
	})
}

// TestASessionWhoseUserSigIsOverSaysNothingMore, from that second on.
func TestASessionWhoseUserSigIsOverSaysNothingMore(t *testing.T) {
	balkyStory(t, func(t *testing.T, w *world, b *balky) {
		b.blind() // nothing sweeps
		w.device("bob", "phone", rollcall.Android).online()
		d := w.device("alice", "phone", rollcall.Android)
		d.sig = w.sig("alice", time.Minute)
		p := d.online()
		p.change(text("bob", "m1", "hi"))
		time.Sleep(time.Minute)
		p.change(text("bob", "m2", "hi"))
		time.Sleep(time.Second)
		p.refused(text("bob", "m3", "hi"), imcode.AuthInvalid)
		if s, err := b.State(t.Context(), account("alice")); err != nil || len(s.Sessions) != 1 {
			t.Errorf("somebody has swept: %+v, %v", s, err)
		}
	})
}
