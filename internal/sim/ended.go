package sim

import (
	"slices"

	"rollcall.example/imcode"
	"rollcall.example/internal/policy"
)

// hear takes a frame.
func (p *process) hear(l *link, a *answer) {
	if a.kind == closed || a.kind == gone {
		p.hangUp(l)
		if s := p.seat; s != nil && s.link == l {
			s.link = nil
			p.lost(s, a)
		}
		return
	}
	p.heard = true
	if a.id == 0 {
		p.pushed(l, a.notice)
		return
	}
	i := slices.IndexFunc(l.asks, func(k ask) bool { return k.id == a.id })
	if i < 0 {
		return
	}
	k := l.asks[i]
	l.asks = slices.Delete(l.asks, i, i+1)
	switch k.kind {
	case logOut:
		p.logoutAnswered(k.logout, k.again, a)
		p.carried(l)
	case renew:
		p.renewAnswered(l.seat, k.sig, a)
	default:
		if s := l.seat; s != nil && p.seat == s && s.link == l {
			p.answered(s, a)
		}
	}
}

// hangUp ends a link from our side: what was asked gets no answer.
func (p *process) hangUp(l *link) {
	if l == nil || !l.open {
		return
	}
	asks := l.asks
	l.asks = nil
	l.dropClientEnd()
	if p.courier == l {
		p.courier = nil
	}
	for _, k := range asks {
		switch k.kind {
		case logOut:
			k.logout.flying--
		case renew:
			p.renewAnswered(l.seat, k.sig, nil)
		default:
		}
	}
}

// lost is heard when the connection ended, unless we hung up.
func (p *process) lost(s *seat, a *answer) {
	switch {
	case a.kind == gone || a.away == superseded:
		s.detours, s.phase = 0, coming
	case s.login: // sent away
		p.failLogin(s)
	default:
		p.kicked(s, s.number, "sent away: "+a.away.String())
	}
}

// pushed hears what the server says unasked.
func (p *process) pushed(l *link, n policy.Notice) {
	if s := l.seat; s != nil && p.seat == s && s.link == l && !s.over && n.Session == s.number {
		p.noticed(s, n)
		return
	}
	p.acknowledge(l, n.Session)
}

func (p *process) acknowledge(l *link, session uint64) {
	l.send(request{kind: ack, session: session, by: p.d, honest: true})
}

// note writes down that the app knows of the end of a session.
func (p *process) note(account int, session uint64) {
	p.j.records[account].kickSeen = session
	p.d.noted = append(p.d.noted, whose{account, session})
}

// noticed: first it is on disk that the app knows, then the server learns it,
// then the app.
func (p *process) noticed(s *seat, n policy.Notice) {
	p.note(s.account, n.Session)
	p.drop(s, true)
	p.save()
	if p.dies() {
		return
	}
	p.acknowledge(s.link, n.Session)
	switch {
	case s.login:
		p.failLogin(s)
		p.d.isSignalled(s.account, n.Session, "as the error of login()")
	case n.Expired:
		p.sigOver(s)
	default:
		s.over = true
		p.kicked(s, n.Session, n.Reason.String())
	}
}

// sigOver: the session has ended with its UserSig.
func (p *process) sigOver(s *seat) {
	s.over = true
	s.refused = append(s.refused, s.sig)
	if g := s.renewal; g != nil {
		s.renewal = nil
		p.rest(s)
		p.loginOn(s, g)
		return
	}
	p.begin(s, true)
	p.rest(s)
	p.goOn(s)
}

// endReached is when the clock says that the UserSig is over. False: only the
// server can tell, who may have renewed it, and he is asked already.
func (p *process) endReached(s *seat) bool {
	switch {
	case !s.doubt || p.w.without == AskInDoubt:
		p.w.sayf("%s: the UserSig is over by the clock", p.d.name)
		p.sigOver(s)
	case s.phase == asking:
		return false
	default:
		if g := s.renewal; g != nil {
			s.renewal = nil
			p.keep(s, g)
		}
		p.tryFailed(s)
	}
	return true
}

