package sim

import "time"

const (
	maxLogoutsFirst = 16 // on one connection before its login or resume
	againAfter      = 60 * time.Second
)

// logout is a Logout call.
func (p *process) logout() {
	s := p.seat
	if s == nil {
		return
	}
	p.w.sayf("%s: logout() of %s", p.d.name, p.w.accounts[s.account].name)
	l, left := p.leave(s)
	p.save()
	if p.dies() {
		return
	}
	p.farewell(l, left)
}

// due are the pending logouts that could be sent now.
func (p *process) due() []*logout {
	var all []*logout
	for _, l := range p.j.logouts {
		if !l.held && !p.w.now.Before(l.due) {
			all = append(all, l)
		}
	}
	return all
}

func (p *process) sendLogouts(l *link, out []*logout, most int) {
	out = out[:min(len(out), most)]
	if len(out) == 0 {
		return
	}
	first := p.j.try + 1
	p.j.try += uint64(len(out))
	p.save()
	for i, o := range out {
		o.flying++
		q := request{kind: logOut, account: o.account, sig: o.sig, try: first + uint64(i), secret: secret{fixed: o.fixed}, attempt: o.of}
		p.send(l, q, ask{logout: o, again: o.again})
	}
}

// logoutAnswered goes by the answer to a logout; again: it was the second time
// that it was sent, a while after the first was answered.
func (p *process) logoutAnswered(o *logout, again bool, a *answer) {
	o.flying--
	over := again || p.w.without == SecondLogout && o.again
	if a.kind != loggedOut { // a notice overtook it
		return
	}
	if a.known || over {
		o.of.unknown = !a.known && o.sig == nil && again
		p.j.remove(o)
		p.save()
		return
	}
	o.again, o.due = true, p.w.now.Add(againAfter)
}

// deliver sees to it that pending logouts go out.
func (p *process) deliver() {
	var out []*logout
	for _, l := range p.due() {
		if l.flying == 0 {
			out = append(out, l)
		}
	}
	switch s := p.seat; {
	case len(out) == 0:
	case s != nil && s.phase == serving:
		p.sendLogouts(s.link, out, len(out))
	case s != nil && s.phase != resting: // they go first on the connection that is being made
	case p.courier == nil:
		l := p.w.dial(p, nil)
		p.courier = l
		p.carry(l, out)
	}
}

// carry sends logouts on a link that serves nothing else.
func (p *process) carry(l *link, out []*logout) {
	l.carries = true
	p.sendLogouts(l, out, maxLogoutsFirst)
	p.carried(l)
}

// carried hangs up a link for logouts when all are answered.
func (p *process) carried(l *link) {
	if !l.carries {
		return
	}
	for _, k := range l.asks {
		if k.kind == logOut {
			return
		}
	}
	p.hangUp(l)
}

// farewell ends a link with the logouts of what it served. Without one the
// courier takes them.
func (p *process) farewell(l *link, left []*logout) {
	if l != nil && l.open {
		p.carry(l, left)
	}
}
