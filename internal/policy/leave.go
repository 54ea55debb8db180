package policy

import (
	"slices"
	"time"

	"rollcall.example"
)

// A Logout ends the session that its fixed half names.
type Logout struct {
	Now    time.Time
	Device rollcall.DeviceID
	Fixed  Hash
	Try    uint64
	Signed bool // a UserSig with a good signature came along
}

// LogOut carries out a logout whatever its try number, and raises that, so that
// a login of the same attempt that is served later changes nothing. Unknown:
// neither the fixed half nor a UserSig proved it; nothing changed.
func LogOut(before State, q Logout, r Rules) Outcome {
	d := decide(before, q.Now, r)
	if !q.Signed && !before.knows(q.Fixed) {
		return d.answer(Unknown)
	}
	d.sweep()
	if x, ok := d.State.session(func(x *Session) bool { return x.Secret.Fixed.is(q.Fixed) }); ok {
		d.remove(x)
		d.Session = x
		d.Ended = append(d.Ended, Ended{Session: x, Kind: EventLogout})
		d.recordOf(x, EventLogout, 0)
	}
	d.State.Kicks = slices.DeleteFunc(d.State.Kicks, func(k Kick) bool { return k.Secret.Fixed.is(q.Fixed) })
	d.raise(q.Device, q.Try)
	return d.answer(Granted)
}

// knows tells whether the fixed half is that of a session, of a kick row, or of
// an attempt that a device last had granted.
func (s State) knows(fixed Hash) bool {
	return slices.ContainsFunc(s.Sessions, func(x Session) bool { return x.Secret.Fixed.is(fixed) }) ||
		slices.ContainsFunc(s.Kicks, func(k Kick) bool { return k.Secret.Fixed.is(fixed) }) ||
		slices.ContainsFunc(s.Tries, func(t Try) bool { return t.Fixed.is(fixed) })
}

// A Disconnect says that connection Conn of session Session is gone.
type Disconnect struct {
	Now     time.Time
	Session uint64
	Conn    uint64
}

// Disconnected makes a session away. It counts only for the session's highest
// connection.
func Disconnected(before State, q Disconnect, r Rules) Outcome {
	d := decide(before, q.Now, r)
	d.sweep()
	x, found := d.State.session(numbered(q.Session))
	if !found || x.Conn != q.Conn || x.Node == "" {
		return d.Outcome
	}
	x.Node, x.Away = "", q.Now
	d.put(x)
	d.Session = x
	d.recordOf(x, EventAway, foldReturns)
	return d.answer(Granted)
}

// Expire ends what time alone ends.
func Expire(before State, now time.Time, r Rules) Outcome {
	d := decide(before, now, r)
	d.sweep()
	d.boundKicks()
	return d.Outcome
}

// sweep ends sessions whose UserSig is over, or that were away for too long,
// whichever came first, and drops kick rows that are too old. Every rule does it
// as soon as its request has proved something, so that what an app sees never
// depends on when the last sweep was.
func (d *decision) sweep() {
	var due []Session
	for i := range d.State.Sessions {
		if x := &d.State.Sessions[i]; !d.now.Before(x.Due()) {
			due = append(due, *x)
		}
	}
	for _, x := range due {
		if x.Due().Unix() > x.SigEnds {
			d.endExpired(x)
		} else {
			d.remove(x)
			d.Ended = append(d.Ended, Ended{Session: x, Kind: EventLapsed})
			d.recordOf(x, EventLapsed, 0)
		}
	}
	d.State.Kicks = slices.DeleteFunc(d.State.Kicks, func(k Kick) bool { return k.old(d.now) })
}

func (d *decision) endExpired(x Session) {
	d.remove(x)
	n := Notice{Session: x.Number, Platform: x.Platform, Reason: SigEnded, At: time.Unix(x.SigEnds+1, 0).UTC(), Expired: true}
	d.Ended = append(d.Ended, Ended{Session: x, Kind: EventExpired, Notice: n})
	d.recordOf(x, EventExpired, 0)
}
