package sim

import (
	"slices"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// A fact is the truth about one session.
type fact struct {
	number   uint64
	deviceID rollcall.DeviceID
	device   *device  // whose login made it; nil: a thief's
	attempt  *attempt // nil: a thief's
	try      uint64   // of the login that made it
	sigEnds  int64

	knownEnds int64 // as the client knows it

	// The secret as it went on.
	first, present, before half

	ended  bool
	kind   policy.EventKind
	reason policy.Reason
	at     time.Time
	passed bool // it has been logged out, is written down as seen, or a login of its device was let through
	acted  bool // an acknowledgement of it was served
}

// honest tells whether only the device itself can have had a part in it.
func (f *fact) honest() bool { return f.device != nil && !f.device.exposed }

// judge checks the promises that hold after every rule.
func (w *world) judge(account int, before policy.State, out *policy.Outcome, q *request) {
	a := w.accounts[account]
	w.returns(account, out, q) // looks at the facts as they were
	for i := range out.Ended {
		w.judgeEnd(a, &out.Ended[i], out, q)
	}
	if out.Answer == policy.Granted && q != nil && q.kind == login {
		w.judgeLogin(a, before, out, q)
	}
	if q != nil && q.kind == resume {
		w.judgeStep(a, out, q)
	}
	if f := a.fact(out.Session.Number); f != nil && out.Answer == policy.Granted {
		w.judgeSig(f, out, q)
	}
	if q != nil {
		a.outlives(out, q)
	}
	w.judgeHistory(a, out)
	w.claims(a, out)
	w.judgeBounds(a, before, out, q)
}

// outlives notes what does away with the kick row of a session, rightly.
func (a *account) outlives(out *policy.Outcome, q *request) {
	switch q.kind {
	case login:
		last := a.fact(q.session)
		if last != nil && last.deviceID == q.by.id && out.Answer == policy.Granted && out.Session.Number == uint64(len(a.facts)) {
			last.passed = true
		}
		if seen := a.fact(q.kickSeen); seen != nil {
			seen.passed = true
		}
	case logOut:
		for _, f := range a.facts {
			if f.attempt != nil && f.attempt.fixed == q.secret.fixed {
				f.passed = true
			}
		}
		if q.attempt != nil && out.Answer == policy.Granted {
			q.attempt.loggedOut = true
		}
	default:
	}
}

// proves tells whether a login offers a half of a session.
func (q *request) proves(x policy.Session) bool {
	for _, h := range q.proofs {
		if p := h.proof(); p == x.Secret.Fixed || p == x.Secret.Present || p == x.Secret.Before {
			return true
		}
	}
	return false
}

// judgeEnd: no end without a cause, and nobody's end twice.
func (w *world) judgeEnd(a *account, e *policy.Ended, out *policy.Outcome, q *request) {
	n := e.Session.Number
	f := a.fact(n)
	if f == nil || f.ended {
		w.breaksf("a session ends once", "session %d of %s ended again: %s", n, a.name, e.Kind)
		return
	}
	f.ended, f.kind, f.reason, f.at = true, e.Kind, e.Notice.Reason, w.now
	x := e.Session
	asked := q != nil && q.by != nil
	newer := asked && q.kind == login && out.Answer == policy.Granted && out.Session.Number > n
	var ok bool
	switch e.Kind {
	case policy.EventKicked:
		a.kicks++
		if f.reason != policy.NewerLogin {
			a.acts++
		}
		ok = w.kickHasCause(f, e, newer, q)
	case policy.EventReplaced:
		ok = newer && q.by.id == x.Device && (q.proves(x) || !w.isConnected(q.account, x))
	case policy.EventLogout:
		ok = asked && q.kind == logOut && e.Session.Secret.Fixed == q.secret.fixed.proof() && (q.attempt == nil || f.attempt == nil || q.attempt == f.attempt)
	case policy.EventExpired:
		ok = w.now.Unix() > e.Session.SigEnds
	case policy.EventLapsed:
		ok = e.Session.Node == "" && !w.now.Before(e.Session.Due())
	default:
	}
	if !ok {
		w.breaksf("no end without its cause", "session %d of %s ended: %s, %s", n, a.name, e.Kind, e.Notice.Reason)
	}
	if newer && f.honest() && q.honest && f.device == q.by && q.try < f.try {
		w.breaksf("a late frame never harms a later session", "%s ended session %d, which a login with try %d made", q, n, f.try)
	}
}

// kickHasCause: a kick is recorded with a cause and, for a newer login, the
// winner; nobody kicks himself.
func (w *world) kickHasCause(f *fact, e *policy.Ended, newer bool, q *request) bool {
	by := e.Notice.By.Session
	switch e.Notice.Reason {
	case policy.NewerLogin:
		return newer && by > f.number && q.by.id != e.Session.Device
	case policy.SameDeviceElsewhere:
		if f.honest() && !f.attempt.unknown {
			w.breaksf("no session kicks itself", "%s kicked session %d of its own device", q, f.number)
		}
		return newer && q.by.id == e.Session.Device && !q.proves(e.Session) && w.isConnected(q.account, e.Session)
	case policy.SecretUsedTwice:
		if f.honest() {
			w.breaksf("no session kicks itself", "%s is taken for a thief of its own session %d", q, f.number)
		}
		return q != nil && e.Session.Secret.Fixed == q.secret.fixed.proof()
	default:
		return q == nil && e.Notice.Reason == w.acting
	}
}

// judgeLogin: one attempt, one session; the newest survives its own commit; who
// goes is right and in order; nothing comes back from the dead.
func (w *world) judgeLogin(a *account, before policy.State, out *policy.Outcome, q *request) {
	x := out.Session
	if x.Number <= before.Counter { // the same attempt again
		f := a.fact(x.Number)
		if f.ended || f.present != q.secret.present || f.first != f.present || q.attempt != nil && q.attempt != f.attempt {
			w.breaksf("one attempt, one session", "%s was given session %d", q, x.Number)
		}
		return
	}
	f := &fact{
		number: x.Number, deviceID: x.Device, attempt: q.attempt, try: q.try, sigEnds: x.SigEnds, knownEnds: x.SigEnds,
		first: q.secret.present, present: q.secret.present,
	}
	if q.honest {
		f.device = q.by
	}
	a.facts = append(a.facts, f)
	if t := q.attempt; t != nil {
		switch {
		case t.session != 0 && (!w.forgets(q) || !a.fact(t.session).ended):
			w.breaksf("one attempt, one session", "%s made session %d, and had made session %d", q, x.Number, t.session)
		case t.answered:
			w.breaksf("nothing resurrects", "%s made session %d, though it had been answered", q, x.Number)
		case t.loggedOut && !q.by.exposed:
			w.breaksf("nothing resurrects", "%s made session %d, though it had been logged out", q, x.Number)
		}
		t.session = x.Number
	}
	if s := out.State.Sessions; len(s) == 0 || s[len(s)-1] != x || x.Number != before.Counter+1 {
		w.breaksf("the newest login survives its own commit", "session %d of %s did not", x.Number, a.name)
	}
	if x.SigTime < before.ValidFrom || before.Disabled || x.SigEnds < w.now.Unix() {
		w.breaksf("a dead UserSig opens nothing", "%s made session %d", q, x.Number)
	}
	if got, want := evictions(out), w.whoGoes(before, q); !slices.Equal(got, want) {
		w.breaksf("who goes is right and in order", "%s pushed out %v, want %v", q, got, want)
	}
}

// forgets tells whether the server may have forgotten an attempt whose session
// has ended: who has a copy may have logged it out and logged in himself, and of
// a crowd of devices it does not remember all for long.
func (w *world) forgets(q *request) bool { return q.by.exposed || w.crowd }

// judgeSig: a renewal that is granted is in force, and a retry takes nothing away.
func (w *world) judgeSig(f *fact, out *policy.Outcome, q *request) {
	ends := out.Session.SigEnds
	carried := q != nil && (q.kind == renew || q.kind == resume && q.sig != nil && out.Renewal == 0)
	if carried && ends != q.sig.ends || !carried && ends < f.sigEnds {
		w.breaksf("a renewal is in force", "%s: session %d ends at %d, and ended at %d", q, f.number, ends, f.sigEnds)
	}
	f.sigEnds = ends
}

// judgeStep: of two who hold a secret, only one goes on.
func (w *world) judgeStep(a *account, out *policy.Outcome, q *request) {
	f := a.fact(q.session)
	if f == nil || out.Answer != policy.Granted {
		return
	}
	switch h := q.secret; {
	case out.Session.Number != f.number || f.ended:
		w.breaksf("nothing resurrects", "%s was given session %d", q, out.Session.Number)
	case h.present == f.present:
		f.before, f.present = f.present, h.next
	case h.present != f.before || h.next != f.present:
		w.breaksf("no thief runs beside the owner", "%s was granted, the half in force was %d", q, f.present)
	}
}

// judgeHistory: the rows tell who is in.
func (w *world) judgeHistory(a *account, out *policy.Outcome) {
	for i := range out.Events {
		switch e := &out.Events[i]; e.Kind {
		case policy.EventLogin:
			a.replay = append(a.replay, e.Session)
		case policy.EventLogout, policy.EventKicked, policy.EventExpired, policy.EventReplaced, policy.EventLapsed:
			a.replay = slices.DeleteFunc(a.replay, func(n uint64) bool { return n == e.Session })
		default:
		}
	}
	same := len(a.replay) == len(out.State.Sessions)
	for i := 0; same && i < len(a.replay); i++ {
		same = a.replay[i] == out.State.Sessions[i].Number
	}
	if !same {
		w.breaksf("the history tells who is in", "it says %v, and in are %v", a.replay, numbers(out.State.Sessions))
	}
}

// claims: an act gives its reason to earlier evictions that it covers.
func (w *world) claims(a *account, out *policy.Outcome) {
	for i := range out.Events {
		e := &out.Events[i]
		f := a.fact(e.Session)
		switch {
		case e.Kind != policy.EventKeptOut || f == nil:
		case f.reason != policy.NewerLogin || e.Reason != w.acting:
			w.breaksf("no kick without its cause", "session %d: %s, then %s", f.number, f.reason, e.Reason)
		default:
			f.reason, f.at = e.Reason, w.now
			a.acts++
		}
	}
}

// judgeBounds: what is kept of an account is bounded.
func (w *world) judgeBounds(a *account, before policy.State, out *policy.Outcome, q *request) {
	s := out.State
	if old := w.oldTries(s); len(s.Kicks) > policy.MinKickRows || old > policy.MaxOldTries && out.Answer == policy.Granted && len(s.Tries) > len(before.Tries) {
		w.breaksf("the state is bounded", "%s has %d kick rows and %d old try numbers", a.name, len(s.Kicks), old)
	}
	if len(s.Kicks) == policy.MinKickRows {
		w.judgeFull(before, out, q)
	}
	if s.Counter < before.Counter || s.ValidFrom < before.ValidFrom || s.HighestSigTime < before.HighestSigTime {
		w.breaksf("numbers only grow", "of %s: %+v, before %+v", a.name, s, before)
	}
	for i, x := range s.Sessions {
		if (x.Node == "") == x.Away.IsZero() || i > 0 && s.Sessions[i-1].Number >= x.Number {
			w.breaksf("sessions are in order, and connected or away", "%+v", s.Sessions)
		}
		for _, o := range s.Sessions[:i] {
			if o.Device == x.Device {
				w.breaksf("one session per device", "%s has %d and %d", x.Device, o.Number, x.Number)
			}
		}
	}
}

// judgeFull: where there are too many kick rows, those by newer logins go first.
func (w *world) judgeFull(before policy.State, out *policy.Outcome, q *request) {
	newer := func(k policy.Kick) bool { return k.Reason == policy.NewerLogin }
	if !slices.ContainsFunc(out.State.Kicks, newer) {
		return
	}
	for _, k := range before.Kicks {
		kept := slices.ContainsFunc(out.State.Kicks, func(o policy.Kick) bool { return o.Session == k.Session })
		done := q != nil && (q.session == k.Session || q.kickSeen == k.Session) || w.now.Sub(k.At) > policy.KickRowLife
		if !kept && !done && !newer(k) {
			w.breaksf("rows by newer logins go first", "that of session %d (%s) did", k.Session, k.Reason)
		}
	}
}

// oldTries counts the try numbers of devices that are out and were not seen for
// some time.
func (w *world) oldTries(s policy.State) int {
	if len(s.Tries) <= policy.MaxOldTries {
		return 0
	}
	n := 0
	for _, t := range s.Tries {
		in := slices.ContainsFunc(s.Sessions, func(x policy.Session) bool { return x.Device == t.Device })
		if !in && w.now.Sub(t.Seen) > policy.TryLife {
			n++
		}
	}
	return n
}

func numbers(list []policy.Session) []uint64 {
	var all []uint64
	for _, x := range list {
		all = append(all, x.Number)
	}
	return all
}
