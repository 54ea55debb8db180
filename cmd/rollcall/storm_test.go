package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/usersig"
)

const (
	stormRounds   = 5
	stormAccounts = 2 // of each app
	stormDevices  = 6 // of each account
)

// stormApps are those of the storm; in the second, who is evicted untold is told
// when it comes back, and at its next login.
var stormApps = []rollcall.AppID{7, 8}

// TestAServerKilledInAStormOfKicksKeepsEveryKick has many devices of few accounts
// take each other's place without pause, on one platform, over TCP. The server is
// killed (SIGKILL) in the midst of it and started again, several times, and some of
// the devices' programs die with it. After each kill, and when it is all over, the
// directory it left is held against what the devices were told:
//
//   - nobody has more sessions than the limit;
//   - whoever lost a place and has not acknowledged it has its kick row;
//   - every login that was acknowledged is in, or ended once, with its cause in the
//     history;
//   - no signal came twice, none is missing.
func TestAServerKilledInAStormOfKicksKeepsEveryKick(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 9))
	s := newStorm(t)
	server := s.serve()
	ctx, over := context.WithCancel(t.Context())
	var apps sync.WaitGroup
	for _, d := range s.devices {
		d.open()
		apps.Go(func() { d.fight(ctx) })
	}
	for round := range stormRounds {
		s.after(20 + random.IntN(60))
		time.AfterFunc(time.Duration(random.IntN(30))*time.Millisecond, func() { _ = server.cmd.Process.Kill() })
		if status, err := server.exits(); err != nil || status != -1 {
			t.Fatalf("the server ended with status %d, %v; want it killed", status, err)
		}
		kicks := s.check(fmt.Sprint("after kill ", round+1))
		for _, d := range s.devices {
			d.dies.Store(random.IntN(3) == 0)
		}
		server = s.serve()
		t.Logf("round %d: %d kicks until now", round+1, kicks)
	}
	s.after(20)
	over()
	apps.Wait()
	s.calm()
	server.kill()
	if kicks := s.check("in the end"); kicks < 50 {
		t.Errorf("%d kicks: too few to prove anything", kicks)
	}
	for _, d := range s.devices {
		d.checkLog()
		_ = d.client.Close()
	}
}

// A storm is a server's directory and the devices around it.
type storm struct {
	t       *testing.T
	dir     string
	address atomic.Value // host:port of the server, a string; another one in each life
	devices []*stormDevice
	kicks   chan struct{} // one for each signal
}

func newStorm(t *testing.T) *storm {
	t.Helper()
	s := &storm{t: t, dir: filepath.Join(t.TempDir(), "data"), kicks: make(chan struct{}, 10_000)}
	command(t, "init", "--dir", s.dir)
	for _, app := range stormApps {
		key := command(t, "app", "add", "--dir", s.dir, app.String())
		for account := range stormAccounts {
			user := fmt.Sprint("user", account)
			sig, err := usersig.Sign(app, key, user, time.Now(), time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			for device := range stormDevices {
				name := fmt.Sprintf("%s-%s-%d", app, user, device)
				s.devices = append(s.devices, &stormDevice{
					storm: s, account: rollcall.Account{App: app, User: rollcall.UserID(user)}, name: name, sig: sig,
					dir: filepath.Join(t.TempDir(), name), told: make(chan struct{}, 100),
				})
			}
		}
	}
	command(t, "app", "set", "--dir", s.dir, stormApps[1].String(), "tell_kicked_on_reconnect=true", "tell_kicked_on_login=true")
	return s
}

// serve starts the server.
func (s *storm) serve() *process {
	s.t.Helper()
	server, url := serveOn(s.t, s.dir)
	s.address.Store(strings.TrimPrefix(url, "ws://"))
	return server
}

// dial connects to where the server is now, or was last.
func (s *storm) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, s.address.Load().(string))
}

// after waits for so many kicks more.
func (s *storm) after(kicks int) {
	s.t.Helper()
	late := time.After(patience)
	for range kicks {
		select {
		case <-s.kicks:
		case <-late:
			s.t.Fatalf("the storm has died down: not %d kicks within %v", kicks, patience)
		}
	}
}

