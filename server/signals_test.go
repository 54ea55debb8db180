package server_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/policy"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// A loss is a way to lose a session, and what the app hears of it: the table of
// docs/login.md, "Coming back".
type loss struct {
	name     string
	settings apps.Settings
	platform rollcall.Platform
	lose     func(d *phone)

	told string // the signal, while connected
	back string // the signal, untold, when the SDK comes back by itself; "": it logs in by itself

	untold []string // what login() brings, called again and again, when the program was restarted untold
	after  []string // the same once the app was told

	stays bool // its kick row outlives an acknowledgement
}

// losses has a line for every reason, with each setting that it depends on.
var losses = []loss{
	{name: "newer login", lose: newerLogin, told: "kicked: newer login", untold: ok, after: ok},
	{
		name: "newer login, told on reconnect", settings: apps.Settings{TellKickedOnReconnect: true}, lose: newerLogin,
		told: "kicked: newer login", back: "kicked: newer login 6208", untold: ok, after: ok,
	},
	{
		name: "newer login, told on login", settings: apps.Settings{TellKickedOnLogin: true}, lose: newerLogin,
		told: "kicked: newer login", untold: []string{"6208", "ok"}, after: ok,
	},
	{
		name: "newer login, told on both", settings: apps.Settings{TellKickedOnReconnect: true, TellKickedOnLogin: true},
		lose: newerLogin, told: "kicked: newer login", back: "kicked: newer login 6208", untold: []string{"6208", "ok"}, after: ok,
	},
	{
		name: "newer login on the Web, told on both", settings: apps.Settings{TellKickedOnReconnect: true, TellKickedOnLogin: true},
		platform: rollcall.Web, lose: newerLogin, told: "kicked: newer login", untold: ok, after: ok,
	},
	{name: "operator", lose: operatorKick, told: "kicked: operator", back: "kicked: operator", untold: ok, after: ok},
	{
		name: "sign-out elsewhere", lose: signOutElsewhere,
		told: "kicked: signed out elsewhere", back: "kicked: signed out elsewhere", untold: ok, after: ok,
	},
	{
		name: "policy applied", lose: policyApplied,
		told: "kicked: policy applied", back: "kicked: policy applied", untold: ok, after: ok,
	},
	{
		name: "same device", lose: sameDevice,
		told: "kicked: same device elsewhere", back: "kicked: same device elsewhere", untold: ok, after: ok,
	},
	{
		name: "secret used twice", lose: secretUsedTwice, stays: true,
		told: "kicked: secret used twice", back: "kicked: secret used twice", untold: ok, after: ok,
	},
	{
		name: "disabled", lose: disabled,
		told: "kicked: account disabled 70051", back: "kicked: account disabled 70051",
		untold: []string{"70051", "70051"}, after: []string{"70051", "70051"},
	},
	{
		name: "REST kick", lose: restKick, told: "expired", back: "expired",
		untold: []string{"70001", "6206"}, after: []string{"70001", "6206"},
	},
	{
		name: "REST kick as kick", settings: apps.Settings{RESTKickAsKick: true}, lose: restKick,
		told: "kicked: UserSigs revoked", back: "kicked: UserSigs revoked",
		untold: []string{"70052", "6206"}, after: []string{"70052", "6206"},
	},
	{name: "deleted", lose: deleted, told: "kicked: account deleted", back: "kicked: account deleted", untold: ok, after: ok},
}

var ok = []string{"ok"}

func newerLogin(d *phone) { d.w.phone(d.user, "other", d.platform).in() }

func operatorKick(d *phone) {
	d.act(d.w.server.Sessions().Kick(d.w.t.Context(), account(d.user), policy.Target{Session: d.kept().Number}, "ann"))
}

func signOutElsewhere(d *phone) {
	page := d.w.device(d.user, "page", rollcall.Web).online()
	if n := page.ask(&wire.SignOutRequest{Session: d.kept().Number}).GetSignOut().GetCount(); n != 1 {
		d.w.t.Fatalf("the sign-out ended %d sessions, want 1", n)
	}
}

// policyApplied applies the policy to an account that an earlier one let log in
// twice on the platform.
func policyApplied(d *phone) {
	d.w.under(apps.Policy{Instances: apps.Instances{d.platform: 2}})
	newerLogin(d)
	d.w.under(apps.Policy{})
	if sum, err := d.w.server.Sessions().Apply(d.w.t.Context(), app, "ann", nil); err != nil || sum.Sessions != 1 {
		d.w.t.Fatalf("applying the policy: %+v, %v; want one session ended", sum, err)
	}
}

// sameDevice logs in with the device's id, from elsewhere and without its secret.
func sameDevice(d *phone) {
	thief := d.w.device(d.user, string(d.kept().Device), d.platform)
	thief.try = d.highest()
	thief.online()
}

// secretUsedTwice resumes the session with its fixed half and a changing half
// that is not in force, as the program of a copied directory would.
func secretUsedTwice(d *phone) {
	thief := d.w.device(d.user, string(d.kept().Device), d.platform)
	thief.try = d.highest()
	thief.session, thief.fixed, thief.present = d.kept().Number, d.fixedHalf(), thief.draw()
	if got := outcome(d.w.connect().ask(thief.resume())); got != "notice 0" {
		d.w.t.Fatalf("the second use of the secret was answered with %s", got)
	}
}

