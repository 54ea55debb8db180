package sim

import (
	"slices"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/policy"
)

// evictions lists who had to go for a newer login, in order.
func evictions(out *policy.Outcome) []uint64 {
	var all []uint64
	for _, e := range out.Ended {
		if e.Kind == policy.EventKicked && e.Notice.Reason == policy.NewerLogin {
			all = append(all, e.Session.Number)
		}
	}
	return all
}

// whoGoes says who has to go for a login: every session on another platform of
// its group; then, above the number of its own platform, one after another those
// without a connection and then those with one, the earliest first.
func (w *world) whoGoes(s policy.State, q *request) []uint64 {
	var gone []uint64
	p, r := q.by.platform, &w.rules
	away := func(x policy.Session) bool { return !w.isConnected(q.account, x) }
	var same []policy.Session
	for _, x := range s.Sessions {
		switch {
		case x.Device == q.by.id || !w.now.Before(x.Due()):
		case x.Platform == p:
			same = append(same, x)
		case r.Group[x.Platform] == r.Group[p]:
			gone = append(gone, x.Number)
		}
	}
	for len(same)+1 > r.Limit[p] {
		first := max(0, slices.IndexFunc(same, away))
		gone = append(gone, same[first].Number)
		same = append(same[:first:first], same[first+1:]...)
	}
	return gone
}

// isConnected tells whether the server knows a session to have a connection.
func (w *world) isConnected(account int, x policy.Session) bool {
	for _, u := range w.unsaid {
		if u.account == account && u.lost.Session == x.Number && u.lost.Conn == x.Conn {
			return false
		}
	}
	return x.Node != ""
}

// returns holds an answer to who comes back against the table of "coming back":
// who is to be told is told, and nobody else.
func (w *world) returns(account int, out *policy.Outcome, q *request) {
	if q == nil || q.by == nil || !q.honest {
		return
	}
	a := w.accounts[account]
	if q.by.exposed {
		w.otherHolder(a, account, a.fact(q.session), out, q)
		return
	}
	switch q.kind {
	case resume:
		w.comesBack(a, account, a.fact(q.session), out, q)
	case login:
		f := a.fact(q.session)
		if q.attempt.session != 0 {
			f = a.fact(q.attempt.session)
		}
		switch {
		case f == nil || !f.ended:
		case q.automatic:
			w.comesBack(a, account, f, out, q)
		case q.attempt.session == 0:
			w.logsIn(a, account, f, out, q)
		}
	case ack:
		if f := a.fact(q.session); f != nil {
			f.acted = true
		}
	default:
	}
}

// otherHolder: of a secret that was used twice every holder is told.
func (w *world) otherHolder(a *account, account int, f *fact, out *policy.Outcome, q *request) {
	if q.kind != resume || f == nil || !f.ended || f.reason != policy.SecretUsedTwice || f.attempt == nil || f.attempt.fixed != q.secret.fixed {
		return
	}
	over := f.passed || w.now.Sub(f.at) > policy.KickRowLife || !a.hasRoom(f) || q.by.knows(q.by.noted, account, f.number)
	if !over && out.Answer != policy.Told {
		w.breaksf("every holder of a secret used twice is told", "%s was not", q)
	}
}

// comesBack: a client that comes back by itself is told exactly of what it is to
// be told.
func (w *world) comesBack(a *account, account int, f *fact, out *policy.Outcome, q *request) {
	if f == nil || !f.ended {
		return
	}
	if q.kind == resume && f.number <= a.rest && out.Answer != policy.Told {
		w.breaksf("a REST kick is told also where no row is left", "session %d was not: %s", f.number, q)
	}
	due := w.mustTell(a, account, f, q.by)
	if f.reason == policy.RESTKick && q.kind == login && q.session == f.number {
		due = false // such a row never stops a login
	}
	switch {
	case due && (out.Answer == policy.LogInAgain || out.Answer == policy.Granted):
		w.breaksf("who was kicked is told when he comes back", "session %d (%s, %s) was not: %s", f.number, f.kind, f.reason, q)
	case out.Answer == policy.Told && out.Notice.Session == f.number && !a.mayTell(f, out.Notice.Reason):
		w.breaksf("who was kicked is told the cause", "session %d: %s, he was told %s", f.number, f.reason, out.Notice.Reason)
	case out.Answer == policy.Told && f.kind == policy.EventKicked && out.Notice.Reason == policy.NewerLogin && !w.tellsReturn(q.by):
		w.breaksf("with the switch off who was evicted logs in again", "session %d was told: %s", f.number, q)
	}
}

// mayTell tells whether a reason is that of a session's end, or one that stands
// before it: the account is disabled, or all of that time went with a REST kick.
func (a *account) mayTell(f *fact, r policy.Reason) bool {
	return r == f.reason || r == policy.AccountDisabled && a.state.Disabled ||
		r == policy.RESTKick && f.number <= a.rest
}

func (w *world) tellsReturn(d *device) bool {
	return w.rules.TellKickedOnReconnect && d.platform != rollcall.Web
}

// mustTell tells whether the device is still to be told of the end of a session
// when it comes back by itself.
func (w *world) mustTell(a *account, account int, f *fact, d *device) bool {
	return w.rowStands(account, f, d) && a.hasRoom(f) && (f.reason != policy.NewerLogin || w.tellsReturn(d))
}

// rowStands tells whether nothing has happened that does away with a kick row,
// other than that there were too many.
func (w *world) rowStands(account int, f *fact, d *device) bool {
	return f.ended && f.kind == policy.EventKicked && !f.passed && !f.acted && w.now.Sub(f.at) <= 7*24*time.Hour &&
		!d.knows(d.noted, account, f.number)
}

// hasRoom tells whether there never were too many rows to keep that of a session.
// Those by newer logins go first.
func (a *account) hasRoom(f *fact) bool {
	if f.reason != policy.NewerLogin {
		return a.acts <= policy.MinKickRows
	}
	return a.kicks <= policy.MinKickRows
}

// logsIn: a login() of the app goes through but for the one 6208 of the switch.
func (w *world) logsIn(a *account, account int, f *fact, out *policy.Outcome, q *request) {
	stops := w.rowStands(account, f, q.by) && f.reason == policy.NewerLogin &&
		w.rules.TellKickedOnLogin && q.by.platform != rollcall.Web
	told := out.Answer == policy.Refused && out.Code == imcode.KickedOffByOther
	switch {
	case stops && a.hasRoom(f) && out.Answer == policy.Granted:
		w.breaksf("with the switch on the first login() is told", "%s was not", q)
	case told && !stops:
		w.breaksf("a login() is told once, and with the switch on only", "%s was told again", q)
	case out.Answer == policy.Told:
		w.breaksf("no kick stops a login()", "%s was told of session %d", q, out.Notice.Session)
	}
}
