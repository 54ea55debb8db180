package policy

import (
	"fmt"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
)

// A Login is a login request whose UserSig carries a good signature.
type Login struct {
	Now         time.Time
	Node        string // who asks, and serves the connection if granted
	Lost        []Lost // connections of the account that this node knows to be gone
	Device      rollcall.DeviceID
	DeviceName  string
	Platform    rollcall.Platform
	Address     string
	SigTime     int64
	SigEnds     int64
	Automatic   bool // by the SDK itself, not by a login() call
	Try         uint64
	Fixed       Hash // hash of the hash of the attempt's fixed half
	Changing    Hash // hash of the first changing half
	LastSession uint64
	KickSeen    uint64
	Proofs      []Hash // hashes of the proofs offered
}

// proves tells whether who asks held the secret: as its attempt's, or as a proof.
func (q Login) proves(s Secret) bool {
	found := s.Fixed.is(q.Fixed)
	for _, p := range q.Proofs {
		found = found || s.Fixed.is(p) || s.Present.is(p) || s.Before.is(p)
	}
	return found
}

// LogIn judges a login; TestOrderOfLogin spells out in which order.
func LogIn(before State, q Login, r Rules) Outcome {
	d := decide(before, q.Now, r)
	d.node, d.lost = q.Node, q.Lost
	d.sweep()
	if answer, ok := d.raise(q.Device, q.Try); !ok {
		return d.answer(answer)
	}
	if code, detail := d.judgeSig(q.SigTime, q.SigEnds); code != 0 {
		return d.refuseLogin(before, q, code, detail)
	}
	d.State.HighestSigTime = max(d.State.HighestSigTime, q.SigTime)
	d.dropSeen(q.KickSeen, q)
	if o, done := d.sameAttempt(q); done {
		return o
	}
	if o, done := d.admit(before, q); done {
		return o
	}
	if o, done := d.meetKick(before, q); done {
		return o
	}
	d.replaceOwn(q)
	d.makeRoom(q)
	return d.begin(q)
}

// judgeSig judges the times of a UserSig. Code 0: it is good.
func (d *decision) judgeSig(sigTime, sigEnds int64) (imcode.Code, string) {
	s, now := d.State, d.now.Unix()
	switch {
	case sigTime > now+FutureSkew && sigTime > s.ValidFrom:
		return imcode.UserSigCheckFailed, fmt.Sprintf("the UserSig is dated %d s ahead: check your business server's clock", sigTime-now)
	case sigTime < s.ValidFrom && d.rules.RESTKickAsKick:
		return imcode.InvalidUserSig, "the UserSig was revoked: make a new one"
	case sigTime < s.ValidFrom:
		return imcode.UserSigExpired, "the UserSig was revoked: make a new one"
	case s.Disabled:
		return imcode.AccountDisabled, "the account is disabled"
	case now > sigEnds:
		return imcode.UserSigExpired, fmt.Sprintf("the UserSig ended %d s ago", now-sigEnds)
	}
	return 0, ""
}

func (d *decision) refuseLogin(before State, q Login, code imcode.Code, detail string) Outcome {
	d.record(Event{
		Kind: EventRefused, Device: q.Device, DeviceName: q.DeviceName, Platform: q.Platform,
		Address: q.Address, Code: code, Fold: foldRefusals,
	})
	return d.refuse(before, code, detail)
}

// sameAttempt answers a retry of an attempt that was granted before: with its
// session, never with a resurrection of it.
func (d *decision) sameAttempt(q Login) (Outcome, bool) {
	x, found := d.State.session(func(x *Session) bool { return x.Secret.Fixed.is(q.Fixed) })
	if found {
		if x.Device != q.Device || !x.Secret.Present.is(q.Changing) {
			return d.usedTwice(x), true
		}
		if q.SigEnds > x.SigEnds { // a renewal that came while the answer was lost
			x.SigTime, x.SigEnds = q.SigTime, q.SigEnds
		}
		return d.grant(d.connect(x, q.Address)), true
	}
	for i := range d.State.Kicks {
		if k := &d.State.Kicks[i]; k.Secret.Fixed.is(q.Fixed) {
			return d.endedAttempt(q, *k), true
		}
	}
	for i := range d.State.Tries {
		if d.State.Tries[i].Fixed.is(q.Fixed) {
			return d.answer(LogInAgain), true
		}
	}
	return Outcome{}, false
}

// endedAttempt answers a retry whose session left kick row k: an automatic
// login gets what a resume would get, a login() starts over.
func (d *decision) endedAttempt(q Login, k Kick) Outcome {
	if q.Automatic {
		if a, n := d.State.Meets(k, d.rules); a == Told {
			return d.tell(n, true)
		}
	}
	return d.answer(LogInAgain)
}

// usedTwice ends a session whose secret two clients hold; both are told.
func (d *decision) usedTwice(x Session) Outcome {
	d.Wrong = true
	d.kick(x, SecretUsedTwice, By{})
	d.boundKicks()
	return d.tell(d.Ended[len(d.Ended)-1].Notice, true)
}

