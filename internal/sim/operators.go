package sim

import (
	"maps"
	"reflect"
	"slices"

	"rollcall.example/internal/policy"
)

// operate lets somebody act on the account: an operator, or its user on one of
// the other devices.
func (w *world) operate() {
	if !w.operators || !w.accounts[0].state.Exists() {
		return
	}
	operations[w.rand.IntN(len(operations))](w)
}

var operations = []func(*world){
	(*world).kickSome, (*world).kickSome, (*world).signOut, (*world).signOut,
	(*world).revoke, (*world).disable, (*world).enable, (*world).deleteAccount, (*world).apply,
}

// act carries the account to a rule that ends sessions for the reason.
func (w *world) act(what string, reason policy.Reason, rule func(policy.State) policy.Outcome) policy.Outcome {
	w.sayf("somebody acts on alice: %s", what)
	w.acting = reason
	out := w.mutate(0, nil, nil, rule)
	w.acting = policy.Silently
	return out
}

// covers tells which sessions an act is about, as the target should.
func covers(t policy.Target, x policy.Session) bool {
	switch {
	case t.Session != 0:
		return x.Number == t.Session
	case t.Device != "":
		return x.Device == t.Device
	case t.Platform != nil:
		return x.Platform == *t.Platform
	default:
		return true
	}
}

func (w *world) kickSome() {
	var t policy.Target
	d := w.devices[w.rand.IntN(len(w.devices))]
	switch w.rand.IntN(4) {
	case 0:
		t.Session = w.rand.Uint64N(w.accounts[0].state.Counter + 1)
	case 1:
		t.Device = d.id
	case 2:
		t.Platform = &d.platform
	default:
	}
	q := policy.OperatorKick{Now: w.now, Lost: w.lost(0), Target: t, Operator: "o"}
	out := w.act("kick", policy.Operator, func(s policy.State) policy.Outcome { return policy.KickSessions(s, q, w.rules) })
	for _, x := range out.State.Sessions {
		if covers(t, x) {
			w.breaksf("a kick ends what it is about", "session %d is still in", x.Number)
		}
	}
	for _, e := range out.Ended {
		if e.Kind == policy.EventKicked && !covers(t, e.Session) {
			w.breaksf("a kick ends what it is about", "session %d went as well", e.Session.Number)
		}
	}
}

// signOut is a request of a device that is in.
func (w *world) signOut() {
	l := pick(w, w.links, func(l *link) bool {
		return l.heard && l.told == nil && l.place.session != 0 && l.place.account == 0 && l.seat != nil && l.seat.phase == serving
	})
	if l == nil {
		return
	}
	q := policy.SignOut{Now: w.now, Lost: w.lost(0), Session: l.place.session, Sigs: w.rarely(4)}
	if w.rarely(2) {
		q.Target = 1 + w.rand.Uint64N(w.accounts[0].state.Counter)
	}
	out := w.act("sign-out by one of its sessions", policy.SignedOutElsewhere, func(s policy.State) policy.Outcome {
		return policy.SignOutSessions(s, q, w.rules)
	})
	in := slices.ContainsFunc(out.State.Sessions, func(x policy.Session) bool { return x.Number == q.Session })
	if out.Answer == policy.Granted && !in {
		w.breaksf("who signs others out stays", "session %d did not", q.Session)
	}
}

func (w *world) revoke() {
	q := policy.Revoke{Now: w.now, Lost: w.lost(0), Operator: "o"}
	out := w.act("REST kick", policy.RESTKick, func(s policy.State) policy.Outcome { return policy.RevokeSigs(s, q, w.rules) })
	if len(out.State.Sessions) > 0 || out.State.ValidFrom < w.now.Unix() || out.State.ValidFrom <= out.State.HighestSigTime {
		w.breaksf("a REST kick leaves nobody in and no UserSig good", "%+v", out.State)
	}
	w.accounts[0].rest = w.accounts[0].state.Counter
	for _, f := range w.accounts[0].facts { // its reason is that of all kick rows
		if f.kind == policy.EventKicked {
			f.reason = policy.RESTKick
		}
	}
}

func (w *world) disable() {
	q := policy.Disable{Now: w.now, Lost: w.lost(0), Disabled: true, Operator: "o"}
	out := w.act("disable", policy.AccountDisabled, func(s policy.State) policy.Outcome { return policy.SetDisabled(s, q, w.rules) })
	if len(out.State.Sessions) > 0 {
		w.breaksf("nobody is in to a disabled account", "%v are", numbers(out.State.Sessions))
	}
}

func (w *world) enable() {
	q := policy.Disable{Now: w.now, Lost: w.lost(0), Operator: "o"}
	w.act("enable", policy.Silently, func(s policy.State) policy.Outcome { return policy.SetDisabled(s, q, w.rules) })
}

func (w *world) deleteAccount() {
	q := policy.Delete{Now: w.now, Lost: w.lost(0), Operator: "o"}
	w.act("delete", policy.AccountDeleted, func(s policy.State) policy.Outcome { return policy.DeleteAccount(s, q, w.rules) })
}

// apply puts the policy in force; a second time it changes nothing.
func (w *world) apply() {
	q := policy.Apply{Now: w.now, Lost: w.lost(0), Operator: "o"}
	rule := func(s policy.State) policy.Outcome { return policy.ApplyPolicy(s, q, w.rules) }
	stay := w.winners(w.accounts[0].state)
	out := w.act("apply the policy", policy.PolicyApplied, rule)
	for _, n := range stay {
		if n != 0 && !slices.Contains(numbers(out.State.Sessions), n) {
			w.breaksf("a policy applied leaves the newest connected one", "session %d went", n)
		}
	}
	again := rule(out.State)
	if len(again.Ended)+len(again.Events) > 0 || !reflect.DeepEqual(again.State, out.State) {
		w.breaksf("applying twice changes nothing", "%+v, then %+v", out.State, again.State)
	}
	var count [policy.NumPlatforms]int
	for _, x := range out.State.Sessions {
		count[x.Platform]++
		for _, o := range out.State.Sessions {
			if o.Platform != x.Platform && w.rules.Group[o.Platform] == w.rules.Group[x.Platform] {
				w.breaksf("a policy applied is in force", "%s and %s are both in", o.Platform, x.Platform)
			}
		}
		if count[x.Platform] > w.rules.Limit[x.Platform] {
			w.breaksf("a policy applied is in force", "%d are in on %s", count[x.Platform], x.Platform)
		}
	}
}

// winners are the sessions that stay when the policy is applied: of each group
// the newest that is connected, or the newest.
func (w *world) winners(s policy.State) map[uint8]uint64 {
	newest, connected := map[uint8]uint64{}, map[uint8]uint64{}
	for _, x := range s.Sessions {
		if !w.now.Before(x.Due()) {
			continue
		}
		g := w.rules.Group[x.Platform]
		newest[g] = x.Number
		if w.isConnected(0, x) {
			connected[g] = x.Number
		}
	}
	maps.Copy(newest, connected)
	return newest
}
