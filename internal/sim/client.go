package sim

import (
	"slices"

	"rollcall.example/imcode"
)

// A seat is an account's place at the client, from the login() that takes it
// until it is left or lost.
type seat struct {
	account int
	login   bool // login() waits for its answer
	renewal *sig // waits for its answer
	doubt   bool // a renewal was sent, and what became of it is not known

	sig, kept, carried *sig
	refused            []*sig
	asked              int // the provider, in a row

	over   bool // the session has ended or was never there
	number uint64
	conn   uint64
	secret secret
	ends   int64

	attempt *attempt
	made    *attempt // that made the session
	phase   phase
	link    *link
	detours int
}

type phase uint8

const (
	resting phase = iota // waits for a UserSig
	coming               // waits for a connection
	asking
	serving
)

// An attempt is one login() or automatic login: with all its retries it makes
// one session.
type attempt struct {
	secret
	automatic bool
	sig       *sig
	sent      bool
	open      int // frames sent that were not answered
	pending   *logout

	// The truth.
	session   uint64 // that it made
	answered  bool   // the client will not send it again
	left      bool   // its session is to end: so it is on disk
	abandoned bool   // its process ended
	loggedOut bool   // the server has carried out its logout
	unknown   bool   // its logout was given up, as nothing proved it: the process that had its UserSig had ended
}

// login is a login() call.
func (p *process) login(account int, g *sig) {
	s := p.seat
	same := s != nil && s.account == account
	over := slices.Contains(p.dead, g) || p.w.now.Unix() > g.ends && (s != nil || p.heard)
	switch {
	case same && (s.login || s.renewal != nil):
	case over:
	case same && (g == s.sig || g == s.kept):
	case same:
		p.renew(s, g)
	default:
		p.enter(account, g)
	}
}

// enter gives the seat to an account. Who had it is logged out.
func (p *process) enter(account int, g *sig) {
	if s := p.seat; s != nil {
		l, _ := p.leave(s)
		p.hangUp(l)
	}
	s := &seat{account: account, over: true}
	p.seat = s
	p.loginOn(s, g)
}

func (p *process) loginOn(s *seat, g *sig) {
	p.w.sayf("%s: login() of %s", p.d.name, p.w.accounts[s.account].name)
	s.login, s.sig = true, g
	p.result = pending
	p.begin(s, false)
	s.phase = coming
}

// begin gives s a new attempt.
func (p *process) begin(s *seat, automatic bool) {
	p.drop(s, true)
	s.over = true
	s.secret = secret{}
	a := &attempt{secret: secret{fixed: p.w.half(), present: p.w.half()}, automatic: automatic}
	a.pending = &logout{account: s.account, fixed: a.fixed, held: true, of: a}
	s.attempt = a
	p.j.add(a.pending)
}

// drop ends s's attempt. One that was sent and not answered leaves a pending
// logout behind.
func (p *process) drop(s *seat, answered bool) {
	a := s.attempt
	if a == nil {
		return
	}
	s.attempt = nil
	a.pending.held = false
	a.pending.sig = a.sig
	if answered || !a.sent || p.w.without == PendingLogouts {
		p.j.remove(a.pending)
	}
	a.answered = answered
	a.left = a.left || a.sent && !answered
}

// dropRefused ends an attempt that was refused. A frame of it that was not
// answered may have made its session, or may yet.
func (p *process) dropRefused(s *seat) {
	if s.attempt != nil {
		p.drop(s, s.attempt.open == 0 || p.w.without == LogoutOfRefused)
	}
}

// leave takes the account out by the app's will.
func (p *process) leave(s *seat) (*link, []*logout) {
	var left []*logout
	if !s.over {
		l := &logout{account: s.account, fixed: s.secret.fixed, sig: s.sig, of: s.made}
		p.j.add(l)
		left = append(left, l)
	}
	if a := s.attempt; a != nil && a.sent && p.w.without != PendingLogouts {
		left = append(left, a.pending)
	}
	return p.vacate(s), left
}

// vacate empties the seat. Its link is the caller's to end.
func (p *process) vacate(s *seat) *link {
	p.drop(s, false)
	p.seat = nil
	if s.login {
		p.result = failed
	}
	s.login, s.renewal = false, nil
	l := s.link
	s.link, s.phase = nil, resting
	return l
}

// goOn takes the next step towards a served session.
func (p *process) goOn(s *seat) {
	switch {
	case s.attempt != nil && s.attempt.automatic && p.usable(s) == nil:
		p.rest(s)
		s.phase = resting
	case s.link == nil:
		s.phase = coming
	default:
		p.ask(s)
	}
}

// connect is when the network gives s a link.
func (p *process) connect(s *seat) {
	s.link = p.w.dial(p, s)
	p.sendLogouts(s.link, p.due(), maxLogoutsFirst)
	p.goOn(s)
}

func (p *process) rest(s *seat) {
	p.hangUp(s.link)
	s.link = nil
}

// tryFailed goes on with the next try.
func (p *process) tryFailed(s *seat) {
	p.rest(s)
	s.detours, s.phase = 0, coming
}

// ask sends what brings s in: its attempt's login, or a resume of its session.
func (p *process) ask(s *seat) {
	p.j.try++
	q := p.resumeFrame(s)
	if s.attempt != nil {
		q = p.loginFrame(s)
	}
	p.save()
	if s.attempt != nil {
		s.attempt.sent = true
		s.attempt.open++
	}
	if p.dies() {
		return
	}
	s.phase = asking
	p.send(s.link, q, ask{})
}