// usable is the UserSig to log in with, the newest first.
func (p *process) usable(s *seat) *sig {
	for _, g := range []*sig{s.kept, s.sig} {
		if g != nil && !slices.Contains(s.refused, g) && !slices.Contains(p.dead, g) && p.w.now.Unix() <= g.ends {
			return g
		}
	}
	return nil
}

func (p *process) refuse(s *seat, g *sig, code imcode.Code) {
	s.refused = append(s.refused, g)
	if saysExpired(code) {
		p.dead = append(p.dead, g)
	}
	if s.kept == g {
		s.kept = nil
	}
}

// fetch asks the provider, or gives up.
func (p *process) fetch(s *seat) {
	if !p.d.provider || s.asked == maxFetches {
		p.expired(s)
		return
	}
	s.asked++
	if !p.w.rarely(5) {
		s.sig = p.w.newSig(s.account)
		p.d.sigs[s.account] = s.sig
	}
	p.goOn(s)
}

const maxFetches = 5

// expired ends the seat because no UserSig is left for it.
func (p *process) expired(s *seat) {
	p.hangUp(p.vacate(s))
	p.signal(s.account, s.number, "onUserSigExpired")
}

// kicked ends the seat by somebody else's will.
func (p *process) kicked(s *seat, session uint64, why string) {
	p.hangUp(p.vacate(s))
	p.signal(s.account, session, "onKickedOffline, "+why)
}

// signal lets the app know of the end of a session, once that is on disk.
func (p *process) signal(account int, session uint64, how string) {
	if p.w.without != SeenBeforeEverySignal {
		p.note(account, session)
		p.save()
	}
	if !p.dies() {
		p.d.isSignalled(account, session, how)
	}
}

// failLogin ends a login().
func (p *process) failLogin(s *seat) {
	l, left := p.leave(s)
	p.save()
	if p.dies() {
		return
	}
	p.w.sayf("%s: login() fails", p.d.name)
	p.farewell(l, left)
}

// renew gives the account that is in a new UserSig.
func (p *process) renew(s *seat, g *sig) {
	p.w.sayf("%s: login() with a new UserSig", p.d.name)
	if s.phase != serving {
		p.keep(s, g)
		return
	}
	s.renewal, s.doubt = g, true
	p.send(s.link, request{kind: renew, account: s.account, sig: g}, ask{sig: g})
}

// keep holds a renewal ready for the next resume or automatic login.
func (p *process) keep(s *seat, g *sig) {
	s.kept = g
	if s.phase == resting {
		p.goOn(s)
	}
}

// renewAnswered is heard with the answer to a renewal, or with nil.
func (p *process) renewAnswered(s *seat, g *sig, a *answer) {
	if s == nil || p.seat != s {
		return
	}
	waiting := s.renewal == g
	switch {
	case a == nil:
		if waiting {
			s.renewal = nil
			p.keep(s, g)
		}
	case a.kind == notice:
		p.noticed(s, a.notice)
	case a.kind == renewed:
		s.doubt = false
		p.keptAnswered(s, g, imcode.OK)
		s.ends = a.ends
		p.knowsEnd(s)
		s.endRenewal(g)
	default:
		s.doubt = false
		p.keptAnswered(s, g, a.code)
		s.endRenewal(g)
	}
}

func (s *seat) endRenewal(g *sig) {
	if s.renewal == g {
		s.renewal = nil
	}
}

// keptAnswered goes by the server's word on a renewal.
func (p *process) keptAnswered(s *seat, g *sig, code imcode.Code) {
	if s.kept == g {
		s.kept = nil
	}
	switch {
	case code == imcode.OK:
		s.sig = g
	case saysExpired(code):
		p.dead = append(p.dead, g)
	}
}
