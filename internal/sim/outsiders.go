package sim

import (
	"reflect"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// loot is what a thief has got hold of: of a session, or just a UserSig.
type loot struct {
	account int
	device  *device
	session uint64
	secret  secret
	sig     *sig
}

// steal takes a copy of a secret, or uses one that was taken earlier.
func (w *world) steal() {
	switch {
	case !w.thief:
	case len(w.loot) == 0 || len(w.loot) < 4 && w.rarely(3):
		d := pick(w, w.devices, func(d *device) bool { return running(d) && d.process.seat != nil && !d.process.seat.over })
		if d == nil {
			return
		}
		s := d.process.seat
		d.exposed = true
		w.loot = append(w.loot, loot{s.account, d, s.number, s.secret, s.sig})
		w.sayf("a thief has the halves %d %d %d of %s, session %d", s.secret.fixed, s.secret.present, s.secret.next, d.name, s.number)
	default:
		w.useLoot(w.loot[w.rand.IntN(len(w.loot))])
	}
}

func (w *world) useLoot(x loot) {
	q := request{account: x.account, by: x.device, try: x.device.disk.try + w.rand.Uint64N(3), session: x.session, secret: x.secret}
	switch w.rand.IntN(6) {
	case 0, 1:
		q.kind = resume
		if q.secret.next == 0 || w.rarely(2) {
			q.secret.next = w.half()
		}
	case 2:
		q.kind, q.sig = login, x.sig
		q.secret.present = w.half()
	case 3:
		q.kind, q.sig = login, x.sig
		q.by = &device{w: w, name: "thief", id: "thief", platform: rollcall.Android, exposed: true}
		q.try, q.session, q.secret = uint64(w.dialed)+1, 0, secret{fixed: w.half(), present: w.half()}
		if rows := w.accounts[x.account].state.Kicks; len(rows) > 0 { // as if he was the one to be told
			q.session = rows[w.rand.IntN(len(rows))].Session
		}
	case 4:
		q.kind, q.sig = login, x.sig // the device id is only a claim
		q.session, q.secret = 0, secret{fixed: w.half(), present: w.half()}
	default:
		q.kind = logOut
	}
	l := w.dial(nil, nil)
	q.id = 1
	l.send(q)
}

// outsiderHears is what a thief does with an answer: he gets rid of a notice.
func (w *world) outsiderHears(l *link, a *answer) {
	switch a.kind {
	case notice:
		l.send(request{kind: ack, session: a.notice.Session})
	case closed, gone:
		l.dropClientEnd()
	default:
		if w.rarely(2) {
			l.dropClientEnd()
		}
	}
}

// stranger knows the account, its devices and the numbers of its sessions, and
// no secret: nothing changes, and all that he hears is what anybody hears.
func (w *world) stranger() {
	account := 0
	a := w.accounts[account]
	d := w.devices[w.rand.IntN(len(w.devices))]
	q := request{
		account: account, by: d, id: 1, try: w.rand.Uint64N(1 << 20), session: w.rand.Uint64N(a.state.Counter + 3),
		secret: secret{w.half(), w.half(), w.half()},
	}
	before := a.state
	var out policy.Outcome
	if w.rarely(3) {
		q.kind = logOut
		in := policy.Logout{Now: w.now, Device: d.id, Fixed: q.secret.fixed.proof(), Try: q.try}
		out = policy.LogOut(before, in, w.rules)
	} else {
		q.kind = resume
		in := policy.Resume{
			Now: w.now, Node: w.node(), Session: q.session, Try: q.try,
			Fixed: q.secret.fixed.proof(), Present: q.secret.present.proof(), Next: q.secret.next.proof(),
		}
		if w.rarely(3) { // with the account's own UserSig, found somewhere
			g := w.newSig(account)
			in.Renewal = &policy.Renewal{SigTime: g.at, SigEnds: g.ends}
		}
		out = policy.ResumeSession(before, in, w.rules)
	}
	if w.loud() {
		w.sayf("a stranger's %s of session %d", q.kind, q.session)
		w.sayOutcome(account, &out)
	}
	if !reflect.DeepEqual(before, out.State) || len(out.Ended)+len(out.Events) > 0 {
		w.breaksf("a stranger changes nothing", "%s did", &q)
	}
	if !tellsNothing(before, q, out) {
		w.breaksf("a stranger learns nothing", "%s was answered %+v", &q, out)
	}
}

// tellsNothing: a stranger hears the same whether there is such a session or
// not. Which sessions are older than the last REST kick anybody hears.
func tellsNothing(s policy.State, q request, out policy.Outcome) bool {
	n := out.Notice
	switch {
	case out.Proved || n.By != (policy.By{}) || out.Session.Number != 0 || out.Code != 0:
		return false
	case q.kind == logOut:
		return out.Answer == policy.Unknown
	case out.Answer == policy.LogInAgain:
		return true
	case out.Answer == policy.Told && n.Reason == policy.RESTKick:
		return q.session <= s.RESTKickCounter
	default:
		return false
	}
}