// send sends a request; what comes of it is heard with the ask.
func (p *process) send(l *link, q request, a ask) {
	l.last++
	q.id, q.by, q.honest = l.last, p.d, true
	a.id, a.kind = q.id, q.kind
	l.asks = append(l.asks, a)
	if p.w.loud() {
		p.w.sayf("%s sends on link %d: %s", p.d.name, l.number, &q)
	}
	l.send(q)
}

func (p *process) loginFrame(s *seat) request {
	a, r := s.attempt, &p.j.records[s.account]
	a.sig = s.sig
	if a.automatic {
		a.sig = p.usable(s)
	}
	return request{
		kind: login, account: s.account, sig: a.sig, automatic: a.automatic, try: p.j.try,
		session: r.session, kickSeen: r.kickSeen, proofs: p.proofs(r, a), secret: a.secret, attempt: a,
	}
}

// proofs shows that earlier sessions of this device were this client's.
func (p *process) proofs(r *record, a *attempt) []half {
	var all []half
	if r.fixed != 0 {
		all = append(all, r.fixed, r.present)
	}
	if r.next != 0 {
		all = append(all, r.next)
	}
	for _, l := range slices.Backward(p.j.logouts) {
		if l.account == a.pending.account && l != a.pending && len(all) < maxProofs {
			all = append(all, l.fixed)
		}
	}
	return all
}

const maxProofs = 8

func (p *process) resumeFrame(s *seat) request {
	if s.attempt != nil {
		return request{}
	}
	if s.secret.next == 0 {
		s.secret.next = p.w.half() // stays until this step is answered
	}
	p.j.records[s.account].secret = s.secret
	s.carried = s.kept
	s.doubt = s.doubt || s.carried != nil
	return request{
		kind: resume, account: s.account, session: s.number, secret: s.secret, try: p.j.try, sig: s.carried, attempt: s.made,
	}
}

// answered goes by what the server said to a login or resume.
func (p *process) answered(s *seat, a *answer) {
	if s.attempt != nil {
		s.attempt.open--
	}
	switch a.kind {
	case granted:
		p.granted(s, a)
	case refusal:
		p.refused(s, a)
	case stale:
		if s.detours++; s.detours > maxDetours {
			p.tryFailed(s)
			return
		}
		p.j.try = max(p.j.try, a.highest)
		p.ask(s)
	case loginAgain:
		p.begin(s, !s.login)
		if s.detours++; s.detours > maxDetours {
			p.tryFailed(s)
			return
		}
		p.goOn(s)
	case notice:
		p.noticed(s, a.notice)
	default:
	}
}

const maxDetours = 4

func (p *process) granted(s *seat, a *answer) {
	if s.attempt != nil {
		s.made, s.secret, s.number, s.sig = s.attempt, s.attempt.secret, a.session, s.attempt.sig
		if p.w.without == ClientSecrets {
			s.secret = a.drawn
		}
		if s.kept == s.sig {
			s.kept = nil
		}
		p.drop(s, true)
		s.over = false
		r := &p.j.records[s.account]
		r.session, r.kickSeen = s.number, 0
	} else {
		s.secret.present, s.secret.next = s.secret.next, 0
		if s.carried != nil {
			p.keptAnswered(s, s.carried, a.code)
		}
	}
	p.j.records[s.account].secret = s.secret
	if p.dies() {
		return
	}
	p.save()
	s.conn, s.ends, s.phase, s.asked = a.conn, a.ends, serving, 0
	s.doubt = false
	p.knowsEnd(s)
	if s.login {
		s.login, p.result = false, success
		p.w.sayf("%s: login() has succeeded", p.d.name)
	}
}

// knowsEnd notes what the client now knows of its session's end.
func (p *process) knowsEnd(s *seat) {
	if f := p.w.accounts[s.account].fact(s.number); f != nil {
		f.knownEnds = s.ends
	}
}

// refused: not granted, for good or for a while.
func (p *process) refused(s *seat, a *answer) {
	switch {
	case a.later && (!s.login || a.code == imcode.Internal):
		p.tryFailed(s)
	case s.login:
		p.loginRefused(s, a)
	case !aboutSig(a.code):
		p.dropRefused(s)
		p.kicked(s, s.number, "refused for good")
	default:
		offered := s.sig
		if s.attempt != nil {
			offered = s.attempt.sig
		}
		p.refuse(s, offered, a.code)
		p.dropRefused(s)
		p.begin(s, true)
		p.rest(s)
		p.goOn(s)
	}
}

func (p *process) loginRefused(s *seat, a *answer) {
	if saysExpired(a.code) {
		p.dead = append(p.dead, s.sig)
	}
	r := failed
	if a.code == imcode.KickedOffByOther {
		r = kickedBefore
		p.note(s.account, a.notice.Session)
	}
	p.dropRefused(s)
	l, left := p.leave(s)
	p.result = r
	p.save()
	if p.dies() {
		return
	}
	p.w.sayf("%s: login() fails with %d", p.d.name, int(a.code))
	if r == kickedBefore {
		p.d.isSignalled(s.account, a.notice.Session, "6208 as the error of login()")
	}
	p.farewell(l, left)
}

func aboutSig(c imcode.Code) bool {
	return slices.Contains([]imcode.Code{imcode.UserSigExpired, imcode.UserSigEmpty, imcode.UserSigCheckFailed, imcode.InvalidUserSig}, c)
}

func saysExpired(c imcode.Code) bool { return c == imcode.UserSigExpired || c == imcode.InvalidUserSig }