// calm waits until the same devices are served for a while: those that come back
// by themselves are back.
func (s *storm) calm() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	before := ""
	for same := 0; same < 3; {
		served := ""
		for _, d := range s.devices {
			if d.client.LoginStatus() != client.StatusLogined {
				continue
			}
			if _, err := d.client.Sessions(ctx); err != nil { // not connected, or not any more
				served = ""
				break
			}
			served += fmt.Sprintln(d.name, d.client.Session().Number)
		}
		if same++; served != before || served == "" {
			same = 0
		}
		before = served
		select {
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
			s.t.Fatalf("no calm within %v; served last are\n%s", patience, served)
		}
	}
}

// check holds the directory of the dead server against the devices, and returns how
// many kicks its history has.
func (s *storm) check(when string) (kicks int) {
	s.t.Helper()
	st, err := sqlite.Open(s.t.Context(), s.dir, sqlite.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	defer st.Close()
	for _, app := range stormApps {
		for account := range stormAccounts {
			a := rollcall.Account{App: app, User: rollcall.UserID(fmt.Sprint("user", account))}
			kicks += s.checkAccount(st, a, when)
		}
	}
	return kicks
}

func (s *storm) checkAccount(st *sqlite.Store, a rollcall.Account, when string) (kicks int) {
	s.t.Helper()
	acknowledged := map[uint64]*stormDevice{} // by the devices' own word, taken before the store's
	for _, d := range s.devices {
		if d.account == a {
			for _, n := range d.sessions() {
				acknowledged[n] = d
			}
		}
	}
	state, err := st.State(s.t.Context(), a)
	if err != nil {
		s.t.Fatal(err)
	}
	rows, err := st.History(s.t.Context(), a, 0, 10_000)
	if err != nil {
		s.t.Fatal(err)
	}
	if len(state.Sessions) > 1 {
		s.t.Errorf("%s: %s has %d sessions, the limit is 1", when, a, len(state.Sessions))
	}
	h := read(rows)
	for n := range acknowledged {
		if _, found := h.device[n]; !found {
			s.t.Errorf("%s: %s was acknowledged session %d, of which the history has nothing", when, a, n)
		}
	}
	for n := uint64(1); n <= state.Counter; n++ {
		in := slices.ContainsFunc(state.Sessions, func(x policy.Session) bool { return x.Number == n })
		kept := slices.ContainsFunc(state.Kicks, func(k policy.Kick) bool { return k.Session == n })
		ends := h.ends[n]
		switch {
		case in && (len(ends) > 0 || kept):
			s.t.Errorf("%s: session %d of %s is in, and has ended: %v, kick row %v", when, n, a, ends, kept)
		case !in && len(ends) != 1:
			s.t.Errorf("%s: session %d of %s is out, and has ended so: %v; want one end", when, n, a, ends)
		case !in && ends[0].Kind == policy.EventKicked:
			kicks++
			s.checkKick(a, h, ends[0], kept, when)
		}
	}
	return kicks
}

// checkKick looks at one kick: it has its cause, and its row unless its device has
// it from the notice, or has logged in since.
func (s *storm) checkKick(a rollcall.Account, h chronicle, e store.HistoryRow, kept bool, when string) {
	s.t.Helper()
	if e.Reason != policy.NewerLogin || e.By.Session <= e.Session || e.By.Rule != policy.OverLimit {
		s.t.Errorf("%s: session %d of %s was kicked for %s by %+v", when, e.Session, a, e.Reason, e.By)
	}
	if kept {
		return
	}
	i := slices.IndexFunc(s.devices, func(d *stormDevice) bool { return d.account == a && d.name == e.DeviceName })
	if i < 0 {
		s.t.Fatalf("%s: %s was kicked on %q, which is none of the devices", when, a, e.DeviceName)
	}
	if seen, since := s.devices[i].kickSeen(), h.last[e.DeviceName]; seen != e.Session && since <= e.Session {
		s.t.Errorf("%s: session %d of %s has lost its kick row: the device has seen the kick of %d, and logged in last as %d",
			when, e.Session, a, seen, since)
	}
}

// A chronicle is an account's history by session.
type chronicle struct {
	device map[uint64]string             // of each login
	last   map[string]uint64             // login of each device
	ends   map[uint64][]store.HistoryRow // of each session
}

func read(rows []store.HistoryRow) chronicle {
	h := chronicle{map[uint64]string{}, map[string]uint64{}, map[uint64][]store.HistoryRow{}}
	for _, r := range slices.Backward(rows) {
		switch r.Kind {
		case policy.EventLogin:
			h.device[r.Session], h.last[r.DeviceName] = r.DeviceName, r.Session
		case policy.EventKicked, policy.EventReplaced, policy.EventLogout, policy.EventExpired, policy.EventLapsed:
			h.ends[r.Session] = append(h.ends[r.Session], r)
		default:
		}
	}
	return h
}

// A stormDevice is an installation whose app logs in again whenever it is out.
type stormDevice struct {
	*storm

	account rollcall.Account
	name    string
	sig     string
	dir     string
	client  *client.Client
	told    chan struct{} // wakes fight
	dies    atomic.Bool   // its program is to be restarted

	mu  sync.Mutex
	log []string // "in 7", "out: kicked", "out: restarted", "not in: 6208": what the app knows
}

// open starts the program.
func (d *stormDevice) open() {
	c, err := client.Open(d.account.App, "ws://storm.test", client.Options{
		DataDirectory: d.dir, Dial: d.dial, Platform: rollcall.Android, DeviceName: d.name, LoginWithin: 5 * time.Second,
	})
	if err != nil {
		d.t.Error(err)
		return
	}
	c.AddListener(client.Listener{
		KickedOffline: func(k client.Kick) {
			d.write("out: kicked")
			if k.Reason != client.ReasonNewerLogin {
				d.t.Errorf("%s was kicked for %s", d.name, k.Reason)
			}
			d.kicks <- struct{}{}
			d.told <- struct{}{}
		},
		UserSigExpired: func() { d.t.Errorf("%s heard that its UserSig has ended", d.name) },
	})
	d.client = c
}

func (d *stormDevice) write(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, what)
}

