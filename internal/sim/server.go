package sim

import (
	"fmt"
	"slices"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/policy"
)

// The server: what gateway, session and node do around the rules. A rule and
// what follows from it happen at once, as the roster sees to in the real one.

// unsaid is the end of a connection that the store has not heard of yet.
type unsaid struct {
	account int
	lost    policy.Lost
	at      time.Time
}

func (w *world) node() string { return fmt.Sprint("n", w.epoch) }

func (w *world) lost(account int) []policy.Lost {
	var all []policy.Lost
	for _, u := range w.unsaid {
		if u.account == account {
			all = append(all, u.lost)
		}
	}
	return all
}

// serve serves one request of a link.
func (w *world) serve(l *link, q *request) {
	if w.loud() {
		w.sayf("the server takes from link %d: %s", l.number, q)
	}
	if l.told != nil {
		w.serveAck(l, q)
		return
	}
	switch q.kind {
	case login:
		w.serveLogin(l, q)
	case resume:
		w.serveResume(l, q)
	case renew:
		w.serveRenew(l, q)
	case logOut:
		w.serveLogout(l, q)
	default: // an acknowledgement of nothing
	}
}

// mutate carries an account to a rule, and the outcome to the world.
func (w *world) mutate(account int, asking *link, q *request, rule func(policy.State) policy.Outcome) policy.Outcome {
	a := w.accounts[account]
	before := a.state
	out := rule(before)
	a.state = out.State
	if w.without == RowsUntilAcknowledged && out.Answer == policy.Told {
		a.state.Kicks = slices.DeleteFunc(slices.Clone(a.state.Kicks), func(k policy.Kick) bool { return k.Session == out.Notice.Session })
	}
	if w.loud() {
		w.sayOutcome(account, &out)
	}
	w.judge(account, before, &out, q)
	for i := range out.Ended {
		w.end(account, &out.Ended[i], asking)
	}
	return out
}

// end tells or closes the connections of a session that ended, as the roster does.
func (w *world) end(account int, e *policy.Ended, asking *link) {
	for _, l := range w.links {
		if !l.heard || l.place.session != e.Session.Number || l.place.account != account {
			continue
		}
		switch {
		case e.Kind == policy.EventKicked || e.Kind == policy.EventExpired:
			w.tell(l, e.Notice, account, true)
		case e.Kind != policy.EventLogout:
			w.hangUp(l, replaced)
		case l == asking:
			l.place = place{}
		default:
			w.hangUp(l, wasLoggedOut)
		}
	}
}

// tell makes a notice a link's last frame. It may overtake what waits to leave,
// and then takes its place.
func (w *world) tell(l *link, n policy.Notice, account int, proved bool) {
	if l.told != nil {
		return
	}
	id := l.asking
	if len(l.down) > 0 && !l.broken && w.rarely(2) {
		for _, a := range l.down {
			if a.kind == granted {
				id = a.id
			}
		}
		l.down = nil
	}
	l.answer(answer{kind: notice, id: id, notice: n})
	l.told, l.toldOf, l.proved = &n, account, proved
}

func (w *world) hangUp(l *link, why closing) {
	l.dropServerEnd(answer{kind: closed, away: why})
	w.left(l)
}

// left is heard when a link's end has reached the server. The store may hear of
// it later.
func (w *world) left(l *link) {
	if l.place.session == 0 {
		return
	}
	u := unsaid{l.place.account, policy.Lost{Session: l.place.session, Conn: l.place.conn}, w.now}
	l.place = place{}
	if !w.calm && w.rarely(4) {
		w.unsaid = append(w.unsaid, u)
		return
	}
	w.hearsOf(u)
}

func (w *world) hearsOf(u unsaid) {
	w.sayf("the store hears that connection %d of session %d is gone", u.lost.Conn, u.lost.Session)
	q := policy.Disconnect{Now: w.now, Session: u.lost.Session, Conn: u.lost.Conn}
	w.mutate(u.account, nil, nil, func(s policy.State) policy.Outcome { return policy.Disconnected(s, q, w.rules) })
}

