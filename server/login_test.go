package server_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/store"
	"rollcall.example/server"
	"rollcall.example/wire"
)

func TestTheFirstLoginSignsUpAndIsSession1(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		p := w.connect()
		f := p.ask(d.attempt())
		s := d.granted(f)
		if s.GetSession() != 1 || s.GetConnection() != 1 {
			t.Errorf("session %d, connection %d; want 1 and 1", s.GetSession(), s.GetConnection())
		}
		if want := time.Now().Add(24 * time.Hour).Unix(); s.GetExpiresS() != want {
			t.Errorf("expires at %d, want %d", s.GetExpiresS(), want)
		}
		if got := f.GetTimeMs(); got != time.Now().UnixMilli() {
			t.Errorf("the server's clock reads %d, want %d", got, time.Now().UnixMilli())
		}
		w.wantHistory("alice", "signed up", "login 1")
	})
}

func TestAnAnswerLostAndTheCallRepeatedIsTheSameLogin(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		first := w.connect()
		first.send(d.attempt())
		synctest.Wait()
		first.hangUp() // with the answer unread
		s := d.granted(w.connect().ask(d.again()))
		if s.GetSession() != 1 || s.GetConnection() != 2 {
			t.Errorf("session %d, connection %d; want 1 and 2", s.GetSession(), s.GetConnection())
		}
		if got := len(w.state("alice").Sessions); got != 1 {
			t.Errorf("%d sessions, want 1", got)
		}
		rows := slices.DeleteFunc(w.history("alice"), func(s string) bool { return s == "away 1" })
		if want := []string{"signed up", "login 1"}; !slices.Equal(rows, want) {
			t.Errorf("history %q, want %q", rows, want)
		}
		want := []store.UsageRow{{Period: 200001, Active: 1}, {Period: 20000101, Active: 1, SignedUp: 1, Logins: 1}}
		if got := w.usage(); !slices.Equal(got, want) {
			t.Errorf("usage %v, want %v", got, want)
		}
	})
}

func TestARepeatedLoginSupersedesTheConnectionThatStillStands(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		old := d.online()
		d.granted(w.connect().ask(d.again()))
		if c := old.closed(wire.CloseSuperseded); c.Connection != 2 {
			t.Errorf("closed naming connection %d, want 2", c.Connection)
		}
		synctest.Wait()
		if x := w.state("alice").Sessions; len(x) != 1 || x[0].Conn != 2 || !x[0].Away.IsZero() {
			t.Errorf("sessions %+v, want one, served on connection 2", x)
		}
	})
}

func TestAFrameServedLateIsStaleAndChangesNothing(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		late := d.attempt() // on its way for long
		p := d.online()
		before := w.state("alice")
		if f := w.connect().ask(late); f.GetStale().GetHighest() != 2 {
			t.Errorf("the late login was answered with %v, want stale with highest 2", f)
		}
		if after := w.state("alice"); !slices.Equal(after.Sessions, before.Sessions) || !slices.Equal(after.Tries, before.Tries) {
			t.Errorf("the late login changed %+v to %+v", before, after)
		}
		p.silent(time.Second)
	})
}

func TestAStaleLoginThatStillListensGoesOnFromTheHighest(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.try = 41
		d.online().hangUp()
		d.try = 0 // a data directory restored from a backup
		p := w.connect()
		f := p.ask(d.attempt())
		if f.GetStale().GetHighest() != 42 {
			t.Fatalf("answered with %v, want stale with highest 42", f)
		}
		d.try = f.GetStale().GetHighest()
		d.granted(p.ask(d.again()))
	})
}

func TestOneConnectionCarriesOneLogin(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		alice, bob := w.device("alice", "phone", rollcall.Android), w.device("bob", "phone", rollcall.Android)
		p := alice.online()
		p.refused(bob.attempt(), imcode.LoginInProcess)
		p.refused(alice.attempt(), imcode.LoginInProcess)
		p.refused(alice.resume(), imcode.LoginInProcess)
		if p.ask(&wire.PingRequest{}).GetPing() == nil {
			t.Error("the session's connection does not answer any more")
		}
		if w.state("bob").Exists() {
			t.Error("the refused login signed bob up")
		}
	})
}

func TestARequestBeforeALoginIsRefused(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		p := w.connect()
		p.refused(&wire.RenewRequest{UserSig: w.sig("alice", time.Hour)}, imcode.AuthInvalid)
		p.refused(nil, imcode.UnknownRequest)
		if p.ask(&wire.PingRequest{}).GetPing() == nil {
			t.Error("a ping needs no login")
		}
		p.send(&wire.Acknowledgement{Session: 1}) // of nothing: passed over
		w.device("alice", "phone", rollcall.Android).granted(p.ask(w.device("alice", "phone", rollcall.Android).attempt()))
	})
}

func TestAConnectionLogsInAgainAfterALogout(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		alice, bob := w.device("alice", "phone", rollcall.Android), w.device("bob", "phone", rollcall.Android)
		p := alice.online()
		if f := p.ask(alice.logout()); !f.GetLogout().GetKnown() {
			t.Fatalf("logout was answered with %v", f)
		}
		bob.granted(p.ask(bob.attempt()))
		if n := len(w.state("alice").Sessions); n != 0 {
			t.Errorf("alice has %d sessions after her logout", n)
		}
		w.wantHistory("alice", "signed up", "login 1", "logout 1")
		w.wantHistory("bob", "signed up", "login 1")
	})
}

func TestAnotherAccountOnTheSameDeviceEndsNothing(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		alice := w.device("alice", "phone", rollcall.Android).online()
		w.device("bob", "phone", rollcall.Android).online()
		alice.silent(time.Second)
	})
}

func TestANewAttemptOfADeviceReplacesItsSession(t *testing.T) {
	for _, tt := range []struct {
		name  string
		prove bool // which session it had
		away  bool // the old session has no connection
		row   string
		close wire.CloseCode // of the old connection; 0: it gets a notice
	}{
		{"silently with a proof", true, false, "replaced 1", wire.CloseReplaced},
		{"silently while it is away", false, true, "replaced 1", 0},
		{"with a kick, live and without proof", false, false, "kicked 1", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				d := w.device("alice", "phone", rollcall.Android)
				old := d.online()
				proof := d.proof()
				if tt.away {
					old.hangUp()
					synctest.Wait()
				}
				q := d.attempt()
				if tt.prove {
					q.Proofs = [][]byte{proof}
				}
				if s := d.granted(w.connect().ask(q)); s.GetSession() != 2 {
					t.Errorf("session %d, want 2", s.GetSession())
				}
				switch {
				case tt.away:
				case tt.close != 0:
					old.closed(tt.close)
				default:
					if n := old.read().GetNotice(); n.GetReason() != wire.Reason_REASON_SAME_DEVICE_ELSEWHERE {
						t.Errorf("the old connection got %v, want a notice: same device elsewhere", n)
					}
				}
				if got := w.history("alice"); !slices.Contains(got, tt.row) {
					t.Errorf("history %q, want %q in it", got, tt.row)
				}
			})
		})
	}
}

func TestRepeatingAnAttemptWhoseSessionHasEndedNeverResurrectsIt(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		p := d.online()
		p.ask(d.logout())
		if f := p.ask(d.again()); f.GetLoginAgain() == nil {
			t.Errorf("the repeated attempt was answered with %v, want log in again", f)
		}
		if s := d.granted(p.ask(d.attempt())); s.GetSession() != 2 {
			t.Errorf("session %d, want 2", s.GetSession())
		}
	})
}
