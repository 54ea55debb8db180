package policy

import (
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
)

// A Resume brings session Session back on a new connection.
type Resume struct {
	Now     time.Time
	Node    string
	Lost    []Lost
	Session uint64
	Fixed   Hash // hash of the hash of the fixed half
	Present Hash // hash of the changing half in force
	Next    Hash // hash of the one that replaces it
	Try     uint64
	Web     bool // it comes from a web page, which may resume sessions of the Web only
	Address string
	Renewal *Renewal // a UserSig with a good signature that came along; or nil
}

// A Renewal is the times of a UserSig with a good signature.
type Renewal struct{ SigTime, SigEnds int64 }

// ResumeSession judges a resume; TestOrderOfResume spells out in which order. It
// never looks at the limits again.
func ResumeSession(before State, q Resume, r Rules) Outcome {
	d := decide(before, q.Now, r)
	d.node, d.lost = q.Node, q.Lost
	x, found := before.session(numbered(q.Session))
	if !found {
		return d.resumeGone(q)
	}
	if !x.Secret.Fixed.is(q.Fixed) {
		d.Wrong = true
		return d.answer(LogInAgain)
	}
	d.sweep()
	if q.Web && x.Platform != rollcall.Web {
		return d.refuse(before, imcode.InvalidParameters, "a web page may resume a session of the Web only")
	}
	for _, e := range d.Ended {
		switch {
		case e.Session.Number != x.Number:
		case e.Kind == EventExpired && q.Renewal == nil:
			return d.tell(e.Notice, true)
		default:
			return d.answer(LogInAgain)
		}
	}
	if d.State.Disabled {
		return d.tell(Kick{Session: x.Number, Platform: x.Platform, Reason: AccountDisabled, At: d.now}.notice(d.rules), true)
	}
	return d.step(x, q)
}

// resumeGone answers the resume of a session that is not there any more. What
// became of it is told only to who proves the fixed half.
func (d *decision) resumeGone(q Resume) Outcome {
	k, found := d.kickRow(q.Session)
	proved := found && k.Secret.Fixed.is(q.Fixed)
	d.Wrong = found && !proved
	if proved {
		if a, n := d.State.Meets(k, d.rules); a == Told {
			return d.tell(n, true)
		}
		return d.answer(LogInAgain)
	}
	if q.Session != 0 && q.Session <= d.State.RESTKickCounter {
		return d.tell(Kick{Session: q.Session, Reason: RESTKick, At: d.now}.notice(d.rules), false)
	}
	return d.answer(LogInAgain)
}

// step makes the secret's step, or answers the same step again.
func (d *decision) step(x Session, q Resume) Outcome {
	if answer, ok := d.raise(x.Device, q.Try); !ok {
		return d.answer(answer)
	}
	switch {
	case x.Secret.Present.is(q.Present):
		x.Secret.Before, x.Secret.Present = x.Secret.Present, q.Next
	case x.Secret.Before.is(q.Present) && x.Secret.Present.is(q.Next):
	default:
		return d.usedTwice(x)
	}
	if q.Renewal != nil {
		x, d.Renewal, d.Detail = d.renewed(x, *q.Renewal)
	}
	x = d.connect(x, q.Address)
	d.recordOf(x, EventResume, foldReturns)
	return d.grant(x)
}

// A Renew gives a connected session a new UserSig.
type Renew struct {
	Now     time.Time
	Session uint64
	Renewal
}

// RenewSig judges a renewal. Refused, the session keeps its UserSig.
func RenewSig(before State, q Renew, r Rules) Outcome {
	d := decide(before, q.Now, r)
	d.sweep()
	x, found := d.State.session(numbered(q.Session))
	if !found {
		return d.refuse(before, imcode.NotLoggedIn, "the session has ended")
	}
	x, code, detail := d.renewed(x, q.Renewal)
	if code != 0 {
		return d.refuse(before, code, detail)
	}
	d.put(x)
	return d.grantQuietly(x)
}

// grantQuietly grants what is not a coming online.
func (d *decision) grantQuietly(x Session) Outcome {
	d.Answer, d.Session = Granted, x
	return d.Outcome
}

// renewed is x with the new UserSig, or x and why not.
func (d *decision) renewed(x Session, n Renewal) (Session, imcode.Code, string) {
	code, detail := d.judgeSig(n.SigTime, n.SigEnds)
	if code == 0 && n.SigEnds < x.SigEnds && x.SigTime >= d.State.ValidFrom {
		code, detail = imcode.InvalidParameters, "the new UserSig ends sooner than the present one"
	}
	if code != 0 {
		d.record(Event{
			Kind: EventRefused, Session: x.Number, Device: x.Device, DeviceName: x.DeviceName,
			Platform: x.Platform, Address: x.Address, Code: code, Fold: foldRefusals,
		})
		return x, code, detail
	}
	x.SigTime, x.SigEnds = n.SigTime, n.SigEnds
	d.State.HighestSigTime = max(d.State.HighestSigTime, n.SigTime)
	return x, 0, ""
}
