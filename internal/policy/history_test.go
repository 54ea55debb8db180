package policy

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall.example"
)

// A world is one account and all who use it, for random histories: several
// clients, some of them with a copy of another's data directory, answers and
// connections that get lost, frames that are served late.
type world struct {
	s       State
	now     time.Time
	r       Rules
	clients []*user
	late    []request // what was sent before
	drawn   int       // secrets drawn so far
}

// A user is what one client knows.
type user struct {
	device               rollcall.DeviceID
	platform             rollcall.Platform
	session, seen        uint64
	fixed, present, next Hash
	try                  uint64
}

// A request is one frame, as it can be served again.
type request struct {
	name  string
	login *Login // where it is one
	by    *user
	serve func(State, time.Time, Rules) Outcome
}

// TestHistories drives an account through random histories. After every step
// hold the invariants of the package's document and more (see holds),
// and what each kind of request must and must not do (see judged).
func TestHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{now: noon, r: randomRules(t)}
		for _, device := range []string{"a1", "a2", "a3", "i1", "m1", "w1", "w2"} {
			w.clients = append(w.clients, &user{device: rollcall.DeviceID(device), platform: letters[device[0]]})
		}
		t.Repeat(map[string]func(*rapid.T){
			"login":      w.login,
			"login ":     w.login, // more often than other steps
			"resume":     w.resume,
			"resume ":    w.resume,
			"late":       w.serveLate,
			"renew":      w.renew,
			"logout":     w.logout,
			"disconnect": w.disconnect,
			"ack":        w.acknowledge,
			"time":       w.pass,
			"clone":      w.clone,
			"settings":   func(t *rapid.T) { w.r = randomRules(t) },
			"operator":   w.operator,
		})
	})
}

func randomRules(t *rapid.T) Rules {
	var r Rules
	for p := range NumPlatforms {
		r.Group[p] = rapid.Uint8Range(0, 3).Draw(t, "group")
		r.Limit[p] = rapid.IntRange(1, 3).Draw(t, "limit")
		r.Refused[p] = rapid.IntRange(0, 20).Draw(t, "refused") == 20
	}
	r.TellKickedOnReconnect = rapid.Bool().Draw(t, "tell on reconnect")
	r.TellKickedOnLogin = rapid.Bool().Draw(t, "tell on login")
	r.RESTKickAsKick = rapid.Bool().Draw(t, "as kick")
	return r
}

func (w *world) secret() Hash {
	w.drawn++
	return hash("secret %d", w.drawn)
}

func rarely(t *rapid.T, what string) bool { return rapid.IntRange(0, 5).Draw(t, what) == 5 }

// send serves a request now, checks what came of it, and keeps it for later.
func (w *world) send(t *rapid.T, q request) Outcome {
	if len(w.late) == 50 {
		w.late = w.late[1:]
	}
	w.late = append(w.late, q)
	return w.served(t, q)
}

func (w *world) served(t *rapid.T, q request) Outcome {
	before, now, r := w.s, w.now, w.r
	o := judge(t, before, func(s State) Outcome { return q.serve(s, now, r) })
	c := verdict{before: before, o: o, now: now, rules: r, request: q}
	c.holds(t)
	c.judged(t)
	w.s = o.State
	return o
}

// login is a new attempt or a repetition of one, honest or not.
func (w *world) login(t *rapid.T) {
	c := rapid.SampledFrom(w.clients).Draw(t, "client")
	c.try++
	q := Login{
		Node: rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "node"), Device: c.device, Platform: c.platform,
		SigTime: w.now.Unix() + rapid.Int64Range(-100, 310).Draw(t, "signed"), Try: c.try,
		Automatic: rapid.Bool().Draw(t, "automatic"), LastSession: c.session, KickSeen: c.seen,
		Fixed: w.secret(), Changing: w.secret(),
	}
	q.SigEnds = q.SigTime + rapid.SampledFrom([]int64{50, 1000, 1_000_000, 100_000_000}).Draw(t, "good for")
	if rarely(t, "another platform") {
		q.Platform = rapid.SampledFrom([]rollcall.Platform{rollcall.Web, rollcall.Android}).Draw(t, "platform")
	}
	if rapid.Bool().Draw(t, "proves") {
		q.Proofs = []Hash{c.present, c.next, c.fixed}
	}
	for _, x := range w.s.Sessions {
		if rarely(t, "lost") {
			q.Lost = append(q.Lost, Lost{x.Number, x.Conn})
		}
	}
	serve := func(s State, now time.Time, r Rules) Outcome { q := q; q.Now = now; return LogIn(s, q, r) }
	o := w.send(t, request{"login", &q, c, serve})
	if rarely(t, "repeated") { // as when the answer was lost
		again := q
		c.try++
		again.Try = c.try
		if rarely(t, "by a thief") {
			again.Changing = w.secret()
		}
		o = w.send(t, request{"login", &again, c, func(s State, now time.Time, r Rules) Outcome { again.Now = now; return LogIn(s, again, r) }})
	}
	w.answered(c, o)
	if o.Answer == Granted {
		c.fixed, c.present, c.next, c.seen = q.Fixed, q.Changing, Hash{}, 0
	}
}

// answered is what a client notes of an answer.
func (w *world) answered(c *user, o Outcome) {
	switch o.Answer {
	case Granted:
		c.session = o.Session.Number
	case Stale:
		c.try = o.Highest
	case Told:
		c.seen = o.Notice.Session
	case Refused:
		if o.Code == 6208 {
			c.seen = o.Notice.Session
		}
	default:
	}
}

