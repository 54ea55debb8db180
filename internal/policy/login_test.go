package policy

import (
	"reflect"
	"slices"
	"testing"

	"rollcall.example"
	"rollcall.example/imcode"
)

// TestLimits: who goes when one more comes.
func TestLimits(t *testing.T) {
	triple := grouped(limits("a2 i1 d2 w3"), "aip dml w")
	for _, tt := range []struct {
		name  string
		rules Rules
		from  string
		in    Login
		want  string
	}{
		{"the first login", Multi(), "", login("a1"), "a1"},
		{"under multi, the other platforms stay", Multi(), "a1 i1 w1", login("m1"), "a1 i1 w1 m1"},
		{"under multi, one of each: the earlier goes", Multi(), "a1 i1", login("a2"), "a1!newer i1 a2"},
		{"whoever is away holds a place", Multi(), "a1-", login("a2"), "a1!newer a2"},
		{"unknown platforms together are one", Multi(), "o1", login("o2"), "o1!newer o2"},
		{"up to the number, all stay", triple, "a1 w1 w2", login("w3"), "a1 w1 w2 w3"},
		{"over the number, the lowest goes", triple, "a1 w1 a2", login("a3"), "a1!newer w1 a2 a3"},
		{"those without a connection first", triple, "a1 a2-", login("a3"), "a1 a2!newer a3"},
		{"of those without a connection, the lowest", triple, "w1 w2- w3-", login("w4"), "w1 w2!newer w3- w4"},
		{"nobody connected goes while fewer than the number are connected", triple, "w1 w2- w3", login("w4"), "w1 w2!newer w3 w4"},
		{"away on another platform of the group goes too", triple, "p1- a1", login("a2"), "p1!newer a1 a2"},
		{"another platform of the group goes, whatever the number", triple, "a1 a2 w1", login("i1"), "a1!newer a2!newer w1 i1"},
		{"the place that another platform leaves helps nobody", triple, "i1 a1 a2", login("a3"), "i1!newer a1!newer a2 a3"},
		{"another group is left alone", triple, "d1 d2 w1 w2 w3", login("a1"), "d1 d2 w1 w2 w3 a1"},
		{"over by far after a smaller number was set", Multi(), "a1 a2- a3", login("a4"), "a1!newer a2!newer a3!newer a4"},
		{"a connection that this node lost is none", triple, "a1 a2", login("a3", lost(2)), "a1 a2!newer a3"},
		{"the own device makes room itself", triple, "a1 a2", login("a1", proof("present 1")), "a2 a1"},
		{"the own device, kicked, makes room too", triple, "a1 a2", login("a1"), "a1!samedevice a2 a1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := account(tt.from)
			o := logIn(t, before, tt.in, tt.rules)
			check(t, o, said(Outcome{Answer: Granted, Session: Session{Number: before.Counter + 1}}), tt.want)
		})
	}
}

