package policy

import (
	"slices"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
)

// Reason is why a session has ended. The numbers are those of the wire.
type Reason uint8

// The reasons.
const (
	Silently            Reason = iota // replaced by its own device: nobody is told
	NewerLogin                        // evicted by a newer login
	Operator                          // kicked by an operator
	SignedOutElsewhere                // by the user on another device
	PolicyApplied                     // a policy was applied to those logged in
	SameDeviceElsewhere               // the same device id logged in without proof
	SecretUsedTwice                   // two clients used the session's secret
	AccountDisabled
	AccountDeleted
	RESTKick
	SigEnded // its UserSig has ended

	numReasons = iota // a new one stands above
)

// A Notice tells a client that its session is over.
type Notice struct {
	Session  uint64
	Platform rollcall.Platform // the session's own
	Reason   Reason
	Code     imcode.Code // what the client reports with it; 0: none
	At       time.Time
	By       By
	Expired  bool // raise onUserSigExpired, not onKickedOffline
}

// notice is what the client of the kicked session is told.
func (k Kick) notice(r Rules) Notice {
	n := Notice{Session: k.Session, Platform: k.Platform, Reason: k.Reason, At: k.At, By: k.By}
	switch k.Reason {
	case RESTKick:
		n.Expired = !r.RESTKickAsKick
	case AccountDisabled:
		n.Code = imcode.AccountDisabled
	default:
	}
	return n
}

// kick ends session x for the reason: it leaves a kick row, a notice and a
// history row.
func (d *decision) kick(x Session, reason Reason, by By) {
	d.remove(x)
	row := Kick{
		Session: x.Number, Device: x.Device, Platform: x.Platform,
		Reason: reason, By: by, At: d.now, Secret: x.Secret,
	}
	d.State.Kicks = append(d.State.Kicks, row)
	d.Ended = append(d.Ended, Ended{Session: x, Kind: EventKicked, Notice: row.notice(d.rules)})
	d.record(Event{
		Kind: EventKicked, Session: x.Number, Device: x.Device, DeviceName: x.DeviceName,
		Platform: x.Platform, Address: x.Address, Reason: reason, By: by, Connected: d.connected(&x),
	})
}

// old tells whether the row has been there for so long that it says nothing
// any more.
func (k Kick) old(now time.Time) bool { return now.Sub(k.At) > KickRowLife }

// kickRow finds the row of a session.
func (d *decision) kickRow(session uint64) (Kick, bool) {
	for _, k := range d.State.Kicks {
		if k.Session == session && !k.old(d.now) {
			return k, true
		}
	}
	return Kick{}, false
}

// dropKick removes the row of a session, if there is one.
func (d *decision) dropKick(session uint64) {
	d.State.Kicks = slices.DeleteFunc(d.State.Kicks, func(k Kick) bool { return k.Session == session })
}

// dropSeen removes the row of a session whose client says that it knows, if it
// proves to be that client: others of the account may not hide what it was not told.
// A secret used twice has other holders, who prove as much: its row stays for them.
func (d *decision) dropSeen(session uint64, q Login) {
	if k, found := d.kickRow(session); found && k.Reason != SecretUsedTwice && q.proves(k.Secret) {
		d.dropKick(session)
	}
}

// boundKicks drops rows above the bound: first those that an account's logins
// make by themselves, whatever devices they name, last the acts of operators; of
// these the oldest.
func (d *decision) boundKicks() {
	rows := d.State.Kicks
	if len(rows) <= MinKickRows {
		return
	}
	room := max(MinKickRows, d.rules.admits())
	for len(rows) > room {
		least := 0
		for i, k := range rows {
			if k.Reason.weight() < rows[least].Reason.weight() {
				least = i
			}
		}
		rows = slices.Delete(rows, least, least+1)
	}
	d.State.Kicks = rows
}

// weight orders reasons by who can bring them about, and how easily.
func (r Reason) weight() int {
	switch r {
	case NewerLogin:
		return 0
	case SameDeviceElsewhere:
		return 1
	case SignedOutElsewhere, SecretUsedTwice:
		return 2
	default:
		return 3
	}
}

// admits is the most sessions that the policy lets an account have.
func (r Rules) admits() int {
	best := map[uint8]int{}
	for p := range NumPlatforms {
		best[r.Group[p]] = max(best[r.Group[p]], r.Limit[p])
	}
	sum := 0
	for _, n := range best {
		sum += n
	}
	return sum
}

// Meets says what a client gets whose last session left kick row k, when it
// comes back by itself (resume, automatic login). LogInAgain means: nothing
// stands in the way of a new login with a good UserSig.
func (s State) Meets(k Kick, r Rules) (Answer, Notice) {
	if s.Disabled {
		k = Kick{Session: k.Session, Platform: k.Platform, Reason: AccountDisabled, At: k.At}
	}
	n := k.notice(r)
	if k.Reason != NewerLogin {
		return Told, n
	}
	if !r.TellKickedOnReconnect || k.Platform == rollcall.Web {
		return LogInAgain, Notice{}
	}
	n.Code = imcode.KickedOffByOther
	return Told, n
}

// An Acknowledge request says that the notice of a session reached its client,
// on a connection that proved the session.
type Acknowledge struct {
	Now     time.Time
	Session uint64
}

// AcknowledgeKick drops the kick row that the client was told of. A secret used
// twice has other holders: its row stays for them.
func AcknowledgeKick(s State, q Acknowledge, r Rules) Outcome {
	d := decide(s, q.Now, r)
	d.sweep()
	if k, ok := d.kickRow(q.Session); ok && k.Reason != SecretUsedTwice {
		d.dropKick(q.Session)
	}
	return d.Outcome
}

func (r Reason) String() string {
	names := [...]string{
		Silently: "none", NewerLogin: "newer login", Operator: "operator", SignedOutElsewhere: "signed out elsewhere",
		PolicyApplied: "policy applied", SameDeviceElsewhere: "same device elsewhere", SecretUsedTwice: "secret used twice",
		AccountDisabled: "account disabled", AccountDeleted: "account deleted", RESTKick: "REST kick", SigEnded: "UserSig ended",
	}
	if int(r) < len(names) {
		return names[r]
	}
	return "unknown"
}
