package client_test

import (
	"testing"
	"time"

	"rollcall.example/client"
	"rollcall.example/wire"
)

// manyRounds is what 5 minutes of waits of up to 30 s do not reach: each is drawn
// evenly, so that there are 24 rounds, and 40 once in a million times.
const manyRounds = 40

// questions answers every frame of the next d, and counts them.
func (l *line) questions(d time.Duration, answer func()) (n int) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		if len(l.frames) == 0 {
			time.Sleep(time.Second)
			continue
		}
		l.next()
		answer()
		if n++; n > 100 {
			l.t.Fatalf("%d questions within %v", n, d)
		}
	}
	return n
}

// A server that says there is more and never gives it is asked now and then.
func TestASyncThatNeverEnds(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		change := uint64(0)
		n := l.questions(5*time.Minute, func() {
			change++
			l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Sync{Sync: &wire.SyncAnswer{Change: change, More: true}}})
		})
		if n < 5 || n > manyRounds {
			t.Errorf("%d questions in 5 minutes", n)
		}
		d.forget()
	})
}

// So is one whose pages do not get anywhere.
func TestAPageThatDoesNotAdvance(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		last := said("bob", 50, "hi")
		last.TimeMs += time.Hour.Milliseconds()
		n := l.questions(5*time.Minute, func() {
			if l.last.GetSync() != nil {
				l.synced(1, with("bob", 1, 1, last))
			} else {
				l.pages(false, last)
			}
		})
		if n < 5 || n > 2*manyRounds { // what has changed, and the page of it
			t.Errorf("%d questions in 5 minutes", n)
		}
		d.forget()
	})
}

// Names that no account has reach no app, nor does what a third one has said.
func TestNamesThatAreNone(t *testing.T) {
	const evil = "bob\x1b]0;owned\a\x1b[2J\r\nroot"
	story(t, func(t *testing.T, p *peer) {
		d, l := p.inChat(client.Options{})
		l.sync(0)
		good, bad, third := said("bob", 1, "hello"), said(evil, 1, "hi"), said("mallory", 1, "hi")
		l.synced(4, with(evil, 1, 1, bad), with("carol", 2, 1, third), with("dave", 3, 1, bad), with("bob", 4, 1, good))
		d.heard("new [bob(1 unread)]", "unread 1")
		l.page(2, 0)
		l.pages(true, good)
		d.heard("c2c_bob 1: hello", "synced")
		l.push(change(with("bob", 5, 2, said("bob", 3, "me")), said("mallory", 2, "not me"), said("bob", 3, "me")))
		d.heard("c2c_bob 3: me", "changed [bob(2 unread)]", "unread 2")
		done := make(chan string)
		go func() { done <- d.history("c2c_bob", client.Page{}) }()
		l.page(0, 0)
		l.pages(true, good, said(evil, 2, "not me"), said("bob", 3, "me"))
		d.same("the history", <-done, "1:hello 3:me .")
		l.push(change(with(evil, 6, 1, bad), bad))
		l.sync(5)
		l.synced(6)
		d.heard()
		var outgoing client.Message
		sent := make(chan error)
		go func() {
			var err error
			outgoing, err = d.SendText(t.Context(), "bob", "mine")
			sent <- err
		}()
		f := l.next()
		mine := said("alice", 9, "mine")
		mine.MessageId = f.GetSend().GetMessageId()
		l.done(change(with(evil, 7, 0, mine), mine))
		if err := <-sent; err != nil || outgoing.Conversation != "c2c_bob" {
			t.Errorf("sent in %q, %v", outgoing.Conversation, err)
		}
		d.forget()
	})
}
