package server_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// TestWhatAnAccountStoresInADayIsBounded: of all its sessions together; no other account
// is refused for it, a message that is there already is, and what was refused is taken
// when as much has come back.
func TestWhatAnAccountStoresInADayIsBounded(t *testing.T) {
	const each = 256 + 4 // bytes that a message counts for: the text and what says that it is one
	story(t, server.Config{MessageBytes: 10 * each}, func(t *testing.T, w *world) {
		phone := w.device("alice", "phone", rollcall.Android).online()
		mac := w.device("alice", "mac", rollcall.Mac).online()
		bob := w.device("bob", "phone", rollcall.Android).online()
		took := func(p *peer, id string) {
			t.Helper()
			p.change(text("bob", id, "hi"))
			synctest.Wait()
			for _, other := range []*peer{phone, mac, bob} {
				if other != p {
					other.pushed()
				}
			}
		}
		for i := range 10 {
			took([]*peer{phone, mac}[i%2], fmt.Sprint("m", i))
		}
		for _, p := range []*peer{phone, mac} {
			r := p.refused(text("bob", "m10", "hi"), imcode.TooManyRequests)
			if wait := time.Duration(r.GetRetryAfterMs()) * time.Millisecond; wait != time.Hour {
				t.Errorf("the message that is too much has to wait for %v, want the hour that is the most that anybody is told", wait)
			}
		}
		if again := phone.change(text("bob", "m3", "hi")); again.GetMessages()[0].GetSequence() != 4 {
			t.Errorf("a message that is there already is answered with %v", again)
		}
		bob.change(text("alice", "b1", "hi"))
		synctest.Wait()
		phone.pushed()
		mac.pushed()

		phone.hangUp()
		mac.hangUp()
		bob.hangUp()
		for waited := time.Duration(0); ; waited += time.Hour {
			phone = w.device("alice", fmt.Sprint("after-", int(waited.Hours())), rollcall.Android).online()
			if f := phone.ask(text("bob", "m10", "hi")); f.GetChange() != nil {
				if waited != 3*time.Hour {
					t.Errorf("a message is taken after %v, want a tenth of a day in hours", waited)
				}
				break
			}
			phone.hangUp()
			time.Sleep(time.Hour)
		}
		phone.refused(text("bob", "m11", "hi"), imcode.TooManyRequests)
		if n := len(phone.list(&wire.ListMessagesRequest{Peer: "bob", Count: 100}).GetMessages()); n != 12 {
			t.Errorf("there are %d messages, want the 12 that were taken", n)
		}
	})
}
