// Package policy decides what becomes of an account's sessions: on login,
// resume, renewal, logout, acknowledgement, disconnection, by the acts of its
// user and of operators, when a policy is applied, and as time passes.
//
// Every rule is a pure function from a State, a request and the app's Rules to
// an Outcome. It reads no clock, does no I/O and starts no goroutine; what it
// needs of the world comes with the request. The store runs it alone for its
// account (Mutate) and makes the outcome durable in one transaction. It may run
// a rule twice, so no rule changes the State it is given.
//
// # What holds after every rule
//
//   - Session numbers only grow, and each is given once: to a login that is
//     granted, which is then among the sessions.
//   - A login leaves no session on another platform of its group, and on its own
//     no more than the limit, by the Rules it came with. What other Rules let into
//     other groups stays there, until a login in them or ApplyPolicy.
//   - A session that has ended never comes back; what returns is a new one.
//   - A session that is kicked leaves a kick row with its reason and, for a newer
//     login and an applied policy, the winner and the rule. One that its client
//     logs out or replaces, or that time ends, leaves none.
//   - The State is bounded: sessions by the limits in force at their logins, kick
//     rows and try numbers by the bounds below.
package policy

import (
	"crypto/subtle"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
)

// Bounds of an account's state.
const (
	AwayLimit    = 7 * 24 * time.Hour // a session without a connection ends after it
	WebAwayLimit = time.Minute        // the same for the Web
	KickRowLife  = 7 * 24 * time.Hour // a kick row nobody asked for is dropped after it
	MinKickRows  = 20                 // kick rows kept at least, whatever the policy admits
	TryLife      = 10 * time.Minute   // a try number is kept so long after its session
	MaxOldTries  = 20                 // older try numbers are kept for so many devices
	MaxTries     = 200                // younger ones for so many, whatever devices an account invents
	MaxTryJump   = 1 << 32            // a device's try number rises by no more at once: a client counts its frames
	FutureSkew   = 300                // seconds a UserSig may be dated ahead
)

// A Hash is a SHA-256 of something that only a client knows.
type Hash [32]byte

// is compares in constant time; the zero Hash is nobody's.
func (h Hash) is(other Hash) bool {
	return h != Hash{} && subtle.ConstantTimeCompare(h[:], other[:]) == 1
}

// A Secret is what the server keeps of a session's secret.
type Secret struct {
	Fixed   Hash // hash of the hash of the fixed half
	Present Hash // hash of the changing half in force
	Before  Hash // hash of the changing half before it; zero at first
}

// A Session is one logged-in instance of the account on a device.
type Session struct {
	Number     uint64 // counted per account, in commit order
	Device     rollcall.DeviceID
	DeviceName string
	Platform   rollcall.Platform
	Since      time.Time // its login, for people
	Conn       uint64    // the highest connection number given
	Node       string    // who serves that connection; "" when away
	Away       time.Time // since when it has no connection; zero when connected
	SigTime    int64     // TLS.time of its UserSig
	SigEnds    int64     // the last second in which its UserSig is good
	Address    string    // where its last connection came from; who asks has shortened it
	Secret     Secret
}

// Due is the moment at which time alone ends the session.
func (s *Session) Due() time.Time {
	due := time.Unix(s.SigEnds+1, 0)
	if !s.Away.IsZero() {
		if away := s.Away.Add(s.awayLimit()); away.Before(due) {
			return away
		}
	}
	return due
}

func (s *Session) awayLimit() time.Duration {
	if s.Platform == rollcall.Web {
		return WebAwayLimit
	}
	return AwayLimit
}

// A Try is the highest try number seen of a device, and the attempt that it
// last had granted.
type Try struct {
	Device  rollcall.DeviceID
	Highest uint64
	Seen    time.Time
	Fixed   Hash   // of the last granted attempt
	Session uint64 // and the session it was given
}

// A Kick is the mark of a session that lost its place: the notice waits in it
// until the client has acknowledged it.
type Kick struct {
	Session  uint64
	Device   rollcall.DeviceID
	Platform rollcall.Platform
	Reason   Reason
	By       By
	At       time.Time
	Secret   Secret
}