// fight logs in whenever the device is out, until ctx ends.
func (d *stormDevice) fight(ctx context.Context) {
	for ctx.Err() == nil {
		if d.dies.CompareAndSwap(true, false) {
			_ = d.client.Close()
			d.write("out: restarted")
			d.open()
		}
		pause := 200 * time.Millisecond
		if d.client.LoginStatus() == client.StatusLogout {
			if d.login() == nil {
				pause = time.Second
			}
		}
		select {
		case <-d.told:
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// login is the app's call. Its result is written down in its place among the
// signals.
func (d *stormDevice) login() error {
	done := make(chan error, 1)
	d.client.StartLogin(string(d.account.User), d.sig, func(err error) {
		if err == nil {
			d.write("in " + strconv.FormatUint(d.state().Session, 10))
		} else {
			d.write(fmt.Sprint("not in: ", int(imcode.Of(err))))
		}
		done <- err
	})
	return <-done
}

// checkLog fails the test unless the app was told of each loss once, and is where
// it takes itself to be.
func (d *stormDevice) checkLog() {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	in := false
	for _, what := range d.log {
		switch {
		case strings.HasPrefix(what, "in "):
			if in {
				d.t.Errorf("%s was out without a word: %q", d.name, d.log)
			}
			in = true
		case what == "out: kicked":
			if !in {
				d.t.Errorf("%s was told twice: %q", d.name, d.log)
			}
			in = false
		case what == "out: restarted":
			in = false
		}
	}
	if now := d.client.LoginStatus() == client.StatusLogined; now != in {
		d.t.Errorf("%s is in: %v; going by what its app was told: %v, %q", d.name, now, in, d.log)
	}
}

// sessions are the numbers of those that the app was told it is in.
func (d *stormDevice) sessions() (all []uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, what := range d.log {
		if text, found := strings.CutPrefix(what, "in "); found {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				d.t.Error(err)
			}
			all = append(all, n)
		}
	}
	return all
}

// A stormRecord is what a device has on disk of its account.
type stormRecord struct {
	Session  uint64 `json:"session"`
	KickSeen uint64 `json:"kick_seen"`
}

func (d *stormDevice) kickSeen() uint64 { return d.state().KickSeen }

func (d *stormDevice) state() stormRecord {
	var state struct {
		Accounts []stormRecord `json:"accounts"`
	}
	b, err := os.ReadFile(filepath.Join(d.dir, "state.json"))
	if err == nil {
		err = json.Unmarshal(b, &state)
	}
	if err != nil || len(state.Accounts) != 1 {
		d.t.Errorf("the state of %s has %d accounts, %v; want one", d.name, len(state.Accounts), err)
		return stormRecord{}
	}
	return state.Accounts[0]
}
