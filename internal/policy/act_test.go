package policy

import (
	"slices"
	"testing"
	"time"

	"rollcall.example"
)

// android is a target's platform.
var android = rollcall.Android

// TestActs: who goes by an act, and with which reason; "kept out" are earlier
// evictions that take on the act's reason (1.8, 2).
func TestActs(t *testing.T) {
	kick := func(target Target) func(State) Outcome {
		return func(s State) Outcome {
			return KickSessions(s, OperatorKick{Now: noon, Target: target, Operator: "Olga"}, Multi())
		}
	}
	signOut := func(by, target int, sigs bool) func(State) Outcome {
		return func(s State) Outcome {
			return SignOutSessions(s, SignOut{Now: noon, Session: uint64(by), Target: uint64(target), Sigs: sigs}, Multi())
		}
	}
	revoke := func(s State) Outcome { return RevokeSigs(s, Revoke{Now: noon}, Multi()) }
	disable := func(on bool) func(State) Outcome {
		return func(s State) Outcome { return SetDisabled(s, Disable{Now: noon, Disabled: on}, Multi()) }
	}
	remove := func(s State) Outcome { return DeleteAccount(s, Delete{Now: noon}, Multi()) }
	for _, tt := range []struct {
		name, from       string
		act              func(State) Outcome
		answer, sessions string
		history          string
	}{
		{"an operator kicks the account", "a1 w1-", kick(Target{}), "granted 0", "a1!operator w1!operator", "kicked 1, kicked 2"},
		{"an operator kicks a session", "a1 w1", kick(Target{Session: 2}), "granted 0", "a1 w1!operator", "kicked 2"},
		{"an operator kicks a device", "a1 w1", kick(Target{Device: "a1"}), "granted 0", "a1!operator w1", "kicked 1"},
		{"an operator kicks a platform", "a1 a2 w1", kick(Target{Platform: &android}), "granted 0", "a1!operator a2!operator w1", "kicked 1, kicked 2"},
		{"an operator kicks who is not in", "w1", kick(Target{Platform: &android}), "granted 0", "w1", ""},
		{"an operator's kick keeps out evictions that it covers", "a1!newer a2 i1!newer", kick(Target{Platform: &android}), "granted 0", "a1!operator a2!operator i1!newer", "kicked 2, kept out 1"},
		{"and no row with a reason of its own", "a1!twice a2", kick(Target{}), "granted 0", "a1!twice a2!operator", "kicked 2"},
		{"the user signs out another device", "a1 w1", signOut(2, 1, false), "granted 2", "a1!elsewhere w1", "kicked 1"},
		{"the user signs out all others", "a1 m1- w1", signOut(3, 0, false), "granted 3", "a1!elsewhere m1!elsewhere w1", "kicked 1, kicked 2"},
		{"a sign-out keeps out evictions that it covers", "a1!newer i1!newer w1", signOut(3, 1, false), "granted 3", "a1!elsewhere i1!newer w1", "kept out 1"},
		{"a sign-out of all others keeps out all evictions", "a1!newer i1!newer w1", signOut(3, 0, false), "granted 3", "a1!elsewhere i1!elsewhere w1", "kept out 1, kept out 2"},
		{"a sign-out with the UserSigs", "a1 w1", signOut(2, 1, true), "granted 2", "a1!elsewhere w1", "kicked 1, UserSigs revoked"},
		{"a sign-out by a session whose own UserSig was revoked", "a1 w1", func(s State) Outcome {
			s.ValidFrom = noon.Unix() + 1
			return SignOutSessions(s, SignOut{Now: noon, Session: 2, Sigs: true}, Multi())
		}, "refused 70001", "a1 w1", ""},
		{"or one evicted that comes back", "a1!newer w1", func(s State) Outcome {
			s.ValidFrom = noon.Unix() + 1
			return SignOutSessions(s, SignOut{Now: noon, Session: 2, Target: 1}, Multi())
		}, "refused 70001", "a1!newer w1", ""},
		{"asked once more, when its answer was lost", "a1!elsewhere w1", func(s State) Outcome {
			s.ValidFrom = noon.Unix() + 1
			return SignOutSessions(s, SignOut{Now: noon, Session: 2, Sigs: true}, Multi())
		}, "granted 2", "a1!elsewhere w1", ""},
		{"a sign-out of oneself", "a1 w1", signOut(1, 1, false), "refused 70402", "a1 w1", ""},
		{"a sign-out of who was never in", "a1 w1", signOut(1, 9, true), "refused 70402", "a1 w1", ""},
		{"a sign-out of who has gone for another reason", "a1!operator w1", signOut(2, 1, false), "refused 70402", "a1!operator w1", ""},
		{"a sign-out by who was kicked meanwhile", "a1!newer w1", signOut(1, 2, false), "refused 9503", "a1!newer w1", ""},
		{"a REST kick", "a1 w1-", revoke, "granted 0", "a1!rest w1!rest", "kicked 1, kicked 2, UserSigs revoked"},
		{"a REST kick gives its reason to all rows", "a1!newer i1!operator w1", revoke, "granted 0", "a1!rest i1!rest w1!rest", "kicked 3, kept out 1, UserSigs revoked"},
		{"the account is disabled", "a1 w1-", disable(true), "granted 0", "a1!disabled w1!disabled", "disabled, kicked 1, kicked 2"},
		{"and keeps out evictions", "a1!newer i1!twice w1", disable(true), "granted 0", "a1!disabled i1!twice w1!disabled", "disabled, kicked 3, kept out 1"},
		{"what is enabled is enabled", "a1", disable(false), "granted 0", "a1", ""},
		{"the account is deleted", "a1 w1-", remove, "granted 0", "a1!deleted w1!deleted", "kicked 1, kicked 2, deleted"},
		{"an eviction does not sign a deleted account up again by itself", "a1!newer w1", remove, "granted 0", "a1!deleted w1!deleted", "kicked 2, kept out 1, deleted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := judge(t, account(tt.from), tt.act)
			check(t, o, tt.answer, tt.sessions)
			if got := happened(o); got != tt.history {
				t.Errorf("history %q, want %q", got, tt.history)
			}
		})
	}
}