// TestEvictedInOrder: each eviction has its notice and its history row, in the
// order of the rule, with the winner and whether the loser was connected.
func TestEvictedInOrder(t *testing.T) {
	rules := grouped(limits("a2"), "aip")
	before := account("a1 i1 a2 a3- i2-")
	before.Sessions[0].Address, before.Sessions[0].DeviceName = "192.0.2.1", "Pixel"
	q := login("a4", lost(2))
	q.DeviceName = "Galaxy"
	o := logIn(t, before, q, rules)
	check(t, o, "granted 6", "a1!newer i1!newer a2 a3!newer i2!newer a4")

	var order []uint64
	for _, e := range o.Ended {
		order = append(order, e.Session.Number)
		if e.Kind != EventKicked || e.Notice.Reason != NewerLogin || e.Notice.Session != e.Session.Number {
			t.Errorf("session %d ended as %+v, want a notice of a newer login", e.Session.Number, e.Notice)
		}
	}
	if want := []uint64{2, 5, 4, 1}; !slices.Equal(order, want) {
		t.Errorf("went in order %v, want %v: the other platform, the away, the connected", order, want)
	}
	if got, want := happened(o), "kicked 2, kicked 5, kicked 4, kicked 1, login 6"; got != want {
		t.Errorf("history %q, want %q", got, want)
	}
	by := By{Session: 6, Platform: rollcall.Android, DeviceName: "Galaxy", Rule: OverLimit, Limit: 2}
	wantLast := Event{
		At: noon, Kind: EventKicked, Session: 1, Device: "a1", DeviceName: "Pixel", Platform: rollcall.Android,
		Address: "192.0.2.1", Reason: NewerLogin, By: by, Connected: true,
	}
	if got := o.Events[3]; got != wantLast {
		t.Errorf("history row %+v, want %+v", got, wantLast)
	}
	if got, want := o.Events[0].By, (By{Session: 6, Platform: rollcall.Android, DeviceName: "Galaxy", Rule: OtherPlatform}); got != want {
		t.Errorf("the session on another platform went by %+v, want %+v", got, want)
	}
	if o.Events[0].Connected || o.Events[1].Connected {
		t.Error("a session without a live connection stands in the history as connected")
	}
	if k := o.State.Kicks[3]; k.By != by || !k.At.Equal(noon) || k.Secret != before.Sessions[0].Secret {
		t.Errorf("kick row %+v, want the winner, the time and the session's secret in it", k)
	}
}

// TestSameDevice: one session per device.
func TestSameDevice(t *testing.T) {
	for _, tt := range []struct {
		name string
		from string
		in   Login
		want string
		rows string
	}{
		{"the same device with its present half replaces itself", "a1", login("a1", proof("present 1")), "a1", "replaced 1, login 2"},
		{"with the half before", "a1", login("a1", proof("before 1")), "a1", "replaced 1, login 2"},
		{"with the fixed half of an attempt whose answer was lost", "a1", login("a1", proof("fixed 1")), "a1", "replaced 1, login 2"},
		{"one good proof among others will do", "a1", login("a1", proof("x"), proof("present 1")), "a1", "replaced 1, login 2"},
		{"the same device without proof while live is kicked", "a1", login("a1"), "a1!samedevice a1", "kicked 1, login 2"},
		{"the secret of another device proves nothing", "a1 w1", login("a1", proof("present 2")), "a1!samedevice w1 a1", "kicked 1, login 3"},
		{"without proof while away is replaced silently", "a1-", login("a1"), "a1", "replaced 1, login 2"},
		{"without proof when this node lost its connection, too", "a1", login("a1", lost(1)), "a1", "replaced 1, login 2"},
		{"an equal device id on another platform is refused", "a1 w1", login("a1", on('w')), "a1 w1", "refused 70402"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := logIn(t, account(tt.from), tt.in, Multi())
			if got := show(o.State); got != tt.want {
				t.Errorf("sessions %q, want %q", got, tt.want)
			}
			if got := happened(o); got != tt.rows {
				t.Errorf("history %q, want %q", got, tt.rows)
			}
		})
	}
}

// TestZeroHashProvesNothing: a session without a half before cannot be proved
// by an empty hash.
func TestZeroHashProvesNothing(t *testing.T) {
	before := account("a1")
	before.Sessions[0].Secret.Before = Hash{}
	q := login("a1")
	q.Proofs = []Hash{{}}
	check(t, logIn(t, before, q, Multi()), "granted 2", "a1!samedevice a1")
}

