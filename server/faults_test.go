package server_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/policy"
	"rollcall.example/server"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

// What users of other systems report, each with a test that it does not happen
// here. Where it is reported is said in general terms: forums and issue trackers
// of chat SDKs and of servers that allow one login per account.

// Reported of SDKs that treat every connection as a login: a phone changes from
// Wi-Fi to mobile data, the old socket is still open at the server, and the phone
// is told that its account logged in on another device, which is itself.
func TestAReconnectDoesNotKickItself(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.phone("alice", "phone", rollcall.Android)
		d.in()
		for i := range 40 {
			switch i % 8 {
			case 0, 1, 2: // Silent: both ends believe in the old connection; Unplug: the server does
				d.link.Cut(memnet.Break(i%3 + 1))
				time.Sleep(time.Duration(i) * time.Minute)
				d.mend()
			case 3:
				d.link.Lose(memnet.ToClient, i%2, memnet.Unplug) // the answer to the return
			case 4:
				d.link.Lose(memnet.ToServer, 0, memnet.Silent)
			case 5:
				w.stop()
				w.start()
			case 6:
				w.kill()
				w.start()
			case 7: // the program dies, and the server still holds its connection
				d.link.Cut(memnet.Unplug)
				d.restart()
				d.mend()
				time.Sleep(11 * time.Second)
				d.in()
			}
			time.Sleep(3 * time.Minute)
			if got := d.kept(); got.Number == 0 || got.Number != d.Session().Number || got.Node == "" {
				t.Fatalf("after step %d the server has session %d on node %q, the phone is in %+v", i, got.Number, got.Node, d.Session())
			}
		}
		same(t, "signals", d.signals(), nil)
		for _, row := range w.history("alice") {
			if len(row) > 6 && row[:6] == "kicked" {
				t.Errorf("history: %q", row)
			}
		}
	})
}

// Reported of servers that order sessions by the time of their socket: a login that
// connected early and was slow, or an old session that reconnected, counts as the
// newer one and stays, while the user's latest login is thrown out.
func TestTheOrderOfLoginsDecidesNotThatOfConnecting(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		early, late := w.connect(), w.connect()
		one, two := w.device("alice", "one", rollcall.Android), w.device("alice", "two", rollcall.Android)
		two.granted(late.ask(two.attempt()))
		one.granted(early.ask(one.attempt())) // connected first, logs in last
		if n := late.read().GetNotice(); n.GetBySession() != 2 {
			t.Errorf("the one that connected last and logged in first got %v, want the notice of session 2's login", n)
		}
		early.silent(time.Second)

		// Two fit now. The oldest login comes back on the youngest connection, and is
		// the oldest login all the same.
		w.under(apps.Policy{Instances: apps.Instances{rollcall.Android: 2}})
		second := w.device("alice", "three", rollcall.Android).online()
		early.hangUp()
		back := one.back()
		w.device("alice", "four", rollcall.Android).online()
		if n := back.read().GetNotice(); n.GetSession() != 2 || n.GetReason() != wire.Reason_REASON_NEWER_LOGIN {
			t.Errorf("the oldest login, connected last, got %v, want its notice", n)
		}
		second.silent(time.Second)
	})
}

// Reported of SDKs that log in again by themselves after a kick: two devices of one
// account push each other out once a second until a battery is empty.
// TestTwoKickedDevicesDoNotFight has the rest of the story; this is the reported
// one, of two devices that lose the network again and again.
func TestTwoKickedDevicesDoNotFightForEver(t *testing.T) {
	for _, set := range switches {
		t.Run(switchesNamed(set), func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				w.set(set)
				a, b := w.phone("alice", "a", rollcall.Android), w.phone("alice", "b", rollcall.Android)
				a.in()
				a.cut()
				b.in()
				for range 10 {
					b.cut()
					a.mend()
					time.Sleep(time.Minute)
					a.cut()
					b.mend()
					time.Sleep(time.Minute)
				}
				a.mend()
				w.calm(a, b)
				if n := len(a.signals()) + len(b.signals()); n != 1 {
					t.Errorf("%d signals, want one: of the two that were in, one is out", n)
				}
			})
		})
	}
}

