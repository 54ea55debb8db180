package server_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// A thief has a UserSig of the account, or a session of it, and a client of his
// own. He is the account for all that the server can know; what he must not do is
// lock its owner out, or hide from the owner's devices what became of them.

// TestThiefUsesUpTryNumbers: he sees the ids of other devices in the list of
// sessions, and sends frames in their name.
func TestThiefUsesUpTryNumbers(t *testing.T) {
	for _, high := range []uint64{wire.MaxTryNumber, wire.MaxTryNumber - 1, wire.MaxTryNumber - 2, 1000} {
		t.Run(fmt.Sprint(high), func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				d := w.phone("alice", "phone", rollcall.Android)
				d.in()
				number := d.Session().Number
				thief := w.device("alice", "thief", rollcall.Web)
				p := thief.online()
				var id string
				for _, x := range p.ask(&wire.ListSessionsRequest{}).GetSessions().GetSessions() {
					if x.GetDeviceName() == "phone" {
						id = x.GetDeviceId()
					}
				}
				q := thief.logout()
				q.DeviceId, q.TryNumber, q.FixedHalf, q.UserSig = id, high, thief.draw(), thief.sig
				p.ask(q)
				l := thief.attempt()
				l.DeviceId, l.TryNumber, l.Platform = id, high+1, uint32(rollcall.Mac) // refused for its platform, after the try number
				w.connect().ask(l)

				for range 4 {
					d.cut()
					time.Sleep(10 * time.Minute)
					d.mend()
					time.Sleep(time.Minute)
				}
				if got := d.Session().Number; got != number {
					t.Errorf("after network losses the phone has session %d, want still %d: %q", got, number, d.signals())
				}
				if x := d.kept(); x.Number != number || x.Node == "" {
					t.Errorf("the server holds session %d of the phone, connected: %v; want %d, connected", x.Number, x.Node != "", number)
				}
			})
		})
	}
}

// TestDeviceWithoutNumbersLeft: where a device had no session, its numbers can be
// used up before its next login. It goes on as a new device.
func TestDeviceWithoutNumbersLeft(t *testing.T) {
	for _, high := range []uint64{wire.MaxTryNumber, wire.MaxTryNumber - 1, wire.MaxTryNumber - 2} {
		story(t, server.Config{}, func(t *testing.T, w *world) {
			d := w.phone("alice", "phone", rollcall.Android)
			d.in()
			id := string(d.kept().Device)
			d.out()
			time.Sleep(policy.TryLife + time.Minute)
			thief := w.device("alice", "thief", rollcall.Web)
			for i := range policy.MaxOldTries + 1 { // the phone's number is forgotten
				q := thief.logout()
				q.DeviceId, q.FixedHalf, q.UserSig = fmt.Sprint("invented", i), thief.draw(), thief.sig
				w.connect().ask(q)
			}
			q := thief.logout()
			q.DeviceId, q.TryNumber, q.FixedHalf, q.UserSig = id, high, thief.draw(), thief.sig
			w.connect().ask(q)
			if got := w.tryOf("alice", id); got != high {
				t.Fatalf("the server has try number %d of the device, want %d", got, high)
			}
			for range 3 {
				if got := d.login(); got != "ok" {
					t.Fatalf("numbers used up to %d: a login gets %q", high, got)
				}
				for range 3 {
					d.cut()
					time.Sleep(time.Minute)
					d.mend()
					time.Sleep(time.Minute)
				}
				if got := len(w.state("alice").Sessions); got != 1 {
					t.Fatalf("numbers used up to %d: %d sessions after network losses, signals %q", high, got, d.signals())
				}
				d.out()
			}
		})
	}
}

// TestThiefSaysThatAKickWasSeen: only who held the session can say so.
func TestThiefSaysThatAKickWasSeen(t *testing.T) {
	for name, lose := range map[string]func(*phone){"operator": operatorKick, "signed out elsewhere": signOutElsewhere} {
		t.Run(name, func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				d := w.phone("alice", "phone", rollcall.Android)
				d.in()
				number := d.Session().Number
				d.cut()
				time.Sleep(time.Hour)
				lose(d)
				synctest.Wait()
				thief := w.device("alice", "thief", rollcall.Mac)
				q := thief.attempt()
				q.KickSeen, q.LastSession = number, number
				w.connect().ask(q)
				untold(t, w, number)
			})
		})
	}
}

