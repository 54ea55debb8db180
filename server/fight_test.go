package server_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/memnet"
	"rollcall.example/server"
)

// switches are all that an app can set about the return of the evicted.
var switches = []apps.Settings{
	{},
	{TellKickedOnReconnect: true},
	{TellKickedOnLogin: true},
	{TellKickedOnReconnect: true, TellKickedOnLogin: true},
}

func switchesNamed(s apps.Settings) string {
	return fmt.Sprintf("reconnect %v, login %v", s.TellKickedOnReconnect, s.TellKickedOnLogin)
}

// TestTwoKickedDevicesDoNotFight lets two phones that exclude each other lose the
// network in every order, one or both, before and after each other's login. Once
// the network is back for good there is at most one exchange more; then one of them
// is in, the other knows that it is not, and nothing moves for an hour.
func TestTwoKickedDevicesDoNotFight(t *testing.T) {
	for _, set := range switches {
		for _, tt := range []struct {
			name string
			play func(a, b *phone)
			a, b string // the signals that they end up with, both switches off
			a1   string // those of a with TellKickedOnReconnect, where they differ
			b1   string
		}{
			{name: "without a loss", play: func(a, b *phone) { a.in(); b.in() }, a: "kicked: newer login", a1: "kicked: newer login"},
			{
				name: "the first is off the network", play: func(a, b *phone) { a.in(); a.cut(); b.in(); a.mend() },
				b: "kicked: newer login", a1: "kicked: newer login 6208",
			},
			{
				name: "both are off, the first is back first", play: func(a, b *phone) {
					a.in()
					a.cut()
					b.in()
					b.cut()
					a.mend()
					time.Sleep(time.Minute)
					b.mend()
				},
				a: "kicked: newer login", a1: "kicked: newer login 6208",
			},
			{
				name: "both are off, the second is back first", play: func(a, b *phone) {
					a.in()
					a.cut()
					b.in()
					b.cut()
					b.mend()
					time.Sleep(time.Minute)
					a.mend()
				},
				b: "kicked: newer login", a1: "kicked: newer login 6208",
			},
		} {
			t.Run(switchesNamed(set)+"/"+tt.name, func(t *testing.T) {
				story(t, server.Config{}, func(t *testing.T, w *world) {
					w.set(set)
					a, b := w.phone("alice", "a", rollcall.Android), w.phone("alice", "b", rollcall.Android)
					tt.play(a, b)
					wantA, wantB := tt.a, tt.b
					if set.TellKickedOnReconnect {
						wantA, wantB = tt.a1, tt.b1
					}
					w.calm(a, b)
					same(t, "signals of a", a.signals(), signalsOf(wantA))
					same(t, "signals of b", b.signals(), signalsOf(wantB))
				})
			})
		}
	}
}

func signalsOf(signal string) []string {
	if signal == "" {
		return nil
	}
	return []string{signal}
}

// calm gives the phones two minutes to come to rest, and sees that then nothing
// moves for an hour, one of them is in, and the others know that they are not.
func (w *world) calm(all ...*phone) {
	w.t.Helper()
	time.Sleep(2 * time.Minute)
	user := all[0].user
	history := w.history(user)
	connections, signals := make([]int, len(all)), make([][]string, len(all))
	for i, d := range all {
		connections[i], signals[i] = d.tape.connections(), d.signals()
	}
	time.Sleep(time.Hour)
	synctest.Wait()
	w.wantHistory(user, history...)
	in := 0
	for i, d := range all {
		if n := d.tape.connections() - connections[i]; n != 0 {
			w.t.Errorf("within an hour of calm %s made %d connections", d.name, n)
		}
		same(w.t, "signals of "+d.name+" after an hour of calm", d.signals(), signals[i])
		if d.LoginStatus() == client.StatusLogined {
			in++
			if x := d.kept(); x.Number != d.Session().Number || x.Node == "" {
				w.t.Errorf("%s is in session %d; the server has it in %d on node %q", d.name, d.Session().Number, x.Number, x.Node)
			}
		}
	}
	if kept := len(w.state(user).Sessions); in != 1 || kept != 1 {
		w.t.Errorf("%d phones are in, %d sessions at the server; want one", in, kept)
	}
}

// TestKickedDevicesComeToRestAfterAnyStorm plays random storms: phones log in,
// lose the network in all ways, lose requests and answers, the server restarts and
// dies. In the end every phone was told of each loss at most once, and they are at
// rest.
func TestKickedDevicesComeToRestAfterAnyStorm(t *testing.T) {
	for seed := range uint64(24) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				random := rand.New(rand.NewPCG(seed, 1))
				w.set(switches[seed%4])
				var all []*phone
				for i := range 2 + int(seed%3) {
					all = append(all, w.phone("alice", fmt.Sprint("phone-", i), rollcall.Android))
				}
				for range 30 {
					w.storm(random, all)
				}
				for _, d := range all {
					d.mend()
				}
				for range 2 { // the second is for those whom the first told of an earlier loss
					time.Sleep(2 * time.Minute)
					if slices.ContainsFunc(all, func(d *phone) bool { return d.LoginStatus() == client.StatusLogined }) {
						break
					}
					all[0].login()
				}
				w.calm(all...)
				for _, d := range all {
					d.toldOnce()
				}
			})
		})
	}
}

// storm is one thing that happens to a phone or to the server, and some time.
func (w *world) storm(random *rand.Rand, all []*phone) {
	d := all[random.IntN(len(all))]
	how := memnet.Break(1 + random.IntN(3))
	switch n := random.IntN(20); {
	case n < 7:
		d.mend()
		if d.LoginStatus() != client.StatusLogined {
			d.login()
		}
	case n < 10:
		d.off = true
		d.link.Cut(how)
	case n < 13:
		d.mend()
	case n < 15:
		d.link.Lose(memnet.ToClient, random.IntN(3), how)
	case n < 17:
		d.link.Lose(memnet.ToServer, random.IntN(3), how)
	case n < 18:
		d.restart()
	case n < 19:
		w.stop()
		w.start()
	default:
		w.kill()
		w.start()
	}
	time.Sleep(time.Duration(random.IntN(20_000)) * time.Millisecond)
}

// toldOnce fails the test unless the app was told of each loss, and of each once:
// between two signals it was in, and if it is out and was in, a signal said so.
func (d *phone) toldOnce() {
	d.w.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	in := false
	for _, what := range d.log {
		switch what {
		case "in":
			in = true
		case "restarted":
			in = false
		default:
			if !in {
				d.w.t.Errorf("%s was told of a loss without having been in: %q", d.name, d.log)
			}
			in = false
		}
	}
	if now := d.LoginStatus() == client.StatusLogined; now != in {
		d.w.t.Errorf("%s is in: %v; going by what its app was told: %v, %q", d.name, now, in, d.log)
	}
}