func disabled(d *phone) {
	d.act(d.w.server.Sessions().SetDisabled(d.w.t.Context(), account(d.user), true, "ann"))
}

func restKick(d *phone) {
	d.act(d.w.server.Sessions().Revoke(d.w.t.Context(), account(d.user), 0, "ann"))
}

func deleted(d *phone) {
	d.act(d.w.server.Sessions().Delete(d.w.t.Context(), account(d.user), "ann"))
}

// act is an operator's act, which must end one session.
func (d *phone) act(o policy.Outcome, err error) {
	d.w.t.Helper()
	if err != nil || len(o.Ended) != 1 {
		d.w.t.Fatalf("the act ended %d sessions, %v; want 1", len(o.Ended), err)
	}
}

// highest is the try number of the device that the server has seen last.
func (d *phone) highest() uint64 {
	for _, t := range d.w.state(d.user).Tries {
		if t.Device == d.kept().Device {
			return t.Highest
		}
	}
	return 0
}

// fixedHalf is that of the session, as it lies in the data directory.
func (d *phone) fixedHalf() []byte {
	d.w.t.Helper()
	b, err := os.ReadFile(filepath.Join(d.dir, "state.json"))
	if err != nil {
		d.w.t.Fatal(err)
	}
	var state struct {
		Accounts []struct {
			Fixed []byte `json:"fixed"`
		} `json:"accounts"`
	}
	if err := json.Unmarshal(b, &state); err != nil || len(state.Accounts) != 1 {
		d.w.t.Fatalf("the state of %d accounts: %v", len(state.Accounts), err)
	}
	return state.Accounts[0].Fixed
}

// A road is a way in which the news of a loss reaches the app, or does not.
type road struct {
	name string
	walk func(c *cell)
}

// A cell is one loss on one road.
type cell struct {
	loss

	t *testing.T
	w *world
	d *phone // is in as the road begins
}

