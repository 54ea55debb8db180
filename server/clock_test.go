package server_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// A wallClock is a machine's clock that somebody sets while time goes on. It is less
// than a real one: its times carry nothing but the wall's.
type wallClock struct{ off atomic.Int64 }

func (c *wallClock) now() time.Time { return time.Now().Add(time.Duration(c.off.Load())).Round(0) }

// set puts the clock so far ahead of time, or behind.
func (c *wallClock) set(w *world, off time.Duration) {
	c.off.Store(int64(off))
	w.server.Wake() // as any login does
	synctest.Wait()
}

// clockStory is a story on a server whose clock can be set.
func clockStory(t *testing.T, tell func(t *testing.T, w *world, c *wallClock)) {
	t.Helper()
	c := &wallClock{}
	story(t, server.Config{Now: c.now, WatchNow: true}, func(t *testing.T, w *world) { tell(t, w, c) })
}

// A company is accounts in every state that time ends.
type company struct {
	w           *world
	phone       *device // connected
	peer        *peer
	tablet, tab *device // away
}

func gather(w *world) *company {
	c := &company{w: w, phone: w.device("alice", "phone", rollcall.Android), tablet: w.device("bob", "tablet", rollcall.IPad), tab: w.device("carol", "tab", rollcall.Web)}
	c.peer = c.phone.online()
	c.tablet.online().hangUp()
	c.tab.online().hangUp()
	synctest.Wait()
	return c
}

// whole fails the test unless nobody has been thrown out.
func (c *company) whole(when string) {
	c.w.t.Helper()
	for _, user := range []string{"alice", "bob", "carol"} {
		if s := c.w.state(user); len(s.Sessions) != 1 || s.Counter != 1 {
			c.w.t.Errorf("%s %s has sessions %+v, want the one", when, user, s.Sessions)
		}
	}
}

func TestAClockThatJumpsAndIsSetRightThrowsNobodyOut(t *testing.T) {
	clockStory(t, func(t *testing.T, w *world, clock *wallClock) {
		all := gather(w)
		clock.set(w, 30*24*time.Hour)
		all.whole("just after the jump")
		stale := w.device("dora", "phone", rollcall.Android)
		w.connect().refused(stale.attempt(), imcode.UserSigExpired) // the clock is what there is to judge by
		time.Sleep(20 * time.Second)
		clock.set(w, 0)
		stale.granted(w.connect().ask(stale.again())) // and again
		time.Sleep(20 * time.Second)
		all.whole("when the clock is right again")
		w.device("emil", "phone", rollcall.Android).online().hangUp() // a good UserSig is good at once
		all.tab.back().hangUp()
		all.tablet.back().hangUp()
		all.peer.silent(time.Second)
		if got := w.metric("rollcall_clock_jumps_total"); got != 1 {
			t.Errorf("%v jumps are counted, want 1", got)
		}
		if got := strings.Count(w.log.String(), "the clock jumped forward"); got != 1 {
			t.Errorf("the log says so %d times, want once", got)
		}
		time.Sleep(2 * time.Minute) // and those who are really due go
		synctest.Wait()
		if s := w.state("carol"); len(s.Sessions) != 0 {
			t.Errorf("a tab is away for two minutes, and has %+v", s.Sessions)
		}
	})
}

func TestAClockThatJumpsAgainIsNotBelievedTheSooner(t *testing.T) {
	clockStory(t, func(t *testing.T, w *world, clock *wallClock) {
		all := gather(w)
		clock.set(w, 10*time.Minute) // the tab would be due
		time.Sleep(30 * time.Second)
		clock.set(w, 60*24*time.Hour) // everybody would be
		time.Sleep(31 * time.Second)
		synctest.Wait()
		all.whole("a minute after the first of two jumps")
		clock.set(w, 0)
		time.Sleep(30 * time.Second)
		all.tablet.back()
		if got := w.metric("rollcall_clock_jumps_total"); got != 2 {
			t.Errorf("%v jumps are counted, want 2", got)
		}
	})
}

func TestAClockThatStaysAheadIsBelievedAfterAMinute(t *testing.T) {
	clockStory(t, func(t *testing.T, w *world, clock *wallClock) {
		all := gather(w)
		clock.set(w, 30*24*time.Hour)
		time.Sleep(59 * time.Second)
		all.whole("59 s after the jump")
		time.Sleep(2 * time.Second)
		if n := all.peer.read().GetNotice(); !n.GetExpired() {
			t.Errorf("a minute after the jump the phone got %v, want that its UserSig has ended", n)
		}
		all.peer.send(&wire.Acknowledgement{Session: 1})
		all.peer.closed(wire.CloseExpired)
	})
}

func TestAClockThatIsSetBackThrowsNobodyOut(t *testing.T) {
	clockStory(t, func(t *testing.T, w *world, clock *wallClock) {
		clock.set(w, time.Hour)
		time.Sleep(2 * time.Minute) // it is believed
		all := gather(w)
		clock.set(w, 0)
		all.whole("just after")
		all.peer.silent(90 * time.Second)
		all.whole("90 s later") // the tab's minute begins when the clock reads it again
		all.tab.back().hangUp()
		all.tablet.back().hangUp()
		w.device("emil", "phone", rollcall.Android).online().hangUp()
	})
}

// TestHistoryIsNotDroppedForAClockThatJumped: what is dropped does not come back.
func TestHistoryIsNotDroppedForAClockThatJumped(t *testing.T) {
	clockStory(t, func(t *testing.T, w *world, clock *wallClock) {
		if err := w.server.Apps().SetSettings(t.Context(), app, apps.Settings{HistoryDays: 30}); err != nil {
			t.Fatal(err)
		}
		gather(w)
		before := w.history("bob")
		time.Sleep(30 * time.Minute)
		clock.set(w, 300*24*time.Hour)
		time.Sleep(31 * time.Minute) // the time to drop comes and goes
		clock.set(w, 0)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if got := w.metric("rollcall_history_pruned_total"); got != 0 || len(w.history("bob")) < len(before) {
			t.Errorf("%v rows are dropped; bob has %q, before %q", got, w.history("bob"), before)
		}
	})
}