// Reported of servers whose kick closes connections and leaves the ticket good: the
// thief whose login was revoked is back within a second, with the same ticket.
func TestNoTicketOutlivesTheKick(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.phone("alice", "phone", rollcall.Android)
		early := w.sig("alice", 30*24*time.Hour) // never used before the kick
		time.Sleep(time.Second)
		d.in()
		away := w.phone("alice", "page", rollcall.Web)
		away.in()
		away.cut()
		time.Sleep(time.Minute)
		if _, err := w.server.Sessions().Revoke(t.Context(), account("alice"), 0, "ann"); err != nil {
			t.Fatal(err)
		}
		away.mend()
		time.Sleep(time.Minute)
		same(t, "signals of the connected one", d.signals(), []string{"expired"})
		same(t, "signals of the one that was away", away.signals(), []string{"expired"})
		for i := range 3 { // at any time, and after restarts
			for what, sig := range map[string]string{"its own ticket": d.sig, "one never used": early} {
				q := w.device("alice", fmt.Sprintf("thief-%d-%v", i, what == "its own ticket"), rollcall.Android)
				q.sig = sig
				if got := outcome(w.connect().ask(q.attempt())); got != "refused 70001" {
					t.Errorf("a login with %s: %s, want refused 70001", what, got)
				}
			}
			if n := len(w.state("alice").Sessions); n != 0 {
				t.Errorf("%d sessions after the kick, want none", n)
			}
			w.stop()
			w.start()
			time.Sleep(time.Hour)
		}
		if got := d.loginWith(w.sig("alice", time.Hour)); got != "ok" {
			t.Errorf("a login with a new ticket: %s", got)
		}
	})
}

// A ticket that outlives an operator's kick is meant to: it ends sessions. The
// session does not come back by itself with it, though.
func TestNoSessionOutlivesAnOperatorsKick(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.phone("alice", "phone", rollcall.Android)
		d.in()
		d.cut()
		if _, err := w.server.Sessions().Kick(t.Context(), account("alice"), policy.Target{}, "ann"); err != nil {
			t.Fatal(err)
		}
		d.mend()
		time.Sleep(time.Hour)
		same(t, "signals", d.signals(), []string{"kicked: operator"})
		if x := d.kept(); x.Number != 0 {
			t.Errorf("the phone is in session %d again", x.Number)
		}
	})
}

// Reported of servers that keep who is online in memory or in a cache: after a
// restart or a crash the list of devices shows ghosts, or nobody, for hours.
func TestTheDeviceListIsTrueAfterARestart(t *testing.T) {
	for name, stop := range map[string]func(*world){"stopped": func(w *world) { w.stop() }, "killed": (*world).kill} {
		t.Run(name, func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				w.under(apps.Policy{Name: "multi"})
				stays, gone := w.phone("alice", "stays", rollcall.Android), w.phone("alice", "gone", rollcall.Web)
				out, kicked := w.phone("alice", "out", rollcall.Mac), w.phone("alice", "kicked", rollcall.IPhone)
				for _, d := range []*phone{stays, gone, out, kicked} {
					d.in()
				}
				w.phone("alice", "young", rollcall.IPhone).in() // kicks kicked
				if err := out.Logout(t.Context()); err != nil {
					t.Fatal(err)
				}
				gone.cut()
				stop(w)
				down := time.Now()
				time.Sleep(30 * time.Second)
				w.start()
				// From the first moment on the sessions are those that there are, all of
				// them away since the server went down at the latest.
				want := "[stays gone young]"
				list, connected := w.list("alice")
				if list != want || connected != "[]" {
					t.Errorf("at the start: %s, connected %s; want %s, nobody connected", list, connected, want)
				}
				for _, x := range w.state("alice").Sessions {
					if x.Away.IsZero() || x.Away.Before(down.Add(-time.Minute)) {
						t.Errorf("%s is away since %v, the server went down at %v", x.DeviceName, x.Away, down)
					}
				}
				time.Sleep(90 * time.Second) // a page has 60 s to come back
				if list, connected := w.list("alice"); list != "[stays young]" || connected != "[stays young]" {
					t.Errorf("90 s later: %s, connected %s; want [stays young] both", list, connected)
				}
			})
		})
	}
}

// list names the devices that are in, as the use-case tells it, and those of them
// that are connected.
func (w *world) list(user string) (all, connected string) {
	w.t.Helper()
	synctest.Wait()
	s, err := w.server.Sessions().State(w.t.Context(), account(user))
	if err != nil {
		w.t.Fatal(err)
	}
	in, live := []string{}, []string{}
	for _, x := range s.Sessions {
		in = append(in, x.DeviceName)
		if x.Away.IsZero() {
			live = append(live, x.DeviceName)
		}
	}
	return fmt.Sprint(in), fmt.Sprint(live)
}