var roads = []road{
	{"told while connected", func(c *cell) {
		c.lose(c.d)
		c.wasTold(c.loss.told)
		c.row(c.stays)
		c.logins(c.after)
	}},
	{"told while connected, then the program is restarted", func(c *cell) {
		c.lose(c.d)
		c.wasTold(c.loss.told)
		c.d.restart()
		c.wasTold(c.loss.told)
		c.logins(c.after)
	}},
	{"untold, comes back by itself", func(c *cell) {
		c.loseUntold()
		c.d.mend()
		c.cameBack()
	}},
	{"untold, the program is restarted, the app logs in", func(c *cell) {
		c.loseUntold()
		c.d.restart()
		c.d.mend()
		time.Sleep(time.Minute)
		same(c.t, "signals before the login", c.d.signals(), nil)
		c.logins(c.untold)
		same(c.t, "signals", c.d.signals(), nil)
	}},
	{"untold, the server restarts", func(c *cell) {
		c.loseUntold()
		c.w.stop()
		c.w.start()
		time.Sleep(time.Minute) // whoever else was in is back
		c.d.mend()
		c.cameBack()
	}},
	{"untold, the server is killed", func(c *cell) {
		c.loseUntold()
		c.w.kill()
		c.w.start()
		time.Sleep(time.Minute)
		c.d.mend()
		c.cameBack()
	}},
	{"the acknowledgement is lost", func(c *cell) {
		c.d.link.Lose(memnet.ToServer, 0, memnet.Unplug)
		c.lose(c.d)
		c.wasTold(c.loss.told)
		c.row(true)
		c.logins(c.after)
	}},
	{"the notice is lost", func(c *cell) {
		c.d.link.Lose(memnet.ToClient, 0, memnet.Unplug)
		c.lose(c.d)
		c.cameBack()
	}},
	{"the notice to who came back is lost, then the server is killed", func(c *cell) {
		c.loseUntold()
		c.d.link.Lose(memnet.ToClient, 1, memnet.Unplug) // what follows the upgrade
		c.d.mend()
		for n := c.d.tape.connections(); c.d.tape.connections() == n; {
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		c.d.cut()
		c.w.kill()
		c.w.start()
		time.Sleep(time.Minute)
		c.d.mend()
		c.cameBack()
	}},
	{"an old return is served late, before it is back", func(c *cell) {
		c.d.cut()
		time.Sleep(time.Minute)
		c.d.tape.hold()
		c.d.mend()
		time.Sleep(30 * time.Second) // returns that nobody answers are given up
		c.lose(c.d)
		time.Sleep(15 * time.Second)
		if c.d.tape.release() == 0 {
			c.t.Fatal("nothing is served late")
		}
		c.cameBack()
	}},
	{"all old frames are served once more", func(c *cell) {
		c.loseUntold()
		c.d.replay()
		c.d.mend()
		c.cameBack()
	}},
}

// TestOneEventOneSignal holds the table of signals, for each way to lose a session
// and each way that the news of it can take: exactly one signal, the right one, and
// then nothing, for a quarter of an hour and when all that the phone ever sent is served again.
func TestOneEventOneSignal(t *testing.T) {
	for _, l := range losses {
		for _, r := range roads {
			t.Run(l.name+"/"+r.name, func(t *testing.T) {
				story(t, server.Config{}, func(t *testing.T, w *world) {
					w.set(l.settings)
					if l.platform == 0 {
						l.platform = rollcall.Android
					}
					c := &cell{loss: l, t: t, w: w, d: w.phone("alice", "phone", l.platform)}
					c.d.in()
					time.Sleep(11 * time.Second)
					r.walk(c)
				})
			})
		}
	}
}

// loseUntold loses the session while the phone is off the network.
func (c *cell) loseUntold() {
	c.d.cut()
	time.Sleep(time.Second)
	c.lose(c.d)
	time.Sleep(time.Second)
}

// wasTold waits a quarter of an hour and sees that the app has heard this and nothing else, and
// that nothing moved.
func (c *cell) wasTold(signal string) {
	c.t.Helper()
	time.Sleep(time.Minute)
	same(c.t, "signals", c.d.signals(), []string{signal})
	c.still()
	same(c.t, "signals later", c.d.signals(), []string{signal})
	if s, u := c.d.LoginStatus(), c.d.LoginUser(); s != client.StatusLogout || u != "" {
		c.t.Errorf("status %v of %q, want LOGOUT of nobody", s, u)
	}
}

// cameBack sees what becomes of a phone that was not told and is on the network
// again.
func (c *cell) cameBack() {
	c.t.Helper()
	if c.back != "" {
		c.wasTold(c.back)
		c.row(c.stays)
		c.late()
		c.logins(c.after)
		same(c.t, "signals in the end", c.d.signals(), []string{c.back})
		return
	}
	time.Sleep(time.Minute)
	c.isIn()
	c.still()
	c.late()
	same(c.t, "signals", c.d.signals(), nil)
	c.isIn()
}

// isIn sees that the phone has a session, at the server too.
func (c *cell) isIn() {
	c.t.Helper()
	if got, want := c.d.Session().Number, c.d.kept().Number; got == 0 || got != want {
		c.t.Errorf("the phone is in session %d, the server has it in %d", got, want)
	}
}

// logins calls login() again and again.
func (c *cell) logins(want []string) {
	c.t.Helper()
	var got []string
	for range want {
		time.Sleep(time.Second)
		got = append(got, c.d.login())
	}
	same(c.t, "login() brings", got, want)
	before := c.d.signals()
	time.Sleep(time.Minute)
	same(c.t, "signals after login()", c.d.signals(), before)
	if in := want[len(want)-1] == "ok"; in {
		c.isIn()
	} else if n := c.d.kept().Number; n != 0 {
		c.t.Errorf("refused, and the server has it in session %d", n)
	}
}

// row sees whether the session that was lost has its kick row.
func (c *cell) row(want bool) {
	c.t.Helper()
	got := slices.ContainsFunc(c.w.state(c.d.user).Kicks, func(k policy.Kick) bool { return k.Session == 1 })
	if got != want {
		c.t.Errorf("a kick row of the session: %v, want %v", got, want)
	}
}

// still sees nothing happen to the phone for a quarter of an hour.
func (c *cell) still() {
	c.t.Helper()
	rows, connections := c.rows(), c.d.tape.connections()
	time.Sleep(15 * time.Minute)
	synctest.Wait()
	if now := c.d.tape.connections(); now != connections {
		c.t.Errorf("within 15 minutes of calm the phone made %d connections", now-connections)
	}
	same(c.t, "what happened to the phone in the calm", c.rows(), rows)
}

// late serves all that the phone ever sent once more, which changes nothing.
func (c *cell) late() {
	c.t.Helper()
	rows, signals, in := c.rows(), c.d.signals(), c.d.kept()
	kicks := len(c.w.state(c.d.user).Kicks)
	c.d.replay()
	time.Sleep(time.Minute)
	same(c.t, "what happened to the phone after old frames", c.rows(), rows)
	same(c.t, "signals after old frames", c.d.signals(), signals)
	if now := c.d.kept(); now.Number != in.Number || now.Conn != in.Conn {
		c.t.Errorf("after old frames session %d on connection %d, before them %d on %d", now.Number, now.Conn, in.Number, in.Conn)
	}
	if now := len(c.w.state(c.d.user).Kicks); now != kicks {
		c.t.Errorf("after old frames %d kick rows, before them %d", now, kicks)
	}
}

// rows is the phone's part of the history, oldest first.
func (c *cell) rows() (all []string) {
	c.t.Helper()
	rows, err := c.w.server.Store().History(c.t.Context(), account(c.d.user), 0, 1000)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, r := range slices.Backward(rows) {
		if r.DeviceName == c.d.name {
			all = append(all, fmt.Sprint(r.Kind, " ", r.Session, " ", r.Code, " x", r.Count))
		}
	}
	return all
}
