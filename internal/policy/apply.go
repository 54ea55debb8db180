package policy

import (
	"slices"
	"time"
)

// An Apply puts the policy in force for those who are logged in already.
type Apply struct {
	Now      time.Time
	Lost     []Lost
	Operator string
}

// ApplyPolicy ends what the rules leave no room for, in each group as if its
// newest connected session logged in just now (where none is connected: its
// newest). Applied twice it changes nothing. A preview of a policy is this rule
// with that policy's Rules, its outcome thrown away.
func ApplyPolicy(before State, q Apply, r Rules) Outcome {
	d, _ := decideOn(before, q.Now, q.Lost, r)
	for _, w := range d.winners() {
		by := By{Session: w.Number, Platform: w.Platform, DeviceName: w.DeviceName, Operator: q.Operator}
		others := slices.DeleteFunc(slices.Clone(d.State.Sessions), func(x Session) bool { return x.Number == w.Number })
		for _, e := range evicted(others, w.Platform, &d.rules, d.connected) {
			d.evict(e, PolicyApplied, by)
		}
	}
	d.keepOut(PolicyApplied, func(k Kick) (By, bool) {
		in := evicted(d.State.Sessions, k.Platform, &d.rules, d.connected)
		if len(in) == 0 { // there is room for it: it may come back
			return By{}, false
		}
		last := in[len(in)-1]
		x, _ := d.State.session(numbered(last.session))
		by := By{Session: x.Number, Platform: x.Platform, DeviceName: x.DeviceName, Operator: q.Operator}
		return by.under(last.rule, d.rules), true
	})
	d.boundKicks()
	return d.answer(Granted)
}

// winners are the sessions that stay, one of each group, earliest first.
func (d *decision) winners() []Session {
	best := map[uint8]Session{}
	for _, x := range d.State.Sessions { // by number
		group := d.rules.Group[x.Platform]
		if w, found := best[group]; !found || d.connected(&x) || !d.connected(&w) {
			best[group] = x
		}
	}
	var out []Session
	for _, x := range d.State.Sessions {
		if best[d.rules.Group[x.Platform]].Number == x.Number {
			out = append(out, x)
		}
	}
	return out
}
