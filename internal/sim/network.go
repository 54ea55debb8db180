package sim

import (
	"fmt"
	"slices"

	"rollcall.example/imcode"
	"rollcall.example/internal/policy"
)

// A link is one connection. Frames of one direction keep their order; those of
// different links, and of the two directions, do not. Who ends a link, or cuts
// it, leaves a last frame behind what still arrives.
type link struct {
	number int
	of     *process // nil: a thief's or a stranger's
	seat   *seat    // that it was made for; nil: for logouts
	up     []request
	down   []answer
	open   bool // the client's end is
	heard  bool // the server's end is
	slow   bool // what is on its way takes long
	broken bool // what is sent from now on is lost

	// The client's end.
	asks    []ask
	last    uint64
	carries bool // only logouts; hung up when they are answered

	// The server's end.
	place  place
	asking uint64         // the login or resume that is answered next
	told   *policy.Notice // nothing else leaves any more
	toldOf int            // the account that the notice is of
	proved bool           // and the peer proved the session
}

// A place is the session that a link serves.
type place struct {
	account       int
	session, conn uint64
}

// An ask is a request that waits at the client for its answer.
type ask struct {
	id     uint64
	kind   kind
	logout *logout
	again  bool // it is the second time that the logout is asked for
	sig    *sig // of a renewal
}

// kind is that of a frame.
type kind uint8

const (
	login kind = iota + 1
	resume
	renew
	logOut
	ack
	granted
	refusal
	stale
	loginAgain
	notice
	loggedOut
	renewed
	closed // by the server, with a code
	gone   // the end of the connection, without a word
)

var kinds = [...]string{
	login: "login", resume: "resume", renew: "renew", logOut: "logout", ack: "acknowledgement",
	granted: "session", refusal: "refusal", stale: "stale", loginAgain: "log in again", notice: "notice",
	loggedOut: "logout", renewed: "renew", closed: "close", gone: "end of the connection",
}

func (k kind) String() string { return kinds[k] }

// A request is a frame to the server. What its kind does not need is zero.
type request struct {
	kind      kind
	id        uint64
	account   int
	by        *device // whose claim it is to be
	sig       *sig
	automatic bool
	try       uint64
	session   uint64 // to resume; last answered, in a login
	kickSeen  uint64
	proofs    []half
	secret    secret
	attempt   *attempt // the truth: what it belongs to
	honest    bool     // sent by the device itself
}

func (q *request) String() string {
	who := "somebody"
	if q.by != nil && q.honest {
		who = q.by.name
	}
	switch q.kind {
	case login:
		return fmt.Sprintf("%s's login (try %d, halves %d %d, automatic %v, last session %d, kick seen %d)",
			who, q.try, q.secret.fixed, q.secret.present, q.automatic, q.session, q.kickSeen)
	case resume:
		return fmt.Sprintf("%s's resume of session %d (try %d, halves %d %d %d)",
			who, q.session, q.try, q.secret.fixed, q.secret.present, q.secret.next)
	case logOut:
		return fmt.Sprintf("%s's logout of half %d (try %d)", who, q.secret.fixed, q.try)
	case ack:
		return fmt.Sprintf("%s's acknowledgement of session %d", who, q.session)
	default:
		return fmt.Sprintf("%s's %s", who, q.kind)
	}
}

// An answer is a frame to the client: id 0 is a push.
type answer struct {
	kind    kind
	id      uint64
	session uint64
	conn    uint64
	ends    int64
	code    imcode.Code // of a refusal; of a renewal in a session's answer
	later   bool        // a refusal that may be granted later
	highest uint64
	known   bool
	notice  policy.Notice
	away    closing
	drawn   secret // without ClientSecrets: the server's
}

