package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// A world is one app with its accounts, all who use it, and what is on its way
// between them. Everything happens in one goroutine, one thing at a time.
type world struct {
	draw *rand.PCG
	rand *rand.Rand
	now  time.Time

	rules    policy.Rules
	accounts [2]*account // alice, whom the history is about; bob, to switch to
	devices  []*device
	links    []*link
	dialed   int // links so far
	epoch    int // the server's incarnation
	unsaid   []unsaid
	loot     []loot

	drawn     uint64 // halves so far
	crowd     bool   // there are many devices
	clones    bool   // data directories are copied in this history
	thief     bool   // somebody steals secrets
	operators bool   // operators act
	acting    policy.Reason
	calm      bool // nothing fails any more

	without Without
	broken  *Broken
	story   *strings.Builder
	told    int // lines
}

// An account is an account's state, and the truth about its sessions.
type account struct {
	name   string
	state  policy.State
	facts  []*fact  // of session n at n-1
	replay []uint64 // the sessions that the history rows tell of
	kicks  int      // kick rows so far
	acts   int      // those of them that are not by newer logins
	rest   uint64   // the highest session number at the last REST kick
}

// A half is half of a secret.
type half uint64

// proof is what the server keeps of a changing half; the hash of a hash of a
// fixed half looks the same here, as halves are drawn once.
func (h half) proof() policy.Hash {
	var out policy.Hash
	for i := range 8 {
		out[i] = byte(h >> (8 * i))
	}
	return out
}

// A sig is a UserSig with a good signature.
type sig struct {
	account int
	at      int64 // TLS.time
	ends    int64 // its last good second
}

// noon is when every history begins.
var noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

var platforms = []rollcall.Platform{rollcall.Android, rollcall.Android, rollcall.IPhone, rollcall.Windows, rollcall.Web}

func newWorld(seed uint64, without Without, story *strings.Builder) *world {
	w := &world{draw: rand.NewPCG(seed, 4), now: noon, without: without, story: story}
	w.rand = rand.New(w.draw)
	w.accounts = [2]*account{{name: "alice"}, {name: "bob"}}
	w.rules = w.anyRules()
	w.crowd = isCrowd(seed)
	n := 2 + w.rand.IntN(3)
	if w.crowd {
		n = policy.MaxOldTries + 10
	}
	for i := range n {
		p := platforms[w.rand.IntN(len(platforms))]
		d := &device{w: w, name: fmt.Sprintf("%s%d", strings.ToLower(p.String()), i+1), platform: p, provider: w.rarely(3)}
		d.id = rollcall.DeviceID(d.name)
		w.devices = append(w.devices, d)
	}
	w.clones, w.thief, w.operators = w.rarely(4), w.rarely(4), w.rarely(3)
	w.sayf("rules: groups %v, limits %v, tell on reconnect %v, on login %v",
		w.rules.Group, w.rules.Limit, w.rules.TellKickedOnReconnect, w.rules.TellKickedOnLogin)
	return w
}

// anyRules draws an app's settings: one of the policies, or groups at random.
func (w *world) anyRules() policy.Rules {
	kinds := [...]func() policy.Rules{policy.Single, policy.Dual, policy.Triple, policy.Multi, policy.Multi}
	kind := w.rand.IntN(len(kinds))
	r := kinds[kind]()
	for p := range policy.NumPlatforms {
		if kind == len(kinds)-1 {
			r.Group[p] = uint8(w.rand.IntN(3))
		}
		r.Limit[p] = 1 + w.rand.IntN(2)
		r.Refused[p] = w.rarely(200)
	}
	r.TellKickedOnReconnect = w.rarely(2)
	r.TellKickedOnLogin = w.rarely(2)
	r.RESTKickAsKick = w.rarely(2)
	return r
}

// rarely is true once in n.
func (w *world) rarely(n int) bool { return w.rand.IntN(n) == 0 }

func (w *world) half() half {
	w.drawn++
	return half(w.drawn)
}

// newSig is what the business server signs. Most live long.
func (w *world) newSig(account int) *sig {
	lives := [...]int64{40, 1800, 20 * 3600, 30 * 86400, 180 * 86400, 180 * 86400}
	at := max(w.now.Unix()-w.rand.Int64N(3), w.accounts[account].state.ValidFrom)
	return &sig{account, at, at + lives[w.rand.IntN(len(lives))]}
}

func (a *account) fact(session uint64) *fact {
	if session == 0 || session > uint64(len(a.facts)) {
		return nil
	}
	return a.facts[session-1]
}

func (a *account) session(number uint64) (policy.Session, bool) {
	i := slices.IndexFunc(a.state.Sessions, func(x policy.Session) bool { return x.Number == number })
	if i < 0 {
		return policy.Session{}, false
	}
	return a.state.Sessions[i], true
}

// breaksf notes the first promise that is broken.
func (w *world) breaksf(promise, format string, args ...any) {
	if w.broken == nil {
		w.broken = &Broken{Promise: promise, Detail: fmt.Sprintf(format, args...)}
		w.sayf("BROKEN: %s: %s", promise, w.broken.Detail)
	}
}

// sayf adds a line to the story.
func (w *world) sayf(format string, args ...any) {
	if w.story == nil || w.told > 2000 {
		return
	}
	w.told++
	fmt.Fprintf(w.story, "%-12s ", w.now.Sub(noon))
	fmt.Fprintf(w.story, format, args...)
	w.story.WriteByte('\n')
}

// loud tells whether the story is written down: who has much to put together
// asks first.
func (w *world) loud() bool { return w.story != nil }

// pick draws one of list that is fit; the zero value if there is none.
func pick[T any](w *world, list []T, fit func(T) bool) T {
	if len(list) > 0 {
		from := w.rand.IntN(len(list))
		for i := range list {
			if x := list[(from+i)%len(list)]; fit(x) {
				return x
			}
		}
	}
	var none T
	return none
}