// TestSameAttempt: the same fixed half gets the same session again.
func TestSameAttempt(t *testing.T) {
	for _, tt := range []struct {
		name, from string
		in         Login
		answer     string
		want       string
	}{
		{"the same session and place", "a1 w1", login("a1", again(1)), "granted 1", "a1 w1"},
		{"also when it is away by now", "a1- w1", login("a1", again(1)), "granted 1", "a1 w1"},
		{"an automatic login as well", "a1", login("a1", again(1), auto), "granted 1", "a1"},
		{"ended and gone: log in again", "a1!newer", login("a1", again(1), seen(1)), "log in again", ""},
		{"evicted meanwhile: a login() starts over", "a1!newer a2", login("a1", again(1)), "log in again", "a1!newer a2"},
		{"kicked by an operator: a login() starts over", "a1!operator", login("a1", again(1)), "log in again", "a1!operator"},
		{"evicted, automatic, both switches off: what a resume would get", "a1!newer a2", login("a1", again(1), auto), "log in again", "a1!newer a2"},
		{"kicked by an operator, automatic: the notice", "a1!operator", login("a1", again(1), auto), "told 1 operator", "a1!operator"},
		{"with another first half: the secret is used twice", "a1 w1", login("a1", again(1), first("x")), "told 1 twice", "a1!twice w1"},
		{"with the first half after a step was made: used twice", "a1", login("a1", again(1), first("before 1")), "told 1 twice", "a1!twice"},
		{"from another device: used twice", "a1", login("a2", again(1)), "told 1 twice", "a1!twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check(t, logIn(t, account(tt.from), tt.in, Multi()), tt.answer, tt.want)
		})
	}
}

func first(of string) change { return func(q *Login) { q.Changing = hash("%s", of) } }

// TestSameAttemptAfterLogout: a logged-out session is not raised from the dead
// by a repetition of its attempt.
func TestSameAttemptAfterLogout(t *testing.T) {
	in := login("a1", attempt(1))
	s := logIn(t, State{}, in, Multi()).State
	s = logOut(t, s, Logout{Now: noon, Device: "a1", Fixed: in.Fixed, Try: 12}, Multi()).State
	for _, by := range []change{auto, func(*Login) {}} {
		check(t, logIn(t, s, login("a1", attempt(1), try(13), by), Multi()), "log in again", "")
	}
}

// TestSameAttemptLeavesNoTrace: no second history row, no second usage row, a
// higher connection; the UserSig may be a newer one.
func TestSameAttemptLeavesNoTrace(t *testing.T) {
	o := logIn(t, account("a1-"), login("a1", again(1), sig(5, 1_000_000_000)), Multi())
	x := o.Session
	if x.Conn != 2 || x.Node != "n" || !x.Away.IsZero() || len(o.Events) != 0 || len(o.Ended) != 0 {
		t.Errorf("a repetition made %+v, events %q", x, happened(o))
	}
	if o.State.ActiveDay != 20261123 {
		t.Errorf("active day %d", o.State.ActiveDay)
	}
	if x.SigTime != noon.Unix()+5 || x.SigEnds != noon.Unix()+1_000_000_000 || o.State.HighestSigTime != noon.Unix()+5 {
		t.Errorf("a newer UserSig in the repetition was not taken: %d to %d", x.SigTime, x.SigEnds)
	}
	o = logIn(t, o.State, login("a1", again(1), try(12)), Multi())
	if o.Session.SigEnds != noon.Unix()+1_000_000_000 {
		t.Error("an older UserSig in a repetition shortened the session")
	}
}

// TestOrderOfLogin mends what is wrong with a login one by one: each time the
// next judgement shows.
func TestOrderOfLogin(t *testing.T) {
	s := account("a1!operator i1 a2 a3 a4!operator a5")
	s.Sessions[3].Device, s.Sessions[3].Platform = "a1", rollcall.Web // session 6: the device as Web
	s.Disabled, s.ValidFrom = true, noon.Unix()
	rules := grouped(limits("a2"), "ai")
	rules.Refused[rollcall.Android], rules.RESTKickAsKick = true, true
	q := login("a1", try(10), sig(301, -1), again(5), auto, last(1))

	for _, step := range []struct {
		mended string
		mend   func()
		answer string
	}{
		{"nothing", func() {}, "stale 10"},
		{"the try number", func() { q.Try = 11 }, "refused 70003"},
		{"dated too far ahead", func() { q.SigTime = noon.Unix() - 1 }, "refused 70052"},
		{"revoked", func() { q.SigTime = noon.Unix() }, "refused 70051"},
		{"disabled", func() { s.Disabled = false }, "refused 70001"},
		{"the UserSig's end", func() { q.SigEnds = noon.Unix() }, "told 5 operator"},
		{"the attempt's kick is seen", func() { q.KickSeen = 5 }, "log in again"},
		{"a new attempt", func() { q.Fixed = hash("fixed new") }, "refused 70402"},
		{"the platform admitted", func() { rules.Refused[rollcall.Android] = false }, "refused 70402"},
		{"the device's own platform", func() { s.Sessions[3].Platform = rollcall.Android }, "told 1 operator"},
		{"the kick row", func() { q.KickSeen = 1 }, "granted 7"},
	} {
		step.mend()
		if got := said(logIn(t, s, q, rules)); got != step.answer {
			t.Fatalf("after mending %s: %q, want %q", step.mended, got, step.answer)
		}
	}
	o := logIn(t, s, q, rules)
	if got, want := happened(o), "kicked 6, kicked 2, kicked 3, login 7"; got != want {
		t.Errorf("history %q, want %q: own device, group, number", got, want)
	}
}

