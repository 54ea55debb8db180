package history_test

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall.example"
	"rollcall.example/internal/history"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// noon is when every story begins.
var noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

func hash(of string, args ...any) policy.Hash { return sha256.Sum256(fmt.Appendf(nil, of, args...)) }

// A world is one account, its clients, and all that was written of it.
type world struct {
	book
	t     *rapid.T
	s     policy.State
	now   time.Time
	r     policy.Rules
	drawn int
	tries uint64
	seen  []snapshot
	users []*user
	quiet map[uint64]bool // sessions whose link has changed without a row since their last one
}

type user struct {
	device         rollcall.DeviceID
	platform       rollcall.Platform
	session        uint64
	fixed, present policy.Hash
}

// A snapshot is who was in at the end of a moment.
type snapshot struct {
	at    time.Time
	in    []policy.Session
	quiet map[uint64]bool
}

// TestReplay: whatever happens to an account, its rows tell at every moment who was
// logged in then, and whether they were connected, unless they say that they cannot.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, now: noon, r: randomRules(t), quiet: map[uint64]bool{}}
		for device, p := range map[rollcall.DeviceID]rollcall.Platform{
			"a1": rollcall.Android, "a2": rollcall.Android, "i1": rollcall.IPhone, "w1": rollcall.Web, "w2": rollcall.Web,
		} {
			w.users = append(w.users, &user{device: device, platform: p})
		}
		slices.SortFunc(w.users, func(a, b *user) int { return cmp.Compare(a.device, b.device) })
		flap := func(*rapid.T) { w.flap() }
		t.Repeat(map[string]func(*rapid.T){
			"":           func(*rapid.T) {},
			"login":      func(*rapid.T) { w.login() },
			"login ":     func(*rapid.T) { w.login() },
			"again":      func(*rapid.T) { w.again() },
			"resume":     func(*rapid.T) { w.resume() },
			"disconnect": func(*rapid.T) { w.disconnect() },
			"flap":       flap, "flap ": flap,
			"logout":  func(*rapid.T) { w.logout() },
			"renew":   func(*rapid.T) { w.renew() },
			"act":     func(*rapid.T) { w.act() },
			"time":    func(*rapid.T) { w.pass() },
			"restart": func(*rapid.T) { w.restart() },
			"policy":  func(t *rapid.T) { w.r = randomRules(t) },
		})
		w.check()
	})
}

func randomRules(t *rapid.T) policy.Rules {
	r := policy.Multi()
	for p := range policy.NumPlatforms {
		r.Group[p] = rapid.Uint8Range(0, 2).Draw(t, "group")
		r.Limit[p] = rapid.IntRange(1, 3).Draw(t, "limit")
	}
	return r
}

// serve runs a rule and writes what came of it as the store does.
func (w *world) serve(rule func(policy.State) policy.Outcome) policy.Outcome {
	before := w.s
	o := rule(before)
	w.s = o.State
	for _, e := range o.Events {
		w.write(e)
		if e.Kind == policy.EventResume || e.Kind == policy.EventAway {
			w.quiet[e.Session] = false
		}
	}
	for _, x := range w.s.Sessions { // a login tried again connects without a row
		i := slices.IndexFunc(before.Sessions, func(y policy.Session) bool { return y.Number == x.Number })
		told := slices.ContainsFunc(o.Events, func(e policy.Event) bool { return e.Session == x.Number })
		if i >= 0 && !told && (before.Sessions[i].Node == "") != (x.Node == "") {
			w.quiet[x.Number] = true
		}
	}
	w.note()
	return o
}

// A book is the rows of an account, as the store writes them.
type book struct{ rows []store.HistoryRow }

// write folds as the store does.
func (b *book) write(e policy.Event) {
	for i, r := range slices.Backward(b.rows) {
		if r.Folds(e) { // into the latest that is equal, or none
			b.rows[i].Count++
			b.rows[i].Last = e.At
			return
		}
	}
	b.rows = append(b.rows, store.HistoryRow{ID: int64(len(b.rows) + 1), Event: e, Count: 1, Last: e.At})
}

// note keeps who is in now; of what happens at one moment, the last counts.
func (w *world) note() {
	if n := len(w.seen); n > 0 && w.seen[n-1].at.Equal(w.now) {
		w.seen = w.seen[:n-1]
	}
	w.seen = append(w.seen, snapshot{w.now, slices.Clone(w.s.Sessions), maps.Clone(w.quiet)})
}