// TestActsOnTheUnknown: 70107, and no trace.
func TestActsOnTheUnknown(t *testing.T) {
	for name, act := range map[string]func(State) Outcome{
		"kick":    func(s State) Outcome { return KickSessions(s, OperatorKick{Now: noon}, Multi()) },
		"revoke":  func(s State) Outcome { return RevokeSigs(s, Revoke{Now: noon}, Multi()) },
		"disable": func(s State) Outcome { return SetDisabled(s, Disable{Now: noon, Disabled: true}, Multi()) },
		"delete":  func(s State) Outcome { return DeleteAccount(s, Delete{Now: noon}, Multi()) },
	} {
		o := judge(t, State{}, act)
		if said(o) != "refused 70107" || o.State.Disabled || o.State.ValidFrom != 0 || len(o.Events) > 0 {
			t.Errorf("%s: %s, %+v", name, said(o), o.State)
		}
	}
}

// TestWhoActed: history and notice name who did it; the user is not told which
// operator.
func TestWhoActed(t *testing.T) {
	o := KickSessions(account("a1"), OperatorKick{Now: noon, Operator: "Olga"}, Multi())
	if got := o.Events[0].By.Operator; got != "Olga" {
		t.Errorf("the history names operator %q", got)
	}
	if got := o.Ended[0].Notice.Text(); got != "Signed out by an operator." {
		t.Errorf("the user reads %q", got)
	}
	s := account("a1 w1")
	s.Sessions[1].DeviceName = "Chrome"
	o = SignOutSessions(s, SignOut{Now: noon, Session: 2, Target: 1}, Multi())
	want := By{Session: 2, Platform: rollcall.Web, DeviceName: "Chrome"}
	if got := o.Ended[0].Notice.By; got != want {
		t.Errorf("signed out by %+v, want %+v", got, want)
	}
}