// catchUp tells the store of all connections that are gone.
func (w *world) catchUp() {
	all := w.unsaid
	w.unsaid = nil
	for _, u := range all {
		w.hearsOf(u)
	}
}

func (w *world) serveLogin(l *link, q *request) {
	l.asking = q.id
	if l.place.session != 0 {
		l.answer(answer{kind: refusal, id: q.id, code: imcode.LoginInProcess})
		return
	}
	if !w.calm && w.rarely(50) { // overloaded
		l.answer(answer{kind: refusal, id: q.id, code: imcode.Internal, later: true})
		return
	}
	if !w.calm && w.rarely(50) { // too many logins
		l.answer(answer{kind: refusal, id: q.id, code: imcode.LoginFrequencyLimit, later: true})
		return
	}
	if q.sig == nil {
		l.answer(answer{kind: refusal, id: q.id, code: imcode.UserSigEmpty})
		return
	}
	in := policy.Login{
		Now: w.now, Node: w.node(), Lost: w.lost(q.account), Device: q.by.id, DeviceName: q.by.name, Platform: q.by.platform,
		SigTime: q.sig.at, SigEnds: q.sig.ends, Automatic: q.automatic, Try: w.try(q),
		LastSession: q.session, KickSeen: q.kickSeen,
	}
	if w.without == ClientSecrets {
		q.secret = secret{fixed: w.half(), present: w.half()}
	}
	in.Fixed, in.Changing = q.secret.fixed.proof(), q.secret.present.proof()
	for _, h := range q.proofs {
		in.Proofs = append(in.Proofs, h.proof())
	}
	out := w.mutate(q.account, l, q, func(s policy.State) policy.Outcome { return policy.LogIn(s, in, w.rules) })
	w.reply(l, q, &out)
}

// try is the try number of a request as the rules see it.
func (w *world) try(q *request) uint64 {
	if w.without == TryNumbers {
		return w.highest(q.account, q.by.id) + 1
	}
	return q.try
}

func (w *world) highest(account int, id rollcall.DeviceID) uint64 {
	for _, t := range w.accounts[account].state.Tries {
		if t.Device == id {
			return t.Highest
		}
	}
	return 0
}

func (w *world) serveResume(l *link, q *request) {
	l.asking = q.id
	if l.place.session != 0 {
		l.answer(answer{kind: refusal, id: q.id, code: imcode.LoginInProcess})
		return
	}
	in := policy.Resume{
		Now: w.now, Node: w.node(), Lost: w.lost(q.account), Session: q.session, Try: w.try(q),
		Fixed: q.secret.fixed.proof(), Present: q.secret.present.proof(), Next: q.secret.next.proof(),
	}
	if q.sig != nil {
		in.Renewal = &policy.Renewal{SigTime: q.sig.at, SigEnds: q.sig.ends}
	}
	out := w.mutate(q.account, l, q, func(s policy.State) policy.Outcome { return policy.ResumeSession(s, in, w.rules) })
	w.reply(l, q, &out)
}

// reply answers a login or resume and, if it is granted, gives it its place.
func (w *world) reply(l *link, q *request, out *policy.Outcome) {
	switch out.Answer {
	case policy.Granted:
		w.bind(l, q.account, out.Session)
		l.asking = 0
		l.answer(answer{
			kind: granted, id: q.id, session: out.Session.Number, conn: out.Session.Conn,
			ends: out.Session.SigEnds, code: out.Renewal, drawn: q.secret,
		})
	case policy.Refused:
		l.answer(answer{kind: refusal, id: q.id, code: out.Code, notice: out.Notice})
	case policy.Stale:
		l.answer(answer{kind: stale, id: q.id, highest: out.Highest})
	case policy.LogInAgain:
		l.answer(answer{kind: loginAgain, id: q.id})
	case policy.Told:
		w.tell(l, out.Notice, q.account, out.Proved)
	case policy.Nothing, policy.Unknown:
		w.breaksf("every login and resume is answered", "%s got %v", q, out.Answer)
	}
}

