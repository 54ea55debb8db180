package policy

import (
	"slices"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
)

// A Target says which sessions of an account an act is about. The zero value is
// all of them; what is set narrows it.
type Target struct {
	Session  uint64             // the one with this number
	Device   rollcall.DeviceID  // that of this device
	Platform *rollcall.Platform // those on this platform
	Except   uint64             // not the one with this number
}

func (t Target) covers(number uint64, device rollcall.DeviceID, platform rollcall.Platform) bool {
	return (t.Session == 0 || t.Session == number) && (t.Device == "" || t.Device == device) &&
		(t.Platform == nil || *t.Platform == platform) && (t.Except == 0 || t.Except != number)
}

// An OperatorKick ends sessions because an operator wants it.
type OperatorKick struct {
	Now      time.Time
	Lost     []Lost
	Target   Target
	Operator string
}

// KickSessions ends the sessions of the target. Their UserSigs stay good: whoever
// is to stay out needs RevokeSigs or SetDisabled as well.
func KickSessions(before State, q OperatorKick, r Rules) Outcome {
	d, known := decideOn(before, q.Now, q.Lost, r)
	if !known {
		return d.refuseUnknown(before)
	}
	d.end(q.Target, Operator, By{Operator: q.Operator})
	return d.answer(Granted)
}

// A SignOut ends other sessions because the user of session Session wants it.
type SignOut struct {
	Now     time.Time
	Lost    []Lost
	Session uint64 // that asks
	Target  uint64 // the session to end; 0: all but the one that asks
	Sigs    bool   // revoke all UserSigs made until now as well
}

// SignOutSessions ends another session of the account, or all others. The one
// that asks lives on, and with Sigs takes a new UserSig at its next renewal or
// login. Until then it signs out nobody any more: whoever stole a session could
// otherwise keep its owner out for ever.
func SignOutSessions(before State, q SignOut, r Rules) Outcome {
	d, _ := decideOn(before, q.Now, q.Lost, r)
	asking, found := d.State.session(numbered(q.Session))
	if !found {
		return d.refuse(before, imcode.AuthInvalid, "the session that asks has ended")
	}
	if q.Target == q.Session {
		return d.refuse(before, imcode.InvalidParameters, "a session signs out others: to end itself it logs out")
	}
	target := Target{Session: q.Target, Except: q.Session}
	if q.Target != 0 && !d.holds(target) {
		return d.refuse(before, imcode.InvalidParameters, "the account has no such session")
	}
	if asking.SigTime < d.State.ValidFrom {
		if d.holds(target) {
			return d.refuse(before, imcode.UserSigExpired, "this session's own UserSig was revoked: renew it, then sign out others")
		}
		return d.grantQuietly(asking) // what it asks for is so already
	}
	by := By{Session: asking.Number, Platform: asking.Platform, DeviceName: asking.DeviceName}
	d.end(target, SignedOutElsewhere, by)
	if q.Sigs {
		d.revoke(d.leastValidFrom(), SignedOutElsewhere, by)
	}
	return d.grantQuietly(asking)
}

// holds tells whether the target covers a session that is in, or one that was
// evicted and may come back by itself.
func (d *decision) holds(t Target) bool {
	return slices.ContainsFunc(d.State.Sessions, func(x Session) bool { return t.covers(x.Number, x.Device, x.Platform) }) ||
		slices.ContainsFunc(d.State.Kicks, func(k Kick) bool {
			return k.Reason == NewerLogin && !k.old(d.now) && t.covers(k.Session, k.Device, k.Platform)
		})
}

// A Revoke makes all UserSigs of an account worthless that were made before a
// moment: the vendor's kick, here REST kick.
type Revoke struct {
	Now       time.Time
	Lost      []Lost
	ValidFrom int64 // the least TLS.time that stays good; 0: the earliest that leaves none alive
	Operator  string
}

// RevokeSigs raises the account's ValidFrom, which the outcome's State tells, and
// ends all its sessions.
func RevokeSigs(before State, q Revoke, r Rules) Outcome {
	d, known := decideOn(before, q.Now, q.Lost, r)
	if !known {
		return d.refuseUnknown(before)
	}
	from := d.leastValidFrom()
	if q.ValidFrom != 0 {
		least := max(d.State.HighestSigTime+1, d.State.ValidFrom)
		if q.ValidFrom < least || q.ValidFrom > q.Now.Unix()+FutureSkew {
			return d.refuse(before, imcode.InvalidParameters, "ValidFrom: want one above the newest UserSig that was accepted, and at most 300 s from now")
		}
		from = q.ValidFrom
	}
	by := By{Operator: q.Operator}
	d.end(Target{}, RESTKick, by)
	d.revoke(from, RESTKick, by)
	d.State.RESTKickCounter = d.State.Counter
	return d.answer(Granted)
}

