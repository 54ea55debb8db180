package client

import (
	"time"

	"rollcall.example/imcode"
	"rollcall.example/internal/backoff"
)

// A seat is an account's place at the client, from the login() that takes it
// until it is left or lost. It outlives connections, and sessions too when the
// SDK logs in by itself.
type seat struct {
	place

	box      *box
	login    *call // waits for its answer: LOGINING; nil: LOGINED
	renewal  *call // waits for the answer to a renewal on the connection
	deadline *alarm
	requests []*request // that wait for their answers

	// The UserSigs to log in with.
	userSig string  // the one in force, or that login() brought
	kept    string  // of a renewal that the server has not yet answered
	refused digests // not to be offered again for this seat
	fetch   fetch

	// The session in force, if it is not over.
	over       bool // it has ended or was never there: what comes next is a login
	number     uint64
	connection uint64
	secret     secret
	ends       time.Time
	expiry     *alarm
	warning    warning

	doubt bool // a renewal was sent and not answered: only the server knows when the UserSig ends

	attempt *attempt // the login to be made: at first, and once the session is over
	carried string   // the kept UserSig in the resume on its way

	follower follower

	cycle
}

// A cycle is the way to a connection on which the server has granted the
// session: dial, ask, and again until it is served.
type cycle struct {
	phase     phase
	dialing   *started
	conn      *conn // of which the answer is awaited, or on which the session is served
	alarm     *alarm
	retry     backoff.Backoff
	announced bool  // the app has heard of this cycle
	last      error // why the last try failed
	detours   int   // stale and log-in-again answers in a row
}

// phase is how far a cycle is.
type phase int

const (
	resting phase = iota // not under way: the seat is new, or waits for a UserSig
	waiting              // for the next try
	dialingOut
	asking // the login or resume is sent
	serving
)

// started is something under way elsewhere, for which the newest is waited; what
// comes of an older one is late.
type started struct{ cancel func() }

// An attempt is one login() or automatic login: with all its retries it makes
// one session.
type attempt struct {
	secret
	automatic bool
	userSig   string  // that was sent with it last
	sent      bool    // at least once, perhaps
	open      int     // frames sent that were not answered: the server may serve them yet
	pending   *logout // its place in the journal
}

// begin gives s a new attempt; what was left of an earlier one is dropped.
func (e *engine) begin(s *seat, automatic bool) {
	e.drop(s, true)
	s.over = true
	s.secret = secret{}
	s.expiry.stop()
	s.warning.alarm.stop()
	half := newHalf()
	s.attempt = &attempt{
		secret:    secret{Fixed: half, Present: newHalf()},
		automatic: automatic,
		pending:   &logout{place: s.place, Fixed: half, held: true},
	}
	e.journal.add(s.attempt.pending)
}

// drop ends s's attempt. One that was sent and not answered leaves a pending
// logout behind: the server may have made its session.
func (e *engine) drop(s *seat, answered bool) {
	a := s.attempt
	if a == nil {
		return
	}
	s.attempt = nil
	a.pending.held = false
	a.pending.userSig = a.userSig
	if answered || !a.sent {
		e.journal.remove(a.pending)
	}
}

// dropRefused ends an attempt that was refused. The refusal answers one frame of
// it: another that was never answered may have made its session, or may yet.
func (e *engine) dropRefused(s *seat) {
	if s.attempt != nil {
		e.drop(s, s.attempt.open == 0)
	}
}

// leave takes the account out by the app's will: what the server may hold of it
// becomes pending logouts, which are returned; calls on their way get cause.
func (e *engine) leave(s *seat, cause error) (*conn, []*logout) {
	var left []*logout
	if !s.over {
		l := &logout{place: s.place, Fixed: s.secret.Fixed, userSig: s.userSig}
		e.journal.add(l)
		left = append(left, l)
	}
	if a := s.attempt; a != nil && a.sent {
		left = append(left, a.pending)
	}
	return e.vacate(s, cause), left
}

// vacate empties the seat: nobody is in. The connection, if there is one, is
// the caller's to end.
func (e *engine) vacate(s *seat, cause error) *conn {
	e.drop(s, false)
	e.seat = nil
	e.publish()
	e.halt(s)
	s.deadline.stop()
	s.expiry.stop()
	s.warning.alarm.stop()
	s.fetch.stop()
	s.follower.alarm.stop()
	e.answer(s.login, cause)
	e.answer(s.renewal, cause)
	s.login, s.renewal = nil, nil
	if imcode.Of(cause) == imcode.LoggedOutBeforeLogin {
		cause = imcode.NotLoggedIn.Errorf("logged out before the server answered")
	}
	e.endRequests(s, cause)
	c := s.conn
	s.conn = nil
	return c
}

// halt stops the cycle where it stands.
func (e *engine) halt(s *seat) {
	s.alarm.stop()
	if s.dialing != nil {
		s.dialing.cancel()
		s.dialing = nil
	}
	s.phase = resting
	s.follower.letGo()
}

// expired ends the seat because no UserSig is left for it.
func (e *engine) expired(s *seat) {
	e.seen(s)
	e.hangUp(e.vacate(s, imcode.NotLoggedIn.Errorf("the UserSig has ended")))
	e.raise(func(l Listener) {
		if l.UserSigExpired != nil {
			l.UserSigExpired()
		}
	})
}

// kicked ends the seat by somebody else's will.
func (e *engine) kicked(s *seat, k Kick) {
	e.seen(s)
	e.hangUp(e.vacate(s, imcode.NotLoggedIn.Errorf("the session was ended: %s", k.Reason)))
	e.raise(func(l Listener) {
		if l.KickedOffline != nil {
			l.KickedOffline(k)
		}
	})
}

// seen writes down that the app is told of the end of the account's last session,
// whoever said so: what else took that session's place is no news any more. A
// notice may have named a later one.
func (e *engine) seen(s *seat) {
	r := e.journal.record(s.place)
	if r.KickSeen >= r.Session {
		return
	}
	r.KickSeen = r.Session
	if err := e.journal.save(); err != nil {
		e.log.Error("save the client's state", "err", err) // the app hears of it all the same
	}
}

// here tells whether s is still the seat, and c the connection it goes by.
func (e *engine) here(s *seat, c *conn) bool { return e.seat == s && s.conn == c }
