package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/server"
	"rollcall.example/wire"
)

func TestTooManyFailuresRead70050ButAGoodTicketIsNeverRefused(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		home := func() *peer { return w.speak(w.dialFrom("home"), wire.Proto) }
		bad := w.device("alice", "phone", rollcall.Android)
		bad.sig = signed(t, app, "another key of 32 characters....", "alice", time.Now(), time.Hour)
		p := home()
		for range 10 {
			p.refused(bad.attempt(), imcode.UserSigMismatchPublicKey)
		}
		r := p.refused(bad.attempt(), imcode.AccountFreqLimit)
		if after := time.Duration(r.GetRetryAfterMs()) * time.Millisecond; after <= 0 || after > time.Minute {
			t.Errorf("retry after %v, want up to a minute", after)
		}
		bad.sig = "hello"
		p.refused(bad.attempt(), imcode.AccountFreqLimit)
		bad.sig = signed(t, app, w.key, "alice", time.Now().Add(-2*time.Hour), time.Hour)
		p.refused(bad.attempt(), imcode.UserSigExpired) // correctly signed: what it is
		good := w.device("alice", "phone", rollcall.Android)
		good.try = bad.try
		good.granted(p.ask(good.attempt()))

		elsewhere := w.device("alice", "pad", rollcall.IPad)
		elsewhere.sig = "hello"
		w.connect().refused(elsewhere.attempt(), imcode.UserSigCheckFailed) // another address

		time.Sleep(2 * time.Minute)
		home().refused(elsewhere.attempt(), imcode.UserSigCheckFailed)
	})
}

func TestGuessedSecretsAreCounted(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.online().hangUp()
		p := w.speak(w.dialFrom("home"), wire.Proto)
		for range 10 {
			guess := *d
			guess.drawn += 100
			guess.fixed = guess.draw()
			if got := outcome(p.ask(guess.resume())); got != "log in again" {
				t.Fatalf("a guess was answered with %s", got)
			}
			d.drawn++
		}
		bad := w.device("alice", "pad", rollcall.IPad)
		bad.sig = "hello"
		p.refused(bad.attempt(), imcode.AccountFreqLimit)
		d.granted(p.ask(d.resume())) // who has the secret comes in
	})
}

func TestAnAddressThatTriesManyAccountsReads70050(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		home := func() *peer { return w.speak(w.dialFrom("home"), wire.Proto) }
		p := home()
		for i := range 100 {
			if i%50 == 0 {
				p = home()
			}
			bad := w.device(fmt.Sprintf("u%d", i), "phone", rollcall.Android)
			bad.sig = "hello"
			p.refused(bad.attempt(), imcode.UserSigCheckFailed)
		}
		bad := w.device("u100", "phone", rollcall.Android)
		bad.sig = "hello"
		p = home()
		p.refused(bad.attempt(), imcode.AccountFreqLimit)
		good := w.device("alice", "phone", rollcall.Android)
		good.granted(p.ask(good.attempt()))
	})
}

func TestGuessesTellNothingAndFillNoLog(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		w.device("alice", "phone", rollcall.Android).online()
		for _, user := range []string{"alice", "nobody"} {
			stranger := w.device(user, "x", rollcall.Android)
			stranger.attempt()
			stranger.session, stranger.sig = 1, "hello"
			p := w.speak(w.dialFrom("home of "+user), wire.Proto)
			for range 20 {
				if got := outcome(p.ask(stranger.resume())); got != "log in again" {
					t.Fatalf("a guess was answered with %s", got)
				}
			}
			p.refused(stranger.attempt(), imcode.AccountFreqLimit)
		}
		if n := strings.Count(w.log.String(), "not the session's"); n != 10 {
			t.Errorf("%d lines about guesses in the log, want 10", n)
		}
	})
}