// TestThiefFloodsKickRows with evictions of devices that he invents.
func TestThiefFloodsKickRows(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.phone("alice", "phone", rollcall.Android)
		d.in()
		number := d.Session().Number
		d.cut()
		time.Sleep(time.Hour)
		operatorKick(d)
		synctest.Wait()
		for i := range 6 { // of each device four sessions are kicked as "same device elsewhere", the last as "newer login"
			thief := w.device("alice", fmt.Sprint("thief", i), rollcall.Mac)
			for range 5 {
				p := w.connect()
				q := thief.attempt()
				q.LastSession, q.Proofs = 0, nil
				thief.granted(p.ask(q))
			}
			time.Sleep(2 * time.Second)
		}
		untold(t, w, number)
		if n := len(w.state("alice").Kicks); n != policy.MinKickRows {
			t.Errorf("%d kick rows, want %d", n, policy.MinKickRows)
		}
	})
}

// out logs out, which must succeed.
func (d *phone) out() {
	d.w.t.Helper()
	if err := d.Logout(d.w.t.Context()); err != nil {
		d.w.t.Fatalf("%s logs out: %v", d.name, err)
	}
}

// tryOf is the highest try number that the server has seen of a device.
func (w *world) tryOf(user, id string) uint64 {
	w.t.Helper()
	for _, t := range w.state(user).Tries {
		if string(t.Device) == id {
			return t.Highest
		}
	}
	return 0
}

// latest is the last row of an account's history.
func (w *world) latest(user string) store.HistoryRow {
	w.t.Helper()
	rows, err := w.server.Store().History(w.t.Context(), account(user), 0, 1)
	if err != nil || len(rows) != 1 {
		w.t.Fatalf("the history of %s: %v, %v", user, rows, err)
	}
	return rows[0]
}

// untold checks that the kick row of a session is there.
func untold(t *testing.T, w *world, session uint64) {
	t.Helper()
	for _, k := range w.state("alice").Kicks {
		if k.Session == session {
			return
		}
	}
	t.Errorf("the kick row of session %d is gone before its device was told", session)
}

// TestThiefSignsOut: with a session alone he signs out all others and their
// UserSigs once; then the owner comes in with a new UserSig, and he goes.
func TestThiefSignsOut(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		thief := w.device("alice", "thief", rollcall.Web)
		p := thief.online()
		if f := p.ask(&wire.SignOutRequest{UserSigs: true}); f.GetSignOut() == nil {
			t.Fatalf("a first sign-out: %v", f)
		}
		time.Sleep(time.Second)
		owner := w.device("alice", "owner", rollcall.Android)
		owner.sig = signed(t, app, w.key, "alice", time.Now(), time.Hour)
		o := owner.online()
		for _, q := range []*wire.SignOutRequest{{UserSigs: true}, {}, {Session: owner.session}} {
			if f := p.ask(q); f.GetRefusal().GetCode() != 70001 {
				t.Errorf("the thief's next sign-out %v: %v, want 70001", q, f)
			}
		}
		if f := o.ask(&wire.SignOutRequest{UserSigs: true}); f.GetSignOut() == nil {
			t.Fatalf("the owner's sign-out: %v", f)
		}
		if in := w.state("alice").Sessions; len(in) != 1 || in[0].Device != "owner" {
			t.Errorf("in are %+v, want the owner alone", in)
		}
	})
}

// TestSignOutsLeaveBoundedHistory: one that ends nobody and revokes nothing new
// leaves no row.
func TestSignOutsLeaveBoundedHistory(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		p := w.device("alice", "phone", rollcall.Android).online()
		for range 20 {
			for range 40 {
				if f := p.ask(&wire.SignOutRequest{UserSigs: true}); f.GetSignOut() == nil {
					t.Fatal(f)
				}
			}
			time.Sleep(time.Second)
		}
		if rows := w.history("alice"); len(rows) > 3 {
			t.Errorf("800 sign-outs of nobody left %d rows", len(rows))
		}
	})
}

// TestFoldingHidesNobody: refusals of another client with the device's id have a
// row of their own.
func TestFoldingHidesNobody(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.name = "Alice's phone"
		d.online()
		disabled(&phone{w: w, user: "alice"})
		w.connect().ask(d.attempt())
		e := w.device("alice", "phone", rollcall.Mac)
		e.name, e.try, e.drawn = "another", 100, 100
		w.connect().ask(e.attempt())
		if r := w.latest("alice"); r.DeviceName != "another" || r.Count != 1 || r.Platform != rollcall.Mac {
			t.Errorf("the latest row is %+v, want one of the other client", r)
		}
	})
}
