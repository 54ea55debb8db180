package policy

import (
	"testing"
)

// TestComingBack is for whoever was not told while connected: what a resume gets,
// what the automatic login gets that follows a "log in again", and what a login()
// gets; under no switch, under S1 (TellKickedOnReconnect), under S2
// (TellKickedOnLogin), and under both.
func TestComingBack(t *testing.T) {
	const in, outside = "granted 2", "log in again"
	type answers struct{ none, s1, s2, both string }
	same := func(a string) answers { return answers{a, a, a, a} }
	for _, tt := range []struct {
		how                      string
		from                     string
		resume, automatic, login answers
	}{
		{
			"newer login", "a1!newer",
			answers{outside, "told 1 newer 6208", outside, "told 1 newer 6208"},
			answers{in, "told 1 newer 6208", in, "told 1 newer 6208"},
			answers{in, in, "refused 6208", "refused 6208"},
		},
		{"newer login, on the Web: as with both switches off", "w1!newer", same(outside), same(in), same(in)},
		{"operator kick", "a1!operator", same("told 1 operator"), same("told 1 operator"), same(in)},
		{"operator kick, on the Web", "w1!operator", same("told 1 operator"), same("told 1 operator"), same(in)},
		{"sign-out elsewhere", "a1!elsewhere", same("told 1 elsewhere"), same("told 1 elsewhere"), same(in)},
		{"policy applied", "a1!applied", same("told 1 applied"), same("told 1 applied"), same(in)},
		{"same device id elsewhere", "a1!samedevice", same("told 1 samedevice"), same("told 1 samedevice"), same(in)},
		{"secret used twice", "a1!twice", same("told 1 twice"), same("told 1 twice"), same(in)},
		{"account deleted", "a1!deleted", same("told 1 deleted"), same("told 1 deleted"), same(in)},
		{"account disabled, enabled again by now", "a1!disabled", same("told 1 disabled 70051"), same("told 1 disabled 70051"), same(in)},
		{"REST kick, with a new UserSig", "a1!rest", same("told 1 rest as expired"), same(in), same(in)},
		{"told while connected, and acknowledged", "a1!newer", same(outside), same(in), same(in)},
	} {
		t.Run(tt.how, func(t *testing.T) {
			s := account(tt.from)
			if tt.how == "told while connected, and acknowledged" {
				s = acknowledge(t, s, 1).State
			}
			device := tt.from[:2]
			for _, sw := range []struct {
				name                string
				s1, s2              bool
				resume, auto, login string
			}{
				{"both off", false, false, tt.resume.none, tt.automatic.none, tt.login.none},
				{"S1", true, false, tt.resume.s1, tt.automatic.s1, tt.login.s1},
				{"S2", false, true, tt.resume.s2, tt.automatic.s2, tt.login.s2},
				{"S1 and S2", true, true, tt.resume.both, tt.automatic.both, tt.login.both},
			} {
				rules := Multi()
				rules.TellKickedOnReconnect, rules.TellKickedOnLogin = sw.s1, sw.s2
				if got := said(resumeSession(t, s, resume(1), rules)); got != sw.resume {
					t.Errorf("%s: a resume gets %q, want %q", sw.name, got, sw.resume)
				}
				if got := said(logIn(t, s, login(device, last(1), auto), rules)); got != sw.auto {
					t.Errorf("%s: an automatic login gets %q, want %q", sw.name, got, sw.auto)
				}
				if got := said(logIn(t, s, login(device, last(1)), rules)); got != sw.login {
					t.Errorf("%s: a login() gets %q, want %q", sw.name, got, sw.login)
				}
				if got := said(logIn(t, s, login(device, last(1), seen(1), auto), rules)); got != in {
					t.Errorf("%s: a login that has seen the kick gets %q, want %q", sw.name, got, in)
				}
			}
		})
	}
}

// TestComingBackWithADeadUserSig: what a UserSig that is no longer good gets (2).
func TestComingBackWithADeadUserSig(t *testing.T) {
	kicked := account("a1!rest")
	kicked.ValidFrom, kicked.RESTKickCounter = noon.Unix()+1, 1
	disabled := account("a1!disabled")
	disabled.Disabled = true
	asKick := Multi()
	asKick.RESTKickAsKick = true
	for _, tt := range []struct {
		how           string
		from          State
		rules         Rules
		sig           change
		resume, login string
	}{
		{"REST kick", kicked, Multi(), sig(0, 999), "told 1 rest as expired", "refused 70001"},
		{"REST kick, rest_kick_as_kick", kicked, asKick, sig(0, 999), "told 1 rest", "refused 70052"},
		{"disabled", disabled, Multi(), sig(0, 999), "told 1 disabled 70051", "refused 70051"},
		{"its UserSig ended", account("a1"), Multi(), sig(0, 999), "told 1 expired as expired", "refused 70001"},
	} {
		t.Run(tt.how, func(t *testing.T) {
			now := noon
			if tt.how == "its UserSig ended" {
				now = noon.Add(sigLife + second)
			}
			if got := said(resumeSession(t, tt.from, resume(1, later(now.Sub(noon))), tt.rules)); got != tt.resume {
				t.Errorf("a resume gets %q, want %q", got, tt.resume)
			}
			for _, by := range []change{auto, func(*Login) {}} {
				if got := said(logIn(t, tt.from, login("a1", at(now), tt.sig, last(1), by), tt.rules)); got != tt.login {
					t.Errorf("a login gets %q, want %q", got, tt.login)
				}
			}
		})
	}
}

// TestEvictedComesBack: with both switches off the evicted phone logs in again
// by itself and evicts by rule; with both on it is told, once it is known to
// have been told it gets in (2).
func TestEvictedComesBack(t *testing.T) {
	s := logIn(t, account("a1-"), login("a2"), Multi()).State
	o := logIn(t, s, login("a1", last(1), proof("fixed 1"), auto, attempt(1)), Multi())
	check(t, o, "granted 3", "a2!newer a1")

	both := Multi()
	both.TellKickedOnReconnect, both.TellKickedOnLogin = true, true
	check(t, resumeSession(t, s, resume(1), both), "told 1 newer 6208", "a1!newer a2")
	check(t, logIn(t, s, login("a1", last(1), attempt(1)), both), "refused 6208", "a1!newer a2")
	check(t, logIn(t, s, login("a1", last(1), proof("fixed 1"), attempt(1), seen(1)), both), "granted 3", "a2!newer a1")
	check(t, logIn(t, s, login("a1", last(1), attempt(1), seen(1)), both), "granted 3", "a1!newer a2!newer a1") // its row stays without proof
	check(t, logIn(t, acknowledge(t, s, 1).State, login("a1", last(1), attempt(1)), both), "granted 3", "a2!newer a1")
}

// TestProvedMayAcknowledge: a notice to a login may be acknowledged only where
// a proof of the kicked session came along.
func TestProvedMayAcknowledge(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   Login
		want bool
	}{
		{"without proof", login("a1", last(1), auto), false},
		{"with the present half", login("a1", last(1), auto, proof("present 1")), true},
		{"with another session's", login("a1", last(1), auto, proof("present 2")), false},
		{"the same attempt proves it", login("a1", again(1), auto), true},
	} {
		if o := logIn(t, account("a1!operator w1"), tt.in, Multi()); o.Answer != Told || o.Proved != tt.want {
			t.Errorf("%s: %q, proved %v, want %v", tt.name, said(o), o.Proved, tt.want)
		}
	}
}