// TestSigTimes: the UserSig's times, to the second.
func TestSigTimes(t *testing.T) {
	for _, tt := range []struct {
		name      string
		in        Login
		validFrom int // seconds from noon
		answer    string
	}{
		{"300 s ahead is accepted", login("a1", sig(300, 9999)), -1, "granted 1"},
		{"301 s ahead is not", login("a1", sig(301, 9999)), -1, "refused 70003"},
		{"ahead, but no later than valid_from, is accepted", login("a1", sig(400, 9999)), 400, "granted 1"},
		{"ahead and later than valid_from is not", login("a1", sig(401, 9999)), 400, "refused 70003"},
		{"before valid_from is revoked", login("a1", sig(-2, 9999)), -1, "refused 70001"},
		{"at valid_from is good", login("a1", sig(-1, 9999)), -1, "granted 1"},
		{"the last good second", login("a1", sig(-1, 0)), -1, "granted 1"},
		{"one second later", login("a1", sig(-1, -1)), -1, "refused 70001"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := State{Created: noon, ValidFrom: noon.Unix() + int64(tt.validFrom)}
			if got := said(logIn(t, s, tt.in, Multi())); got != tt.answer {
				t.Errorf("answer %q, want %q", got, tt.answer)
			}
		})
	}
}

// TestSignUp: the first login makes the account, a refused one does not.
func TestSignUp(t *testing.T) {
	o := logIn(t, State{}, login("a1", sig(7, 1000)), Multi())
	check(t, o, "granted 1", "a1")
	if got := happened(o); got != "signed up, login 1" {
		t.Errorf("history %q", got)
	}
	if s := o.State; !s.Created.Equal(noon) || s.Counter != 1 || s.HighestSigTime != noon.Unix()+7 || s.ActiveDay != 20261123 {
		t.Errorf("signed up as %+v", s)
	}
	o = logIn(t, State{}, login("a1", sig(-9, -1)), Multi())
	if !reflect.DeepEqual(o.State, State{}) || len(o.Events) != 0 || said(o) != "refused 70001" {
		t.Errorf("a refused login left %+v, history %q", o.State, happened(o))
	}
}

// TestRefusedIsHistory: refusals after a good signature are rows that fold,
// also 6208, and their UserSig counts as used when it was good.
func TestRefusedIsHistory(t *testing.T) {
	rules := Multi()
	rules.TellKickedOnLogin = true
	o := logIn(t, account("a1!newer a2"), login("a1", last(1), sig(9, 9999)), rules)
	check(t, o, "refused 6208", "a1!newer a2")
	want := Event{At: noon, Kind: EventRefused, Device: "a1", Platform: rollcall.Android, Code: imcode.KickedOffByOther, Fold: foldRefusals}
	if len(o.Events) != 1 || o.Events[0] != want {
		t.Errorf("history %+v, want %+v", o.Events, want)
	}
	if o.State.HighestSigTime != noon.Unix()+9 {
		t.Error("a REST kick would not reach a UserSig that was used")
	}
	if o.Notice.Session != 1 || o.Notice.Reason != NewerLogin || o.Detail == "" {
		t.Errorf("6208 tells %+v", o.Notice)
	}
}