// TestValidFrom: the larger of now and the highest TLS.time accepted plus 1; the
// call may name it, within bounds; it never goes back (2).
func TestValidFrom(t *testing.T) {
	now := noon.Unix()
	for _, tt := range []struct {
		name                 string
		highest, from, named int64
		want                 int64 // 0: refused
	}{
		{"now", now - 10, 0, 0, now},
		{"a UserSig of this very second", now, 0, 0, now + 1},
		{"a UserSig dated ahead", now + 200, 0, 0, now + 201},
		{"named, as early as may be", now - 10, 0, now - 9, now - 9},
		{"named, too early for a UserSig that was accepted", now - 10, 0, now - 10, 0},
		{"named, as late as may be", now - 10, 0, now + 300, now + 300},
		{"named, too late", now - 10, 0, now + 301, 0},
		{"after one that lies ahead", now - 10, now + 300, 0, now + 300},
		{"named, before an earlier one", now - 10, now + 300, now + 5, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := account("a1")
			s.HighestSigTime, s.ValidFrom = tt.highest, tt.from
			o := judge(t, s, func(s State) Outcome { return RevokeSigs(s, Revoke{Now: noon, ValidFrom: tt.named}, Multi()) })
			switch {
			case tt.want == 0 && (said(o) != "refused 70402" || o.State.ValidFrom != tt.from || len(o.State.Sessions) != 1):
				t.Errorf("%s, %+v; want 70402 and nothing changed", said(o), o.State)
			case tt.want != 0 && (o.State.ValidFrom != tt.want || o.State.RESTKickCounter != 1):
				t.Errorf("ValidFrom %d, REST kick at %d; want %d, 1", o.State.ValidFrom, o.State.RESTKickCounter, tt.want)
			}
		})
	}
}

// TestUserSigsAfterAKick: one made for ValidFrom works at once, also in the second
// of the kick; no earlier one does (2).
func TestUserSigsAfterAKick(t *testing.T) {
	kicked := RevokeSigs(account("a1"), Revoke{Now: noon}, Multi()).State // its UserSig is of noon
	for _, tt := range []struct {
		name   string
		signed int // seconds from noon
		answer string
	}{
		{"the one that was in", 0, "refused 70001"},
		{"an older one", -5, "refused 70001"},
		{"one for ValidFrom", 1, "granted 2"},
	} {
		if got := said(logIn(t, kicked, login("a1", sig(tt.signed, 999), last(1)), Multi())); got != tt.answer {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.answer)
		}
	}
}

// TestTheOneThatSignsOutLivesOn: after a sign-out with all UserSigs its own is
// dead for logins and good for the session, until a new one takes its place, even
// one that ends sooner.
func TestTheOneThatSignsOutLivesOn(t *testing.T) {
	s := SignOutSessions(account("a1 w1"), SignOut{Now: noon, Session: 2, Sigs: true}, Multi()).State
	check(t, resumeSession(t, s, resume(2, later(minute)), Multi()), "granted 2", "a1!elsewhere w1")
	if got := said(logIn(t, s, login("w1", last(2)), Multi())); got != "refused 70001" {
		t.Errorf("its UserSig at a login: %s, want 70001", got)
	}
	o := judge(t, s, func(s State) Outcome {
		return RenewSig(s, Renew{Now: noon.Add(minute), Session: 2, Renewal: Renewal{noon.Unix() + 5, noon.Unix() + 1000}}, Multi())
	})
	if said(o) != "granted 2" || o.Session.SigEnds != noon.Unix()+1000 {
		t.Errorf("a renewal: %s until %d", said(o), o.Session.SigEnds)
	}
}

// TestDeletedSignsUpAnew: what keeps old clients from doing harm stays.
func TestDeletedSignsUpAnew(t *testing.T) {
	s := DeleteAccount(account("a1 w1"), Delete{Now: noon}, Multi()).State
	if s.Exists() || s.Counter != 2 || len(s.Tries) != 2 || len(s.Kicks) != 2 {
		t.Fatalf("left of it: %+v", s)
	}
	o := logIn(t, s, login("a1", last(1), proof("fixed 1")), Multi())
	check(t, o, "granted 3", "w1!deleted a1")
	if got := happened(o); got != "signed up, login 3" {
		t.Errorf("history %q", got)
	}
	if got := said(resumeSession(t, o.State, resume(2), Multi())); got != "told 2 deleted" {
		t.Errorf("the other device's return: %s", got)
	}
}

// TestRowsKeptOutAreTheYoungest: the bound drops the oldest first.
func TestRowsKeptOutAreTheYoungest(t *testing.T) {
	s := account("a1!newer w1")
	o := KickSessions(s, OperatorKick{Now: noon.Add(time.Hour)}, Multi())
	if !slices.IsSortedFunc(o.State.Kicks, func(a, b Kick) int { return a.At.Compare(b.At) }) || !o.State.Kicks[0].At.Equal(noon.Add(time.Hour)) {
		t.Errorf("rows %+v", o.State.Kicks)
	}
}