func (w *world) someone() *user { return rapid.SampledFrom(w.users).Draw(w.t, "who") }

func (w *world) rarely(what string) bool { return rapid.IntRange(0, 5).Draw(w.t, what) == 5 }

func (w *world) request(u *user) policy.Login {
	w.tries++
	q := policy.Login{
		Now: w.now, Node: "n", Device: u.device, DeviceName: "name of " + string(u.device), Platform: u.platform,
		Address: "192.0.2.0", Try: w.tries, SigTime: w.now.Unix(), Fixed: u.fixed, Changing: u.present,
	}
	q.SigEnds = q.SigTime + rapid.SampledFrom([]int64{-10, 50, 1_000_000, 100_000_000}).Draw(w.t, "good for")
	return q
}

func (w *world) login() {
	u := w.someone()
	w.drawn++
	proof := u.present
	u.fixed, u.present = hash("fixed %d", w.drawn), hash("present %d", w.drawn)
	q := w.request(u)
	if rapid.Bool().Draw(w.t, "proves") {
		q.Proofs = []policy.Hash{proof}
	}
	for _, x := range w.s.Sessions {
		if w.rarely("lost") {
			q.Lost = append(q.Lost, policy.Lost{Session: x.Number, Conn: x.Conn})
		}
	}
	o := w.serve(func(s policy.State) policy.Outcome { return policy.LogIn(s, q, w.r) })
	if o.Answer == policy.Granted {
		u.session = o.Session.Number
	}
}

// again is a login that is tried again, as when its answer was lost.
func (w *world) again() {
	q := w.request(w.someone())
	w.serve(func(s policy.State) policy.Outcome { return policy.LogIn(s, q, w.r) })
}

func (w *world) resume() { w.comeBack(w.someone()) }

func (w *world) comeBack(u *user) {
	w.drawn++
	w.tries++
	next := hash("present %d", w.drawn)
	q := policy.Resume{
		Now: w.now, Node: "n", Session: u.session, Fixed: u.fixed, Present: u.present, Next: next,
		Try: w.tries, Address: "192.0.2.0",
	}
	if o := w.serve(func(s policy.State) policy.Outcome { return policy.ResumeSession(s, q, w.r) }); o.Answer == policy.Granted {
		u.present = next
	}
}

func (w *world) disconnect() { w.leave(w.someone()) }

func (w *world) leave(u *user) {
	for _, x := range w.s.Sessions {
		if x.Number == u.session {
			q := policy.Disconnect{Now: w.now, Session: x.Number, Conn: x.Conn}
			w.serve(func(s policy.State) policy.Outcome { return policy.Disconnected(s, q, w.r) })
		}
	}
}

// flap loses and finds a connection some times within moments.
func (w *world) flap() {
	u := w.someone()
	for range rapid.IntRange(1, 6).Draw(w.t, "times") {
		w.step()
		w.leave(u)
		w.step()
		w.comeBack(u)
	}
}

// step lets a moment pass, or none.
func (w *world) step() {
	w.now = w.now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 10_000, 45_000, 70_000}).Draw(w.t, "ms")) * time.Millisecond)
}

func (w *world) logout() {
	u := w.someone()
	w.tries++
	q := policy.Logout{Now: w.now, Device: u.device, Fixed: u.fixed, Try: w.tries}
	w.serve(func(s policy.State) policy.Outcome { return policy.LogOut(s, q, w.r) })
}

func (w *world) renew() {
	u := w.someone()
	q := policy.Renew{Now: w.now, Session: u.session, Renewal: policy.Renewal{SigTime: w.now.Unix(), SigEnds: w.now.Unix() + 100}}
	w.serve(func(s policy.State) policy.Outcome { return policy.RenewSig(s, q, w.r) })
}

func (w *world) act() {
	u := w.someone()
	act := rapid.SampledFrom([]string{"kick", "sign out", "revoke", "disable", "enable", "enable", "delete", "apply"}).Draw(w.t, "act")
	w.serve(func(s policy.State) policy.Outcome {
		switch act {
		case "kick":
			return policy.KickSessions(s, policy.OperatorKick{Now: w.now, Target: policy.Target{Device: u.device}, Operator: "Olga"}, w.r)
		case "sign out":
			return policy.SignOutSessions(s, policy.SignOut{Now: w.now, Session: u.session}, w.r)
		case "revoke":
			return policy.RevokeSigs(s, policy.Revoke{Now: w.now, Operator: "Olga"}, w.r)
		case "disable", "enable":
			return policy.SetDisabled(s, policy.Disable{Now: w.now, Disabled: act == "disable"}, w.r)
		case "delete":
			return policy.DeleteAccount(s, policy.Delete{Now: w.now}, w.r)
		default:
			return policy.ApplyPolicy(s, policy.Apply{Now: w.now}, w.r)
		}
	})
}