// admit refuses a platform that the app does not admit, or that is not the one
// the device's session is on.
func (d *decision) admit(before State, q Login) (Outcome, bool) {
	if d.rules.Refused[q.Platform] {
		return d.refuseLogin(before, q, imcode.InvalidParameters, fmt.Sprintf("the app does not admit platform %s", q.Platform)), true
	}
	own, found := d.State.session(ofDevice(q.Device))
	if found && own.Platform != q.Platform {
		detail := fmt.Sprintf("the device is logged in as %s: a device keeps its platform", own.Platform)
		return d.refuseLogin(before, q, imcode.InvalidParameters, detail), true
	}
	return Outcome{}, false
}

// meetKick applies the switches to the kick row of the session that the device
// last had.
func (d *decision) meetKick(before State, q Login) (Outcome, bool) {
	k, found := d.kickRow(q.LastSession)
	if !found || k.Device != q.Device {
		return Outcome{}, false
	}
	switch {
	case k.Reason == RESTKick: // never stops a login
	case k.Session == q.KickSeen: // nor does what the app has heard of
	case q.Automatic:
		if a, n := d.State.Meets(k, d.rules); a == Told {
			return d.tell(n, q.proves(k.Secret)), true
		}
	case k.Reason == NewerLogin && d.rules.TellKickedOnLogin && k.Platform != rollcall.Web:
		d.Notice = k.notice(d.rules)
		d.Notice.Code = imcode.KickedOffByOther
		return d.refuseLogin(before, q, imcode.KickedOffByOther, d.Notice.Text()), true
	}
	d.dropSeen(k.Session, q)
	return Outcome{}, false
}

// replaceOwn ends the device's earlier session: silently if it proves to be the
// same client or the old one is not connected, with a kick otherwise.
func (d *decision) replaceOwn(q Login) {
	own, found := d.State.session(ofDevice(q.Device))
	if !found {
		return
	}
	if d.connected(&own) && !q.proves(own.Secret) {
		d.kick(own, SameDeviceElsewhere, By{})
		return
	}
	d.remove(own)
	d.Ended = append(d.Ended, Ended{Session: own, Kind: EventReplaced})
	d.recordOf(own, EventReplaced, 0)
}

// makeRoom evicts what the policy leaves no room for: every session on another
// platform of the group, then, above the platform's limit, those without a
// connection before those with one, each by lowest number.
func (d *decision) makeRoom(q Login) {
	by := By{Session: d.State.Counter + 1, Platform: q.Platform, DeviceName: q.DeviceName}
	for _, e := range evicted(d.State.Sessions, q.Platform, &d.rules, d.connected) {
		d.evict(e, NewerLogin, by)
	}
}

// under is b with the rule that left no room to a session on b's platform, or on
// another one of its group.
func (b By) under(rule Rule, r Rules) By {
	b.Rule = rule
	if rule == OverLimit {
		b.Limit = r.Limit[b.Platform]
	}
	return b
}

// An eviction is a session that has to go, and by which rule.
type eviction struct {
	session uint64
	rule    Rule
}

// evict kicks a session that has to go, by whom b names.
func (d *decision) evict(e eviction, reason Reason, b By) {
	if x, found := d.State.session(numbered(e.session)); found {
		d.kick(x, reason, b.under(e.rule, d.rules))
	}
}

// evicted lists, in order, who goes when one more session on platform p begins.
func evicted(sessions []Session, p rollcall.Platform, r *Rules, connected func(*Session) bool) []eviction {
	var out []eviction
	over := 1 - r.Limit[p]
	for i := range sessions {
		switch x := &sessions[i]; {
		case x.Platform == p:
			over++
		case r.Group[x.Platform] == r.Group[p]:
			out = append(out, eviction{x.Number, OtherPlatform})
		}
	}
	for _, live := range []bool{false, true} {
		for i := range sessions {
			if x := &sessions[i]; over > 0 && x.Platform == p && connected(x) == live {
				out = append(out, eviction{x.Number, OverLimit})
				over--
			}
		}
	}
	return out
}

// begin makes the new session.
func (d *decision) begin(q Login) Outcome {
	if !d.State.Exists() {
		d.State.Created = q.Now
		d.record(Event{Kind: EventSignedUp, Device: q.Device, DeviceName: q.DeviceName, Platform: q.Platform, Address: q.Address})
	}
	d.State.Counter++
	x := d.connect(Session{
		Number: d.State.Counter, Device: q.Device, DeviceName: q.DeviceName, Platform: q.Platform,
		Since: q.Now, SigTime: q.SigTime, SigEnds: q.SigEnds,
		Secret: Secret{Fixed: q.Fixed, Present: q.Changing},
	}, q.Address)
	d.remember(x)
	d.boundKicks()
	d.boundTries()
	d.recordOf(x, EventLogin, 0)
	return d.grant(x)
}
