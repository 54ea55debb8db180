package server_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// TestStrangersDoNotHoldUpTheStore: returns and logouts that prove nothing are judged
// by what is read, whether their address is blocked or not, and whether there is such
// an account or not; and who proves its session comes in from the same address.
func TestStrangersDoNotHoldUpTheStore(t *testing.T) {
	balkyStory(t, func(t *testing.T, w *world, b *balky) {
		d := w.device("alice", "phone", rollcall.Android)
		d.online().hangUp()
		synctest.Wait()
		before := b.changes.Load()
		p := w.speak(w.dialFrom("home"), wire.Proto)
		for i := range 40 {
			if i%20 == 19 {
				p = w.speak(w.dialFrom("home"), wire.Proto)
			}
			guess := w.device([]string{"alice", "nobody"}[i%2], "x"+strconv.Itoa(i), rollcall.Android)
			guess.attempt()
			guess.session = d.session
			if got := outcome(p.ask(guess.resume())); got != "log in again" {
				t.Fatalf("a guess was answered with %s", got)
			}
			if f := p.ask(guess.logout()); f.GetLogout() == nil || f.GetLogout().GetKnown() {
				t.Fatalf("a stranger's logout was answered with %v", f)
			}
		}
		if n := b.changes.Load() - before; n != 0 {
			t.Errorf("%d times the store was to change something for strangers, want never", n)
		}
		bad := w.device("alice", "pad", rollcall.IPad)
		bad.sig = "hello"
		p.refused(bad.attempt(), imcode.AccountFreqLimit) // it is blocked
		d.granted(p.ask(d.resume()))
		if f := p.ask(d.logout()); !f.GetLogout().GetKnown() {
			t.Errorf("a logout was answered with %v", f)
		}
	})
}

// TestAStalledStoreHoldsUpNoStranger: what they are told is read.
func TestAStalledStoreHoldsUpNoStranger(t *testing.T) {
	balkyStory(t, func(t *testing.T, w *world, b *balky) {
		b.slow(5 * time.Second)
		go func() { w.connect().send(w.device("bob", "phone", rollcall.Android).attempt()) }()
		time.Sleep(100 * time.Millisecond)
		guess := w.device("alice", "x", rollcall.Android)
		guess.attempt()
		guess.session = 1
		asked := time.Now()
		if got := outcome(w.connect().ask(guess.resume())); got != "log in again" || time.Since(asked) > 100*time.Millisecond {
			t.Errorf("a guess was answered with %s after %v", got, time.Since(asked))
		}
		time.Sleep(10 * time.Second)
	})
}

func TestADeadTicketThatIsRepeatedIsSlowed(t *testing.T) {
	for name, dies := range map[string]func(w *world){
		"it ended":    func(*world) { time.Sleep(25 * time.Hour) },
		"was revoked": func(w *world) { w.revoke("alice") },
	} {
		t.Run(name, func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				d := w.device("alice", "phone", rollcall.Android)
				d.online().hangUp()
				time.Sleep(time.Minute)
				dies(w)
				w.connect().refused(d.attempt(), imcode.UserSigExpired)
				p := w.connect()
				told := 0 // in the same attempt, whose retries are free where it is good
				for ; told < 10; told++ {
					r := p.ask(d.again()).GetRefusal()
					if imcode.Code(r.GetCode()) == imcode.LoginFrequencyLimit && r.GetRetryAfterMs() > 0 {
						break
					}
				}
				if told < 4 || told > 5 {
					t.Errorf("told %d times more that it is dead, before 72010 with a time to come back; want it 5 times in all", told)
				}
				good := w.device("alice", "phone", rollcall.Android)
				good.try, good.drawn = d.try, d.drawn
				good.sig = signed(t, app, w.key, "alice", time.Now().Add(time.Second), time.Hour)
				good.granted(p.ask(good.attempt()))
				time.Sleep(11 * time.Second)
				d.try = good.try
				w.connect().refused(d.again(), imcode.UserSigExpired)
			})
		})
	}
}

// TestARevokedTicketLocksNobodyOut: whoever has one invents devices, and the account's
// user logs in with a good one.
func TestARevokedTicketLocksNobodyOut(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		old := w.device("bob", "phone", rollcall.Android)
		old.online().hangUp()
		time.Sleep(time.Minute)
		w.revoke("bob")
		p := w.connect()
		for i := range 50 {
			old.id = "d" + strconv.Itoa(i)
			p.refused(old.attempt(), imcode.UserSigExpired)
		}
		d := w.device("bob", "pad", rollcall.IPad)
		d.sig = signed(t, app, w.key, "bob", time.Now().Add(time.Second), time.Hour)
		d.granted(w.connect().ask(d.attempt()))
	})
}