// Reported of SDKs that retry whatever fails: a phone with a dead ticket asks the
// server again and again, for days, and drains battery and log.
func TestADeadTicketIsNotRetriedForEver(t *testing.T) {
	for _, tt := range []struct {
		name  string
		good  time.Duration
		kill  func(w *world, d *phone)
		login string // what login() with it brings from the second time on
	}{
		{"it ends", time.Hour, func(*world, *phone) { time.Sleep(61 * time.Minute) }, "6206"},
		{"it ends while the phone is away", time.Hour, func(_ *world, d *phone) {
			d.cut()
			time.Sleep(3 * time.Hour)
			d.mend()
		}, "6206"},
		{"it is revoked", time.Hour, func(_ *world, d *phone) { restKick(d) }, "6206"},
		{"it is revoked while the phone is away", time.Hour, func(_ *world, d *phone) {
			d.cut()
			time.Sleep(time.Minute)
			restKick(d)
			d.mend()
		}, "6206"},
		{"its key is replaced, and the session forgotten", 48 * time.Hour, func(w *world, d *phone) {
			d.cut()
			time.Sleep(10 * time.Minute) // the page is forgotten: its return is an automatic login
			w.replaceKey()
			d.mend()
		}, "70009"}, // the app asks, the server answers: the key may come back
	} {
		t.Run(tt.name, func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				d := w.phone("alice", "page", rollcall.Web)
				d.sig = w.sig("alice", tt.good)
				d.in()
				tt.kill(w, d)
				time.Sleep(2 * time.Minute)
				same(t, "signals", d.signals(), []string{"expired"})
				before := d.tape.connections()
				time.Sleep(24 * time.Hour)
				if n := d.tape.connections() - before; n != 0 {
					t.Errorf("within a day the page dialled %d times with a ticket that is dead", n)
				}
				if d.LoginStatus() != client.StatusLogout {
					t.Errorf("status %v, want LOGOUT", d.LoginStatus())
				}
				d.login() // at most this one asks the server
				before = d.tape.connections()
				for range 5 {
					time.Sleep(10 * time.Second)
					if got := d.login(); got != tt.login {
						t.Errorf("a login with the dead ticket: %s, want %s", got, tt.login)
					}
				}
				if n := d.tape.connections() - before; tt.login == "6206" && n != 0 {
					t.Errorf("login() with a ticket known to be dead dialled %d times", n)
				}
				same(t, "signals", d.signals(), []string{"expired"})
			})
		})
	}
}

// replaceKey makes all tickets worthless that were signed until now.
func (w *world) replaceKey() {
	w.t.Helper()
	a, err := w.server.Apps().App(app)
	if err != nil {
		w.t.Fatal(err)
	}
	old := a.Keys()
	if _, w.key, err = w.server.Apps().AddKey(w.t.Context(), app, ""); err != nil {
		w.t.Fatal(err)
	}
	for _, k := range old {
		if err := w.server.Apps().RemoveKey(w.t.Context(), app, k.ID); err != nil {
			w.t.Fatal(err)
		}
	}
}

// Reported of servers whose kick compares whole seconds: the business server kicks
// an account and at once signs a new ticket for its owner, which is refused as old.
// The one case that is left: a ticket of a second in which an earlier one was signed
// and used may be the very same bytes as the dead one.
func TestANewTicketMadeInTheSecondOfTheKickIsGood(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.phone("alice", "phone", rollcall.Android)
		d.in()
		time.Sleep(3*time.Second + 400*time.Millisecond)

		// Whoever was in used a ticket of an earlier second: one of the kick's own is good.
		validFrom := w.revoke("alice")
		now := time.Now()
		if validFrom != now.Unix() {
			t.Errorf("ValidFrom %d at %d", validFrom, now.Unix())
		}
		d.inWith(w.signedAt(now, time.Time{}))

		// The same second once more: a ticket of it has been used, and may not live on.
		validFrom = w.revoke("alice")
		if now := time.Now(); validFrom != now.Unix()+1 {
			t.Errorf("the second kick in second %d: ValidFrom %d, want the next", now.Unix(), validFrom)
		}
		same(t, "signals", d.signals(), []string{"expired", "expired"})
		same(t, "the same bytes again", []string{d.loginWith(w.signedAt(time.Now(), time.Time{}))}, []string{"70001"})
		// One that is signed for ValidFrom works at once, though it is ahead of the clock.
		d.inWith(w.signedAt(time.Now(), time.Unix(validFrom, 0)))

		// And again, in still the same second: ahead by two.
		validFrom = w.revoke("alice")
		if now := time.Now(); validFrom != now.Unix()+2 {
			t.Errorf("the third kick in second %d: ValidFrom %d, want two later", now.Unix(), validFrom)
		}
		time.Sleep(2 * time.Second) // without looking: once the clock is past it
		d.inWith(w.signedAt(time.Now(), time.Time{}))
		same(t, "signals", d.signals(), []string{"expired", "expired", "expired"})
	})
}

// revoke is the REST kick, as the vendor's API has it; the answer is ValidFrom.
func (w *world) revoke(user string) int64 {
	w.t.Helper()
	o, err := w.server.Sessions().Revoke(w.t.Context(), account(user), 0, "ann")
	if err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
	return o.State.ValidFrom
}

// signedAt is a ticket of alice that a business server signs now, for no earlier than notBefore.
func (w *world) signedAt(now, notBefore time.Time) string {
	w.t.Helper()
	sig, err := usersig.Claims{App: app, Identifier: "alice", Time: now.Unix(), Expire: 3600}.NotBefore(notBefore).Sign(w.key)
	if err != nil {
		w.t.Fatal(err)
	}
	return sig
}

// inWith logs in with another ticket, which must succeed.
func (d *phone) inWith(sig string) {
	d.w.t.Helper()
	if got := d.loginWith(sig); got != "ok" {
		d.w.t.Fatalf("%s logs in with a new ticket: %s", d.name, got)
	}
}