func TestOneLoginAgainPutsTheLoginDeadlineOff(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.attempt()
		p := w.connect()
		began := time.Now()
		for range 2 {
			time.Sleep(9 * time.Second)
			if got := outcome(p.ask(d.resume())); got != "log in again" {
				t.Fatalf("a return that proves nothing was answered with %s", got)
			}
		}
		p.closedWithin(time.Minute, wire.CloseLoginTimeout)
		if took := p.ended.Sub(began); took != 19*time.Second {
			t.Errorf("closed after %v, want 19 s", took)
		}
	})
}

func TestWhoAsksForNoWebSocketCannotStay(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		c := w.dial()
		ask := []byte(strings.Repeat("GET /healthz HTTP/1.1\r\nHost: rollcall.test\r\n\r\n", 1000))
		began, asked := time.Now(), 0
		for range 100 { // and reads nothing
			if err := c.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write(ask); err != nil {
				break
			}
			asked++
		}
		if took := time.Since(began); asked == 100 || took >= time.Minute {
			t.Errorf("served for %v, and %d times; want it sent away", took, asked)
		}
	})
}

func TestTheSixthAttemptIn10SecondsIs72010ButNoRetryIs(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		for range 8 { // retries of one attempt
			if d.fixed == nil {
				d.attempt()
			}
			d.granted(w.connect().ask(d.again()))
		}
		for range 4 {
			d.granted(w.connect().ask(d.attempt()))
		}
		p := w.connect()
		before := w.state("alice")
		p.refused(d.attempt(), imcode.LoginFrequencyLimit)
		if after := w.state("alice"); after.Counter != before.Counter || len(after.Tries) != len(before.Tries) {
			t.Errorf("72010 changed %+v to %+v", before, after)
		}
		w.device("alice", "mac", rollcall.Mac).online() // another device
		w.device("bob", "phone", rollcall.Android).online()
		time.Sleep(9 * time.Second)
		q := w.connect()
		time.Sleep(time.Second)
		d.granted(q.ask(d.attempt()))
	})
}

func TestAnAccountThatInventsDevicesIs72010(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		for i := range 50 {
			p := w.device("alice", fmt.Sprintf("d%d", i), rollcall.Android).online()
			p.hangUp()
		}
		d := w.device("alice", "d50", rollcall.Android)
		p := w.connect()
		p.refused(d.attempt(), imcode.LoginFrequencyLimit)
		q := d.logout()
		q.UserSig = d.sig
		p.refused(q, imcode.LoginFrequencyLimit)
		w.device("bob", "phone", rollcall.Android).online()
		if n := len(w.state("alice").Tries); n != 50 {
			t.Errorf("%d try numbers are kept, want 50", n)
		}
	})
}

func TestInventedDevicesOfOneAttemptAreCounted(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		q := d.attempt()
		for i := range 50 {
			q.DeviceId = fmt.Sprintf("d%d", i)
			w.connect().ask(q)
		}
		q.DeviceId = "d50"
		w.connect().refused(q, imcode.LoginFrequencyLimit)
	})
}

func TestATicketThatHasEndedLocksNobodyOut(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		old := w.device("alice", "phone", rollcall.Android)
		old.sig = signed(t, app, w.key, "alice", time.Now().Add(-2*time.Hour), time.Hour)
		p := w.connect()
		for i := range 50 {
			old.id = fmt.Sprintf("d%d", i)
			if i < 5 {
				old.id = d.id // also of the device itself, whose id was learned
			}
			p.refused(old.attempt(), imcode.UserSigExpired)
		}
		p.refused(old.attempt(), imcode.LoginFrequencyLimit)
		d.try, d.drawn = old.try, old.drawn
		d.online()
	})
}

func TestWhatIsKeptOfManyDevicesIsBounded(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		for i := range 60 {
			d := w.device("alice", fmt.Sprintf("d%d", i), rollcall.Android)
			d.online().hangUp()
			time.Sleep(time.Minute)
		}
		s := w.state("alice")
		if len(s.Sessions) != 1 || len(s.Kicks) > 20 || len(s.Tries) > 31 {
			t.Errorf("%d sessions, %d kick rows, %d try numbers are kept of 60 devices; want 1, at most 20, at most 31",
				len(s.Sessions), len(s.Kicks), len(s.Tries))
		}
	})
}