// bind gives a link its session. An older link of it is closed.
func (w *world) bind(l *link, account int, x policy.Session) {
	for _, o := range w.links {
		if o.heard && o.place.account == account && o.place.session == x.Number {
			w.hangUp(o, superseded)
		}
	}
	l.place = place{account, x.Number, x.Conn}
}

func (w *world) serveRenew(l *link, q *request) {
	if l.place.session == 0 || l.place.account != q.account {
		l.answer(answer{kind: refusal, id: q.id, code: imcode.AuthInvalid})
		return
	}
	in := policy.Renew{Now: w.now, Session: l.place.session, Renewal: policy.Renewal{SigTime: q.sig.at, SigEnds: q.sig.ends}}
	out := w.mutate(q.account, l, q, func(s policy.State) policy.Outcome { return policy.RenewSig(s, in, w.rules) })
	if out.Answer == policy.Granted {
		l.answer(answer{kind: renewed, id: q.id, ends: out.Session.SigEnds})
		return
	}
	l.answer(answer{kind: refusal, id: q.id, code: out.Code})
}

func (w *world) serveLogout(l *link, q *request) {
	in := policy.Logout{Now: w.now, Device: q.by.id, Fixed: q.secret.fixed.proof(), Try: w.try(q), Signed: q.sig != nil}
	out := w.mutate(q.account, l, q, func(s policy.State) policy.Outcome { return policy.LogOut(s, in, w.rules) })
	l.answer(answer{kind: loggedOut, id: q.id, known: out.Answer == policy.Granted})
}

// serveAck serves the only frame that is read after a notice.
func (w *world) serveAck(l *link, q *request) {
	n := *l.told
	if q.kind != ack || q.session != n.Session {
		return
	}
	if l.proved && n.Reason != policy.SigEnded {
		in := policy.Acknowledge{Now: w.now, Session: n.Session}
		w.mutate(l.toldOf, nil, q, func(s policy.State) policy.Outcome { return policy.AcknowledgeKick(s, in, w.rules) })
	}
	w.hangUp(l, afterNotice)
}

// giveUpWaiting closes links that were told and do not acknowledge.
func (w *world) giveUpWaiting() {
	if l := pick(w, w.links, func(l *link) bool { return l.heard && l.told != nil && l.of != nil }); l != nil {
		w.hangUp(l, afterNotice)
	}
}

// sweep ends what time alone ends.
func (w *world) sweep() {
	for account := range w.accounts {
		w.mutate(account, nil, nil, func(s policy.State) policy.Outcome { return policy.Expire(s, w.now, w.rules) })
	}
}

// restart kills the server and opens its store anew: what the old one served is
// away from now on.
func (w *world) restart() {
	w.sayf("the server dies and comes back")
	for _, l := range w.links {
		if !l.heard {
			continue
		}
		if l.open && !l.broken {
			l.down = append(l.down[:w.rand.IntN(len(l.down)+1)], answer{kind: gone})
		}
		l.heard, l.broken, l.up, l.place = false, true, nil, place{}
	}
	w.epoch++
	w.unsaid = nil
	for _, a := range w.accounts {
		a.state.Sessions = slices.Clone(a.state.Sessions)
		for i := range a.state.Sessions {
			if x := &a.state.Sessions[i]; x.Node != "" {
				x.Node, x.Away = "", w.now
			}
		}
	}
}

func (w *world) sayOutcome(account int, out *policy.Outcome) {
	for _, e := range out.Ended {
		w.sayf("  session %d of %s ends: %s, %s", e.Session.Number, w.accounts[account].name, e.Kind, e.Notice.Reason)
	}
	switch out.Answer {
	case policy.Granted:
		w.sayf("  granted: session %d, connection %d", out.Session.Number, out.Session.Conn)
	case policy.Told:
		w.sayf("  told: session %d, %s", out.Notice.Session, out.Notice.Reason)
	case policy.Refused:
		w.sayf("  refused: %d", int(out.Code))
	case policy.Stale, policy.LogInAgain, policy.Unknown:
		w.sayf("  %s", [...]string{policy.Stale: "stale", policy.LogInAgain: "log in again", policy.Unknown: "unknown"}[out.Answer])
	case policy.Nothing:
	}
}