// By says who ended a session, and why it was this one.
type By struct {
	Session    uint64            // with NewerLogin, PolicyApplied: the winner; with SignedOutElsewhere: who asked
	Platform   rollcall.Platform // its platform
	DeviceName string            // and its device's name
	Rule       Rule              // with NewerLogin, PolicyApplied: what left no room
	Limit      int               // with OverLimit: the number in force
	Operator   string            // with the acts of operators: who, by their own word; not shown to users
}

// Rule is the part of a policy that left a session no room. The numbers are those
// of the wire.
type Rule uint8

// The rules.
const (
	NoRule        Rule = iota
	OtherPlatform      // another platform of its group has the place
	OverLimit          // there were more sessions on its platform than the limit

	numRules = iota // a new one stands above
)

func (r Rule) String() string {
	switch r {
	case OtherPlatform:
		return "another platform of its group"
	case OverLimit:
		return "over the limit"
	case NoRule:
	}
	return "none"
}

// A State is all that is kept of an account but its history.
type State struct {
	Created         time.Time // zero: nobody has signed up yet
	Disabled        bool
	Sessions        []Session // by number, lowest first
	Kicks           []Kick    // by time, oldest first
	Tries           []Try
	Counter         uint64 // the highest session number given
	RESTKickCounter uint64 // Counter at the last REST kick
	ValidFrom       int64  // UserSigs with an earlier TLS.time are dead
	HighestSigTime  int64  // the highest TLS.time ever accepted
	ActiveDay       int    // 20261123: the last day it came online, in the app's zone
	ActiveMonth     int    // 202611
}

// Exists tells whether the account has signed up.
func (s State) Exists() bool { return !s.Created.IsZero() }

// Rules are the settings of an app that rules depend on. See Multi.
type Rules struct {
	Group                 [NumPlatforms]uint8 // platforms of one group exclude each other
	Limit                 [NumPlatforms]int   // sessions per platform, at least 1
	Refused               [NumPlatforms]bool  // platforms that the app does not admit
	TellKickedOnReconnect bool                // 6208 to who comes back by itself after a newer login
	TellKickedOnLogin     bool                // 6208 to the first login() after that
	RESTKickAsKick        bool                // a REST kick is told as a kick, not as the UserSig's end
	Zone                  *time.Location      // of the app's day and month; nil: UTC
}

// NumPlatforms is the number of platforms that rules know: all.
const NumPlatforms = rollcall.NumPlatforms

// Multi is the policy under which every platform is a group of its own, with
// one session on each.
func Multi() Rules {
	var r Rules
	for p := range NumPlatforms {
		r.Group[p] = uint8(p)
		r.Limit[p] = 1
	}
	return r
}

// An Answer is the kind of a rule's answer.
type Answer uint8

// The answers.
const (
	Nothing    Answer = iota // for requests that are not answered
	Granted                  // done as asked; a login or resume has its connection with Outcome.Session
	Refused                  // with Outcome.Code
	Stale                    // the try number was not above Outcome.Highest
	LogInAgain               // log in with a new fixed half
	Told                     // with Outcome.Notice: it is over
	Unknown                  // a logout that nothing proved
)

// An Outcome is what a rule decided. A refusal is an outcome too: it is
// remembered in the same transaction.
type Outcome struct {
	State   State // the account's from now on; equal to the one before if nothing changed
	Answer  Answer
	Code    imcode.Code // with Refused; with Told, the notice's
	Detail  string      // what was wrong, for the caller
	Highest uint64      // with Stale
	Session Session     // with Granted: whose it is; zero for the acts of operators and a logout of none
	Notice  Notice      // with Told, and with Refused 6208
	Proved  bool        // with Told: the client proved the session, so it may acknowledge the notice
	Renewal imcode.Code // with Granted: why the renewal that came along was refused
	Wrong   bool        // a secret was offered that is not the session's: to be counted
	Ended   []Ended     // sessions that ended, the asking client's own logout included
	Events  []Event     // history rows
}

// An Ended session is to be told or closed where it is connected.
type Ended struct {
	Session Session
	Kind    EventKind // how: kicked, expired, replaced, logout, lapsed, set back
	Notice  Notice    // with kicked and expired; the others are closed without a word
}
