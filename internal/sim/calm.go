package sim

import (
	"time"

	"rollcall.example/internal/policy"
)

// comeToRest ends a history: the network is good again, every process runs, all
// that was on its way arrives. Then clients and server agree.
func (w *world) comeToRest() {
	w.sayf("all is calm from now on")
	w.calm = true
	var news []news
	for _, d := range w.devices {
		if d.process == nil {
			d.open()
		}
		news = append(news, d.awaits()...)
	}
	for _, l := range w.links {
		l.slow = false
		if l.of == nil && l.open {
			l.dropClientEnd()
		}
	}
	w.catchUp()
	w.settle()
	w.sweep()
	w.settle()
	for _, n := range news {
		noted := n.device.knows(n.device.noted, n.account, n.fact.number)
		quietly := n.fact.reason == policy.RESTKick && (noted || n.device.process.seat != nil) // a new UserSig was at hand
		if !quietly && !n.device.knows(n.device.signals, n.account, n.fact.number) {
			w.breaksf("who was kicked is told when he comes back", "%s never was, of session %d (%s)", n.device.name, n.fact.number, n.fact.reason)
		}
	}
	w.agree()
	if w.broken == nil {
		w.logInOnceMore()
	}
}

// news is an end of which a device is still to hear.
type news struct {
	device  *device
	account int
	fact    *fact
}

// awaits lists what the device is to be told, now that it comes back.
func (d *device) awaits() []news {
	w, s := d.w, d.process.seat
	if s == nil || s.over || s.renewal != nil || d.exposed { // a renewal that is too late goes on as login()
		return nil
	}
	a := w.accounts[s.account]
	f := a.fact(s.number)
	if f == nil || w.now.Sub(f.at) > 6*24*time.Hour || !w.mustTell(a, s.account, f, d) {
		return nil
	}
	return []news{{d, s.account, f}}
}

// settle goes on until nothing moves any more.
func (w *world) settle() {
	for range 300 {
		if !w.moves() && !w.waits() {
			return
		}
		w.tidy()
		if w.broken != nil {
			return
		}
	}
	w.breaksf("it comes to rest", "there is still something under way")
}

// moves does all that can be done now, once. False: there was nothing.
func (w *world) moves() bool {
	moved := false
	for _, l := range w.links {
		for l.heard && len(l.up) > 0 {
			w.serveNext(l)
			moved = true
		}
		for l.open && len(l.down) > 0 {
			w.hearNext(l)
			moved = true
		}
		switch {
		case l.open && !l.heard: // nothing will come
			l.down = append(l.down, answer{kind: gone})
			moved = true
		case l.heard && !l.open:
			l.up = append(l.up, request{kind: gone})
			moved = true
		}
	}
	for _, d := range w.devices {
		if d.process != nil && d.process.step() {
			moved = true
		}
	}
	return moved
}

// waits lets the time go by that somebody waits for.
func (w *world) waits() bool {
	for _, l := range w.links {
		if l.told != nil && l.heard {
			w.hangUp(l, afterNotice)
			return true
		}
		if l.of != nil && l.open && len(l.asks) > 0 { // the answer was dropped for a notice
			l.of.hangUp(l)
			if s := l.of.seat; s != nil && s.link == l {
				l.of.tryFailed(s)
			}
			return true
		}
	}
	for _, d := range w.devices {
		for _, l := range d.process.j.logouts {
			if l.again {
				w.now = w.now.Add(againAfter)
				return true
			}
		}
	}
	return false
}

// agree: server and clients agree who is in.
func (w *world) agree() {
	for _, d := range w.devices {
		s := d.process.seat
		if s == nil {
			continue
		}
		x, in := w.accounts[s.account].session(s.number)
		if s.login || s.over || s.phase != serving || !in || x.Conn != s.conn || x.Node == "" || s.link == nil || !s.link.heard {
			w.breaksf("clients and server agree who is in", "%s believes in session %d of %s, the server has %+v",
				d.name, s.number, w.accounts[s.account].name, x)
		}
	}
	for account, a := range w.accounts {
		for _, k := range a.state.Kicks {
			if w.now.Sub(k.At) > policy.KickRowLife {
				w.breaksf("the state is bounded", "the kick row of session %d is there for %v", k.Session, w.now.Sub(k.At))
			}
		}
		for _, x := range a.state.Sessions {
			w.agreeOn(account, a, x)
		}
	}
}

func (w *world) agreeOn(account int, a *account, x policy.Session) {
	holders := 0
	for _, d := range w.devices {
		if s := d.process.seat; s != nil && s.account == account && s.number == x.Number {
			holders++
		}
	}
	switch f := a.fact(x.Number); {
	case holders > 1:
		w.breaksf("no thief runs beside the owner", "session %d of %s has %d holders", x.Number, a.name, holders)
	case holders == 1 || f.attempt == nil:
	case f.attempt.unknown: // its login was served after its logout had been given up
	case f.attempt.left:
		w.breaksf("what was logged out ends", "session %d of %s, %s, is still there", x.Number, a.name, x.Device)
	case !f.attempt.abandoned:
		w.breaksf("clients and server agree who is in", "nobody holds session %d of %s, %s", x.Number, a.name, x.Device)
	}
}

// logInOnceMore: who is out can come in again, after 6208 at most once.
func (w *world) logInOnceMore() {
	d := pick(w, w.devices, func(d *device) bool { return d.process.seat == nil && !d.exposed })
	if d == nil || w.rules.Refused[d.platform] || w.accounts[0].state.Disabled {
		return
	}
	p := d.process
	for range 2 {
		p.login(0, w.newSig(0))
		w.settle()
		if p.result != kickedBefore {
			break
		}
	}
	if w.broken == nil && p.result != success {
		w.breaksf("a login succeeds", "%s could not log in once all was calm", d.name)
	}
	w.agree()
}