func (a *answer) String() string {
	switch a.kind {
	case granted:
		return fmt.Sprintf("session %d, connection %d", a.session, a.conn)
	case refusal:
		return fmt.Sprintf("refusal %d", int(a.code))
	case stale:
		return fmt.Sprintf("stale, highest %d", a.highest)
	case notice:
		return fmt.Sprintf("notice: session %d, %s", a.notice.Session, a.notice.Reason)
	case loggedOut:
		return fmt.Sprintf("logout, known %v", a.known)
	case closed:
		return "close: " + a.away.String()
	default:
		return a.kind.String()
	}
}

// closing is why the server closes.
type closing uint8

const (
	superseded closing = iota
	afterNotice
	wasLoggedOut
	replaced
)

func (c closing) String() string {
	return [...]string{"superseded", "after a notice", "logged out", "replaced"}[c]
}

func (w *world) dial(p *process, s *seat) *link {
	w.dialed++
	l := &link{number: w.dialed, of: p, seat: s, open: true, heard: true}
	w.links = append(w.links, l)
	return l
}

func (l *link) send(q request) {
	if l.open && l.heard && !l.broken {
		l.up = append(l.up, q)
	}
}

func (l *link) answer(a answer) {
	if l.heard && l.open && !l.broken && l.told == nil {
		l.down = append(l.down, a)
	}
}

// cut loses part of what is on its way, and all that comes after it.
func (w *world) cut(l *link) {
	if l.broken {
		return
	}
	l.broken = true
	if l.heard {
		l.up = append(l.up[:w.rand.IntN(len(l.up)+1)], request{kind: gone})
	}
	if l.open {
		l.down = append(l.down[:w.rand.IntN(len(l.down)+1)], answer{kind: gone})
	}
}

// dropClientEnd ends the client's side; what it sent before arrives.
func (l *link) dropClientEnd() {
	l.open, l.down = false, nil
	if l.heard && !l.broken {
		l.up = append(l.up, request{kind: gone})
	}
}

// dropServerEnd ends the server's side with a last frame.
func (l *link) dropServerEnd(last answer) {
	if l.open && !l.broken {
		l.down = append(l.down, last)
	}
	l.heard, l.up = false, nil
}

// tidy forgets links that have ended on both sides.
func (w *world) tidy() {
	w.links = slices.DeleteFunc(w.links, func(l *link) bool { return !l.open && !l.heard })
}

func (w *world) deliverUp() {
	if l := pick(w, w.links, func(l *link) bool { return l.heard && !l.slow && len(l.up) > 0 }); l != nil {
		w.serveNext(l)
	}
}

func (w *world) deliverDown() {
	if l := pick(w, w.links, func(l *link) bool { return l.open && !l.slow && len(l.down) > 0 }); l != nil {
		w.hearNext(l)
	}
}

// deliverLate is when what took long arrives.
func (w *world) deliverLate() {
	if l := pick(w, w.links, func(l *link) bool { return l.slow }); l != nil {
		l.slow = false
	}
}

func (w *world) serveNext(l *link) {
	q := l.up[0]
	l.up = l.up[1:]
	if q.kind == gone {
		l.heard, l.up = false, nil
		w.left(l)
		return
	}
	w.serve(l, &q)
}

func (w *world) hearNext(l *link) {
	a := l.down[0]
	l.down = l.down[1:]
	if w.loud() && l.of != nil {
		w.sayf("%s hears on link %d: %s", l.of.d.name, l.number, &a)
	}
	if l.of == nil {
		w.outsiderHears(l, &a)
		return
	}
	l.of.hear(l, &a)
	if p := l.of; w.crowd && a.kind == granted && p.d.process == p && !w.calm && !w.rarely(3) { // few of a crowd stay long
		p.crash()
	}
}

// fail is what a network does.
func (w *world) fail() {
	l := pick(w, w.links, func(l *link) bool { return l.open || l.heard })
	switch {
	case l == nil:
	case w.rarely(2):
		l.slow = true
	default:
		w.sayf("link %d is cut", l.number)
		w.cut(l)
	}
}