// resume is honest but for wrong halves now and then; its answer may be lost.
func (w *world) resume(t *rapid.T) {
	c := rapid.SampledFrom(w.clients).Draw(t, "client")
	if c.next == (Hash{}) {
		c.next = w.secret()
	}
	c.try++
	q := Resume{Node: "n1", Session: c.session, Fixed: c.fixed, Present: c.present, Next: c.next, Try: c.try}
	if rarely(t, "wrong fixed half") {
		q.Fixed = w.secret()
	} else if rarely(t, "wrong changing half") {
		q.Present = w.secret()
	}
	if rarely(t, "renews") {
		q.Renewal = w.renewal(t)
	}
	o := w.send(t, request{"resume", nil, c, func(s State, now time.Time, r Rules) Outcome { q := q; q.Now = now; return ResumeSession(s, q, r) }})
	if o.Answer == Granted && rarely(t, "answer lost") {
		return
	}
	w.answered(c, o)
	if o.Answer == Granted {
		c.present, c.next = c.next, Hash{}
	}
}

func (w *world) renewal(t *rapid.T) *Renewal {
	from := w.now.Unix() + rapid.Int64Range(-100, 310).Draw(t, "renewed from")
	return &Renewal{from, from + rapid.Int64Range(50, 2_000_000).Draw(t, "renewed for")}
}

// serveLate serves an earlier frame once more.
func (w *world) serveLate(t *rapid.T) {
	if len(w.late) == 0 {
		t.Skip("nothing was sent yet")
	}
	w.served(t, rapid.SampledFrom(w.late).Draw(t, "frame"))
}

func (w *world) renew(t *rapid.T) {
	c := rapid.SampledFrom(w.clients).Draw(t, "client")
	q := Renew{Session: c.session, Renewal: *w.renewal(t)}
	w.send(t, request{"renew", nil, c, func(s State, now time.Time, r Rules) Outcome { q := q; q.Now = now; return RenewSig(s, q, r) }})
}

func (w *world) logout(t *rapid.T) {
	c := rapid.SampledFrom(w.clients).Draw(t, "client")
	c.try++
	q := Logout{Device: c.device, Fixed: c.fixed, Try: c.try, Signed: rarely(t, "signed")}
	if rarely(t, "wrong fixed half") {
		q.Fixed = w.secret()
	}
	w.send(t, request{"logout", nil, c, func(s State, now time.Time, r Rules) Outcome { q := q; q.Now = now; return LogOut(s, q, r) }})
}

func (w *world) disconnect(t *rapid.T) {
	if len(w.s.Sessions) == 0 {
		t.Skip("nobody is in")
	}
	x := rapid.SampledFrom(w.s.Sessions).Draw(t, "session")
	q := Disconnect{Session: x.Number, Conn: x.Conn}
	if rarely(t, "superseded") {
		q.Conn--
	}
	w.send(t, request{"disconnect", nil, nil, func(s State, now time.Time, r Rules) Outcome { q := q; q.Now = now; return Disconnected(s, q, r) }})
}

func (w *world) acknowledge(t *rapid.T) {
	if len(w.s.Kicks) == 0 {
		t.Skip("nobody was kicked")
	}
	q := Acknowledge{Session: rapid.SampledFrom(w.s.Kicks).Draw(t, "row").Session}
	name := fmt.Sprintf("ack %d", q.Session)
	w.send(t, request{name, nil, nil, func(s State, now time.Time, r Rules) Outcome { q := q; q.Now = now; return AcknowledgeKick(s, q, r) }})
}

// pass lets time go by; the sweep comes or does not.
func (w *world) pass(t *rapid.T) {
	steps := []time.Duration{second, 30 * second, minute, 11 * minute, hour, day, 6 * day, 8 * day}
	w.now = w.now.Add(rapid.SampledFrom(steps).Draw(t, "passes"))
	if rapid.Bool().Draw(t, "sweep") {
		w.served(t, request{"expire", nil, nil, Expire})
	}
}

// clone copies a client with all it knows.
func (w *world) clone(t *rapid.T) {
	if len(w.clients) > 9 || !rarely(t, "cloned") {
		t.Skip("enough clones")
	}
	c := *rapid.SampledFrom(w.clients).Draw(t, "client")
	w.clients = append(w.clients, &c)
}

// operator acts on the account, as an operator or its user does.
func (w *world) operator(t *rapid.T) {
	act := rapid.SampledFrom([]string{"kick", "sign out", "revoke", "disable", "enable", "delete", "apply"}).Draw(t, "act")
	if act != "apply" && act != "enable" && !rarely(t, "acts") {
		t.Skip("operators are lazy")
	}
	var target Target
	c := rapid.SampledFrom(w.clients).Draw(t, "whom")
	switch rapid.IntRange(0, 3).Draw(t, "narrow") {
	case 0:
		target.Session = c.session
	case 1:
		target.Device = c.device
	case 2:
		target.Platform = &c.platform
	}
	sigs, by := rapid.Bool().Draw(t, "their UserSigs too"), rapid.SampledFrom(w.clients).Draw(t, "asked by").session
	w.send(t, request{act, nil, c, func(s State, now time.Time, r Rules) Outcome {
		switch act {
		case "kick":
			return KickSessions(s, OperatorKick{Now: now, Target: target}, r)
		case "sign out":
			return SignOutSessions(s, SignOut{Now: now, Session: by, Target: target.Session, Sigs: sigs}, r)
		case "revoke":
			return RevokeSigs(s, Revoke{Now: now}, r)
		case "disable", "enable":
			return SetDisabled(s, Disable{Now: now, Disabled: act == "disable"}, r)
		case "delete":
			return DeleteAccount(s, Delete{Now: now}, r)
		default:
			return ApplyPolicy(s, Apply{Now: now}, r)
		}
	}})
}
