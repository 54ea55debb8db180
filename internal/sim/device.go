package sim

import (
	"slices"
	"time"

	"rollcall.example"
)

// A device is one installation: a data directory, and an app that may be running
// on it.
type device struct {
	w        *world
	name     string
	id       rollcall.DeviceID
	platform rollcall.Platform
	provider bool // its app gives UserSigs when asked
	disk     journal
	process  *process // nil: not running
	sigs     [2]*sig  // that its app has, by account

	// The truth.
	exposed bool    // somebody else holds its secrets
	noted   []whose // ends that are written down as seen
	signals []whose // ends that the app was told of
}

// whose is a session as the world knows it.
type whose struct {
	account int
	session uint64
}

// A journal is what a client writes to disk before it is sent.
type journal struct {
	try     uint64
	records [2]record // by account
	logouts []*logout
}

// A record is what a device knows of its last session of an account.
type record struct {
	session  uint64 // the last one that a login was answered with
	kickSeen uint64
	secret
}

// A secret is a session's: next is the half that a resume on its way brings.
type secret struct{ fixed, present, next half }

// A logout is a pending one. An attempt lies here from before it is sent until
// it is answered, held back.
type logout struct {
	account int
	fixed   half
	of      *attempt

	// Not on disk.
	sig    *sig
	held   bool
	again  bool
	due    time.Time
	flying int
}

func (j *journal) copied() journal {
	c := *j
	c.logouts = nil
	for _, l := range j.logouts {
		c.logouts = append(c.logouts, &logout{account: l.account, fixed: l.fixed, of: l.of})
	}
	return c
}

func (j *journal) add(l *logout) { j.logouts = append(j.logouts, l) }

func (j *journal) remove(l *logout) {
	j.logouts = slices.DeleteFunc(j.logouts, func(o *logout) bool { return o == l })
}

// A process is a running client.
type process struct {
	d       *device
	w       *world
	j       journal
	seat    *seat
	dead    []*sig // never offered again
	heard   bool   // the server's clock
	courier *link
	result  result // of the last login() call
}

// result is what a login() call came to.
type result uint8

const (
	none result = iota
	pending
	success
	kickedBefore // 6208
	failed       // anything else
)

// open starts a client. A login that nobody will answer any more is logged out.
func (d *device) open() {
	p := &process{d: d, w: d.w, j: d.disk.copied()}
	d.process = p
	for _, l := range p.j.logouts {
		l.of.left = true
	}
	d.w.sayf("%s is opened", d.name)
}

// save makes the journal durable.
func (p *process) save() {
	p.d.disk = p.j.copied()
	for _, l := range p.j.logouts {
		if !l.held {
			l.of.left = true
		}
	}
}

// dies ends a process now and then at a place where it hurts.
func (p *process) dies() bool {
	if p.w.calm || !p.w.rarely(80) {
		return false
	}
	p.crash()
	return true
}

// crash loses what is not on disk.
func (p *process) crash() {
	p.w.sayf("%s crashes", p.d.name)
	p.stop()
}

// stop ends a process; its sessions are away from now on.
func (p *process) stop() {
	p.d.process = nil
	p.abandon()
	p.seat = nil
	for _, l := range p.w.links {
		if l.of == p && l.open {
			l.asks = nil
			l.dropClientEnd()
			if !p.w.calm && p.w.rarely(3) {
				p.w.cut(l)
			}
		}
	}
}

// abandon notes which sessions may stay although nobody holds them.
func (p *process) abandon() {
	if s := p.seat; s != nil {
		for _, a := range []*attempt{s.made, s.attempt} {
			if a != nil {
				a.abandoned = true
			}
		}
	}
	for _, l := range p.j.logouts {
		l.of.abandoned = true
	}
}

// close is a process that ends as it should.
func (p *process) close() {
	p.w.sayf("%s is closed", p.d.name)
	p.abandon()
	if s := p.seat; s != nil {
		p.vacate(s)
	}
	p.save()
	p.stop()
}

// copies makes another device with the same data directory.
func (w *world) copies() {
	if !w.clones || len(w.devices) > 5 {
		return
	}
	d := pick(w, w.devices, func(d *device) bool { return !d.exposed && d.disk.try > 0 })
	if d == nil {
		return
	}
	w.sayf("the data directory of %s is copied", d.name)
	d.exposed = true
	c := &device{w: w, name: d.name + "'", id: d.id, platform: d.platform, provider: d.provider, exposed: true, sigs: d.sigs}
	c.disk = d.disk.copied()
	w.devices = append(w.devices, c)
	if p := d.process; p != nil && p.seat != nil && w.rarely(2) { // with the memory of the process
		c.open()
		c.process.j = p.j.copied()
		s := *p.seat
		s.link, s.phase, s.login, s.renewal = nil, coming, false, nil
		s.attempt = nil
		if !s.over {
			c.process.seat = &s
		}
	}
}

func (d *device) knows(list []whose, account int, session uint64) bool {
	return slices.Contains(list, whose{account, session})
}

// isSignalled is when the app is told of the end of a session: once.
func (d *device) isSignalled(account int, session uint64, how string) {
	w := d.w
	w.sayf("%s: the app is told of the end of session %d of %s: %s", d.name, session, w.accounts[account].name, how)
	if d.knows(d.signals, account, session) {
		w.breaksf("one event, one signal", "the app on %s is told of the end of session %d of %s twice", d.name, session, w.accounts[account].name)
	}
	d.signals = append(d.signals, whose{account, session})
	f := w.accounts[account].fact(session)
	byClock := f != nil && w.now.Unix() > min(f.sigEnds, f.knownEnds) // of which the server need not have heard
	if f == nil || !f.ended && !byClock && !d.exposed {
		w.breaksf("no signal without an end", "the app on %s was told of session %d of %s", d.name, session, w.accounts[account].name)
	}
}