// leastValidFrom is the earliest ValidFrom from which no UserSig is good that
// was ever accepted. It never goes back: that would raise dead ones.
func (d *decision) leastValidFrom() int64 {
	return max(d.now.Unix(), d.State.HighestSigTime+1, d.State.ValidFrom)
}

func (d *decision) revoke(from int64, why Reason, by By) {
	d.State.ValidFrom = from
	d.record(Event{Kind: EventRevoked, Reason: why, By: by})
}

// A Disable shuts an account out, or lets it in again.
type Disable struct {
	Now      time.Time
	Lost     []Lost
	Disabled bool
	Operator string
}

// SetDisabled disables an account and ends its sessions, or enables it. What it
// is already it stays, without a word.
func SetDisabled(before State, q Disable, r Rules) Outcome {
	d, known := decideOn(before, q.Now, q.Lost, r)
	if !known {
		return d.refuseUnknown(before)
	}
	by := By{Operator: q.Operator}
	switch {
	case q.Disabled == before.Disabled:
	case q.Disabled:
		d.record(Event{Kind: EventDisabled, By: by})
		d.State.Disabled = true
	default:
		d.record(Event{Kind: EventEnabled, By: by})
		d.State.Disabled = false
	}
	if q.Disabled {
		d.end(Target{}, AccountDisabled, by)
	}
	return d.answer(Granted)
}

// A Delete forgets an account.
type Delete struct {
	Now      time.Time
	Lost     []Lost
	Operator string
}

// DeleteAccount ends all sessions of the account and makes it unknown: its next
// login signs it up anew, also if it was disabled. All else stays, so that old
// clients and old UserSigs can do no harm and nobody is counted twice: session
// counter, kick rows, try numbers, ValidFrom, the last day it came online.
func DeleteAccount(before State, q Delete, r Rules) Outcome {
	d, known := decideOn(before, q.Now, q.Lost, r)
	if !known {
		return d.refuseUnknown(before)
	}
	by := By{Operator: q.Operator}
	d.end(Target{}, AccountDeleted, by)
	d.record(Event{Kind: EventDeleted, By: by})
	d.State.Created, d.State.Disabled = time.Time{}, false
	return d.answer(Granted)
}

// decideOn begins an act on an account; false: nobody has signed up.
func decideOn(before State, now time.Time, lost []Lost, r Rules) (decision, bool) {
	d := decide(before, now, r)
	d.lost = lost
	d.sweep()
	return d, before.Exists()
}

func (d *decision) refuseUnknown(before State) Outcome {
	return d.refuse(before, imcode.AccountNotFound, "the app has no such account")
}

// end kicks the sessions of the target, and keeps out earlier evictions that it
// covers.
func (d *decision) end(t Target, reason Reason, by By) {
	for _, x := range slices.Clone(d.State.Sessions) {
		if t.covers(x.Number, x.Device, x.Platform) {
			d.kick(x, reason, by)
		}
	}
	d.keepOut(reason, func(k Kick) (By, bool) { return by, t.covers(k.Session, k.Device, k.Platform) })
	d.boundKicks()
}

// keepOut gives an act's reason to the rows of earlier evictions that it covers:
// such a device would come back by itself otherwise, as if nothing had been done.
// A REST kick gives its own to all rows, since it is the UserSigs that are over.
func (d *decision) keepOut(reason Reason, covered func(Kick) (By, bool)) {
	var rows, kept []Kick
	for _, k := range d.State.Kicks {
		by, ok := covered(k)
		if !ok || k.Reason == reason || k.Reason != NewerLogin && reason != RESTKick {
			rows = append(rows, k)
			continue
		}
		if k.Reason == NewerLogin {
			d.record(Event{
				Kind: EventKeptOut, Session: k.Session, Device: k.Device, Platform: k.Platform, Reason: reason, By: by,
			})
		}
		k.Reason, k.By, k.At = reason, by, d.now
		kept = append(kept, k)
	}
	d.State.Kicks = slices.Concat(rows, kept)
}
