package sim

import (
	"math/rand/v2"
	"time"
)

// acts are what may happen, and how often: where the network is good, and where
// it is bad.
var acts = []act{
	{24, 24, (*world).deliverUp},
	{24, 24, (*world).deliverDown},
	{22, 24, (*world).progress},
	{14, 6, (*world).app},
	{2, 8, (*world).timeOut},
	{2, 8, (*world).fail},
	{2, 3, (*world).deliverLate},
	{4, 3, (*world).pass},
	{2, 1, (*world).sweep},
	{2, 2, (*world).catchUp},
	{1, 1, (*world).giveUpWaiting},
	{1, 1, (*world).crash},
	{1, 1, (*world).restart},
	{1, 1, (*world).copies},
	{3, 1, (*world).steal},
	{2, 1, (*world).stranger},
	{1, 1, (*world).settings},
	{3, 2, (*world).operate},
}

type act struct {
	good, bad int
	do        func(*world)
}

func (a act) weight(bad bool) int {
	if bad {
		return a.bad
	}
	return a.good
}

func drawAct(r *rand.Rand, bad bool) int {
	sum := 0
	for _, a := range acts {
		sum += a.weight(bad)
	}
	n := r.IntN(sum)
	for i, a := range acts {
		if n -= a.weight(bad); n < 0 {
			return i
		}
	}
	return 0
}

func running(d *device) bool { return d.process != nil }

// progress lets a client do the next thing that it is about to do.
func (w *world) progress() {
	if d := pick(w, w.devices, running); d != nil {
		d.process.step()
	}
}

// step is one thing that a process does by itself. False: there is nothing.
func (p *process) step() bool {
	s := p.seat
	switch {
	case s != nil && s.phase == coming:
		p.connect(s)
	case s != nil && s.phase == resting:
		p.fetch(s)
	case s != nil && !s.over && p.w.now.Unix() > s.ends:
		return p.endReached(s)
	default:
		before := p.j.try
		p.deliver()
		return p.j.try != before
	}
	return true
}

// app is what people and their apps do.
func (w *world) app() {
	d := w.devices[w.rand.IntN(len(w.devices))]
	if d.process == nil {
		d.open()
		if w.rarely(5) {
			return
		}
		d.process.login(0, d.sigOf(0))
		return
	}
	p := d.process
	s := p.seat
	switch n := w.rand.IntN(20); {
	case n < 9:
		p.login(0, d.sigOf(0))
	case n < 11:
		p.login(1, d.sigOf(1))
	case n < 15:
		p.logout()
	case n < 17 && s != nil && s.login: // a cancelled context
		p.failLogin(s)
	case n < 17 && s != nil:
		s.renewal = nil
	case n < 18:
		p.close()
	default:
	}
}

// sigOf is the UserSig that a device's app logs in with: the one that it has, or
// a new one.
func (d *device) sigOf(account int) *sig {
	w := d.w
	if g := d.sigs[account]; g == nil || w.now.Unix() > g.ends && !w.rarely(4) || w.rarely(4) {
		d.sigs[account] = w.newSig(account)
	}
	return d.sigs[account]
}

// timeOut is when a client has waited long enough.
func (w *world) timeOut() {
	d := pick(w, w.devices, running)
	if d == nil {
		return
	}
	p := d.process
	s := p.seat
	switch {
	case s != nil && s.login && w.rarely(2):
		p.failLogin(s)
	case s != nil && s.phase == asking:
		w.sayf("%s has no answer", d.name)
		p.tryFailed(s)
	case s != nil && s.renewal != nil:
		g := s.renewal
		s.renewal = nil
		p.keep(s, g)
	default:
		p.hangUp(pick(w, w.links, func(l *link) bool { return l.of == p && l.open && l.carries }))
	}
}

func (w *world) crash() {
	if d := pick(w, w.devices, running); d != nil {
		d.process.crash()
	}
}

// pass lets time go by.
func (w *world) pass() {
	steps := [...]time.Duration{
		time.Second, 10 * time.Second, 30 * time.Second, 70 * time.Second, 11 * time.Minute, time.Hour,
		24 * time.Hour, 24 * time.Hour, 6 * 24 * time.Hour, 8 * 24 * time.Hour,
	}
	n := len(steps)
	if w.crowd && !w.rarely(10) { // kick rows are to gather
		n = 6
	}
	d := steps[w.rand.IntN(n)]
	w.now = w.now.Add(d)
	if w.crowd && d > time.Minute { // try numbers of so many devices are not kept for ever: no frame may be that late
		for _, l := range w.links {
			l.up, l.down = nil, nil
			w.cut(l)
		}
	}
}

// settings are changed by an operator; nobody is thrown out by it.
func (w *world) settings() {
	w.rules = w.anyRules()
	w.sayf("new rules: groups %v, limits %v, tell on reconnect %v, on login %v",
		w.rules.Group, w.rules.Limit, w.rules.TellKickedOnReconnect, w.rules.TellKickedOnLogin)
}