func (w *world) pass() {
	steps := []time.Duration{time.Second, 50 * time.Second, 11 * time.Minute, 30 * time.Hour, 8 * 24 * time.Hour}
	w.now = w.now.Add(rapid.SampledFrom(steps).Draw(w.t, "passes"))
	if rapid.Bool().Draw(w.t, "sweep") {
		w.serve(func(s policy.State) policy.Outcome { return policy.Expire(s, w.now, w.r) })
	}
}

// restart is the death of the server and the start of another: every session is
// away then, and no row says so.
func (w *world) restart() {
	w.serve(func(s policy.State) policy.Outcome {
		s.Sessions = slices.Clone(s.Sessions)
		for i := range s.Sessions {
			if x := &s.Sessions[i]; x.Node != "" {
				x.Node, x.Away = "", w.now
			}
		}
		return policy.Outcome{State: s}
	})
}

// check replays all rows, with the state and without, and the rows that are left
// after a pruning.
func (w *world) check() {
	full := history.Replay(w.rows, w.s, w.now)
	w.compare("replayed", full, w.seen)
	w.compare("replayed from rows alone", history.Replay(w.rows, policy.State{}, w.now), w.seen)
	now := full.At(w.now)
	for i, x := range w.s.Sessions {
		if got := now[i]; (got.Link == history.Connected) != (x.Node != "") || got.Link == history.Unclear || !got.Since.Equal(x.Since) {
			w.t.Fatalf("now: %+v, want %+v", got, x)
		}
		if got := now[i]; got.Link == history.Away && !got.LinkSince.Equal(x.Away) {
			w.t.Fatalf("now: away since %v, want %v", got.LinkSince, x.Away)
		}
	}
	if len(w.rows) == 0 {
		return
	}
	before := w.rows[rapid.IntRange(0, len(w.rows)-1).Draw(w.t, "first row kept")].At
	kept := slices.DeleteFunc(slices.Clone(w.rows), func(r store.HistoryRow) bool { return r.At.Before(before) })
	past := history.Replay(kept, w.s, w.now)
	since := slices.DeleteFunc(slices.Clone(w.seen), func(s snapshot) bool { return s.at.Before(past.From) })
	w.compare("replayed from what was kept", past, since)
	for _, s := range w.seen {
		if s.at.Before(past.From) {
			for _, x := range past.At(s.at) {
				if !slices.ContainsFunc(s.in, func(y policy.Session) bool { return x.Number == y.Number }) {
					w.t.Fatalf("before what was kept: %+v was not in", x)
				}
			}
		}
	}
}

// compare holds what was replayed to what was there, at each moment and just before
// the next one.
func (w *world) compare(how string, past history.Past, seen []snapshot) {
	for i, s := range seen {
		moments := []time.Time{s.at}
		if i+1 < len(seen) {
			moments = append(moments, seen[i+1].at.Add(-time.Nanosecond))
		}
		for _, t := range moments {
			got := past.At(t)
			if len(got) != len(s.in) {
				w.t.Fatalf("%s, at %v: %+v, want %+v\nrows %+v", how, t, got, s.in, w.rows)
			}
			for j, x := range s.in {
				g := got[j]
				if g.Number != x.Number || g.Device != x.Device || g.DeviceName != x.DeviceName || g.Platform != x.Platform || !g.Since.IsZero() && !g.Since.Equal(x.Since) {
					w.t.Fatalf("%s, at %v: %+v, want %+v", how, t, g, x)
				}
				if g.Since.IsZero() && !x.Since.Before(past.From) && !past.From.Equal(x.Since) {
					w.t.Fatalf("%s, at %v: %+v does not know that it began at %v", how, t, g, x.Since)
				}
				wrong := g.Link == history.Connected && x.Node == "" || g.Link == history.Away && x.Node != ""
				if wrong && !s.quiet[x.Number] {
					w.t.Fatalf("%s, at %v: session %d is %s since %v, want node %q, away %v\nrows %+v", how, t, x.Number, g.Link, g.LinkSince, x.Node, x.Away, w.rows)
				}
			}
		}
	}
}
