package server_test

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/server"
	"rollcall.example/wire"
)

func TestAResumeIsTheSameSessionOnAHigherConnection(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.online().hangUp()
		synctest.Wait()
		if x := w.state("alice").Sessions[0]; x.Away.IsZero() || x.Node != "" {
			t.Errorf("a session without a connection is stored as %+v, want away", x)
		}
		time.Sleep(time.Hour)
		for step := uint64(2); step <= 4; step++ {
			p := d.back()
			if d.session != 1 || d.conn != step {
				t.Errorf("session %d, connection %d; want 1 and %d", d.session, d.conn, step)
			}
			p.hangUp()
			synctest.Wait()
			time.Sleep(2 * time.Minute)
		}
		w.wantHistory("alice", "signed up", "login 1",
			"away 1", "resume 1", "away 1", "resume 1", "away 1", "resume 1", "away 1")
	})
}

func TestQuickReturnsFoldIntoOneHistoryRow(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.online().hangUp()
		for range 5 {
			synctest.Wait()
			d.back().hangUp()
		}
		synctest.Wait()
		w.wantHistory("alice", "signed up", "login 1", "away 1 x6", "resume 1 x5")
	})
}

func TestAResumeSupersedesTheConnectionThatStillStands(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		old := d.online()
		p := d.back()
		if c := old.closed(wire.CloseSuperseded); c.Connection != 2 {
			t.Errorf("closed naming connection %d, want 2", c.Connection)
		}
		synctest.Wait()
		if x := w.state("alice").Sessions[0]; !x.Away.IsZero() {
			t.Error("the end of the superseded connection made the session away")
		}
		p.silent(time.Second)
	})
}

func TestAnAnswerToAResumeLostAndTheStepRepeatedIsAnsweredAgain(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.online().hangUp()
		lost := w.connect()
		lost.send(d.resume())
		synctest.Wait()
		lost.hangUp() // with the answer unread
		d.back()
		if d.session != 1 || d.conn != 3 {
			t.Errorf("session %d, connection %d; want 1 and 3", d.session, d.conn)
		}
		d.back() // and the next step can be made
	})
}

func TestAStaleResumeCarriesTheSameStepOnItsRepetition(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.try = 20
		d.online().hangUp()
		d.try = 0
		p := w.connect()
		first := d.resume()
		f := p.ask(first)
		if f.GetStale().GetHighest() != 21 {
			t.Fatalf("answered with %v, want stale with highest 21", f)
		}
		d.try = f.GetStale().GetHighest()
		second := d.resume()
		if !bytes.Equal(first.GetPresentHalf(), second.GetPresentHalf()) || !bytes.Equal(first.GetNextHalf(), second.GetNextHalf()) {
			t.Fatal("the device drew a new half without an answer")
		}
		d.granted(p.ask(second))
		d.back()
	})
}

func TestASecretUsedTwiceKicksBothHolders(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.online().hangUp()
		clone := *d // the data directory is copied
		own := d.back()
		clone.try = 100
		thief := w.connect()
		f := thief.ask(clone.resume2())
		for name, n := range map[string]*wire.Notice{"the one who came": f.GetNotice(), "the one who was there": own.read().GetNotice()} {
			if n.GetSession() != 1 || n.GetReason() != wire.Reason_REASON_SECRET_USED_TWICE || n.GetExpired() {
				t.Errorf("%s got %v, want a notice: secret used twice", name, n)
			}
		}
		own.send(&wire.Acknowledgement{Session: 1})
		own.closed(wire.CloseKicked)
		synctest.Wait()
		if rows := w.state("alice").Kicks; len(rows) != 1 {
			t.Errorf("%d kick rows after one holder's acknowledgement, want the row to stay for the other", len(rows))
		}
		thief.silent(4 * time.Second)
		thief.closedWithin(2*time.Second, wire.CloseKicked)
		d.try = clone.try
		if f := w.connect().ask(d.resume()); f.GetNotice().GetReason() != wire.Reason_REASON_SECRET_USED_TWICE {
			t.Errorf("who returns got %v, want the notice again", f)
		}
		d.online() // a login() succeeds
	})
}

// resume2 is a resume with a next half other than the owner's.
func (d *device) resume2() *wire.ResumeRequest {
	d.drawn += 1000
	d.next = nil
	return d.resume()
}

func TestAnOlderSecretIsASecretUsedTwice(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.online().hangUp()
		old := *d
		d.back().hangUp()
		d.back().hangUp()
		old.try = 100
		if n := w.connect().ask(old.resume()).GetNotice(); n.GetReason() != wire.Reason_REASON_SECRET_USED_TWICE {
			t.Errorf("got %v, want a notice: secret used twice", n)
		}
	})
}

func TestAWrongFixedHalfLogsInAgainAndChangesNothing(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		p := d.online()
		before := w.state("alice")
		guess := *d
		guess.fixed = bytes.Repeat([]byte{1}, wire.HalfBytes)
		guess.try = 1000
		q := w.connect()
		if f := q.ask(guess.resume()); f.GetLoginAgain() == nil {
			t.Errorf("answered with %v, want log in again", f)
		}
		if after := w.state("alice"); !slices.Equal(after.Sessions, before.Sessions) || !slices.Equal(after.Tries, before.Tries) {
			t.Errorf("a guess changed %+v to %+v", before, after)
		}
		w.wantHistory("alice", "signed up", "login 1")
		p.silent(time.Second)
	})
}

func TestTheSecretOfAnotherDeviceResumesNothing(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		phone, mac := w.device("alice", "phone", rollcall.Android), w.device("alice", "mac", rollcall.Mac)
		p, q := phone.online(), mac.online()
		mixed := *phone
		mixed.session = mac.session
		if f := w.connect().ask(mixed.resume()); f.GetLoginAgain() == nil {
			t.Errorf("answered with %v, want log in again", f)
		}
		p.silent(time.Second)
		q.silent(time.Second)
		mac.back()
	})
}

func TestTheProofOfAFixedHalfCannotResume(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.online().hangUp()
		q := d.resume()
		q.FixedHalf = d.proof()[:wire.HalfBytes]
		if f := w.connect().ask(q); f.GetLoginAgain() == nil {
			t.Errorf("answered with %v, want log in again", f)
		}
	})
}

func TestAResumeOfNothingLogsInAgainOnTheSameConnection(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.session, d.fixed, d.present = 7, d.draw(), d.draw()
		p := w.connect()
		time.Sleep(9 * time.Second)
		if f := p.ask(d.resume()); f.GetLoginAgain() == nil {
			t.Errorf("answered with %v, want log in again", f)
		}
		time.Sleep(9 * time.Second) // the automatic login has its own time
		q := d.attempt()
		q.Automatic = true
		if s := d.granted(p.ask(q)); s.GetSession() != 1 {
			t.Errorf("session %d, want 1", s.GetSession())
		}
	})
}

func TestAResumeOfAnUnknownAppIs70020(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.online().hangUp()
		q := d.resume()
		q.App++
		w.connect().refused(q, imcode.AppNotFound)
	})
}

func TestTheSessionsOfADisabledAccountAreToldWhenTheyReturn(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.online().hangUp()
		w.stop()
		disableAccount(t, w.config.Dir, "alice")
		w.start()
		p := w.connect()
		n := p.ask(d.resume()).GetNotice()
		if n.GetReason() != wire.Reason_REASON_ACCOUNT_DISABLED || imcode.Code(n.GetCode()) != imcode.AccountDisabled {
			t.Errorf("got %v, want a notice: account disabled", n)
		}
		w.connect().refused(d.attempt(), imcode.AccountDisabled)
	})
}
