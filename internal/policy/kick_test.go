package policy

import (
	"fmt"
	"strings"
	"testing"
)

// TestKickRow: only these remove one.
func TestKickRow(t *testing.T) {
	in := func(q Login) func(State) Outcome {
		return func(s State) Outcome { return LogIn(s, q, Multi()) }
	}
	ack := func(session uint64) func(State) Outcome {
		return func(s State) Outcome { return AcknowledgeKick(s, Acknowledge{Now: noon, Session: session}, Multi()) }
	}
	for _, tt := range []struct {
		name, from string
		rule       func(State) Outcome
		answer     string
		want       string
	}{
		{"an acknowledgement removes it", "a1!operator w1!newer", ack(1), "", "w1!newer"},
		{"an acknowledgement of no row changes nothing", "a1!operator", ack(7), "", "a1!operator"},
		{"a secret used twice stays after one, for the other holders", "a1!twice", ack(1), "", "a1!twice"},
		{"a login that carries it as seen removes it", "w1!operator a1!operator", in(login("a1", seen(2), proof("fixed 2"))), "granted 3", "w1!operator a1"},
		{"and a refused one, too", "a1!operator w1-", in(login("w1", seen(1), proof("fixed 1"), on('a'))), "refused 70402", "w1-"},
		{"not if it does not prove that it was told: a thief says so of another's", "a1!operator w1-", in(login("w1", seen(1), proof("fixed 2"))), "granted 3", "a1!operator w1"},
		{"a secret used twice stays after one, too", "a1!twice", in(login("a1", seen(1), proof("fixed 1"))), "granted 2", "a1!twice a1"},
		{"a login of that device that is let through removes it", "a1!operator", in(login("a1", last(1), proof("present 1"))), "granted 2", "a1"},
		{"not if it proves nothing: anybody may name that device", "a1!operator", in(login("a1", last(1))), "granted 2", "a1!operator a1"},
		{"a secret used twice has other holders: it stays for them", "a1!twice", in(login("a1", last(1), proof("fixed 1"))), "granted 2", "a1!twice a1"},
		{"only the row that the device had last concerns it", "a1!operator a1!newer", in(login("a1", last(2), proof("present 2"), auto)), "granted 3", "a1!operator a1"},
		{"a login that names no session meets no row", "a1!operator", in(login("a1", auto)), "granted 2", "a1!operator a1"},
		{"another device's row does not concern it", "a1!operator", in(login("a2", last(1), auto)), "granted 2", "a1!operator a2"},
		{"an answer never does: the notice comes again", "a1!operator", in(login("a1", last(1), auto)), "told 1 operator", "a1!operator"},
		{"logout of that session removes it", "a1!operator w1", func(s State) Outcome {
			return LogOut(s, Logout{Now: noon, Device: "a1", Fixed: hash("fixed 1"), Try: 1}, Multi())
		}, "granted 0", "w1"},
		{"also after its device logged in anew", "a1!samedevice a1", func(s State) Outcome {
			return LogOut(s, Logout{Now: noon, Device: "a1", Fixed: hash("fixed 1"), Try: 1}, Multi())
		}, "granted 0", "a1"},
		{"it is there for 7 days", "a1!operator", func(s State) Outcome { return Expire(s, noon.Add(7*day), Multi()) }, "", "a1!operator"},
		{"and not longer", "a1!operator", func(s State) Outcome { return Expire(s, noon.Add(7*day+second), Multi()) }, "", ""},
		{"whether there was a sweep or not: a resume", "a1!operator", func(s State) Outcome {
			return ResumeSession(s, resume(1, later(8*day)), Multi())
		}, "log in again", "a1!operator"},
		{"whether there was a sweep or not: a login", "a1!operator", in(login("a1", last(1), auto, at(noon.Add(8*day)))), "granted 2", "a1"},
		{"replacement by the own device makes none", "a1-", in(login("a1")), "granted 2", "a1"},
		{"the same device without proof makes one", "a1", in(login("a1")), "granted 2", "a1!samedevice a1"},
		{"the end of the UserSig makes none", "a1", func(s State) Outcome { return Expire(s, noon.Add(sigLife+second), Multi()) }, "", ""},
		{"time away makes none", "a1- w1-", func(s State) Outcome { return Expire(s, noon.Add(7*day), Multi()) }, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check(t, judge(t, account(tt.from), tt.rule), tt.answer, tt.want)
		})
	}
}

// TestKickRowsAreBounded: at most 20, or as many as the policy admits sessions;
// the oldest by newer login go first.
func TestKickRowsAreBounded(t *testing.T) {
	var from string
	for i := range MinKickRows - 1 {
		reason := "operator"
		if i == 3 || i == 5 {
			reason = "newer"
		}
		from += fmt.Sprintf("p%d!%s ", i, reason)
	}
	s := account(from + "a1")
	for i, want := range []string{"", "p3", "p5", "a1", "a2"} { // the row that goes
		s = logIn(t, s, login(fmt.Sprintf("a%d", i+2), attempt(i)), Multi()).State
		if want != "" && (len(s.Kicks) != MinKickRows || strings.Contains(show(s), want+"!")) {
			t.Errorf("login %d leaves %d rows: %q; want %s's gone", i, len(s.Kicks), show(s), want)
		}
	}
	var operators string
	for i := range MinKickRows {
		operators += fmt.Sprintf("p%d!operator ", i)
	}
	o := KickSessions(account(operators+"a1"), OperatorKick{Now: noon}, Multi())
	if len(o.State.Kicks) != MinKickRows || o.State.Kicks[0].Device != "p1" {
		t.Errorf("%q, want the oldest gone where none is less than the others", show(o.State))
	}
	for _, lesser := range []string{"newer", "samedevice", "elsewhere", "twice"} { // what an account's own clients can make
		o = logIn(t, account("p0!operator "+strings.Repeat("m1!"+lesser+" ", MinKickRows-1)+"a1"), login("a1"), Multi())
		if len(o.State.Kicks) != MinKickRows || o.State.Kicks[0].Device != "p0" {
			t.Errorf("rows of %s drive out that of an operator: %q", lesser, show(o.State))
		}
	}
	wide := limits("a9 w9 i9")
	o = logIn(t, account(operators+"a1"), login("a1"), wide)
	if want := MinKickRows + 1; len(o.State.Kicks) != want {
		t.Errorf("%d rows where the policy admits 33 sessions, want %d", len(o.State.Kicks), want)
	}
}

func attempt(i int) change {
	return func(q *Login) { q.Fixed, q.Changing = hash("attempt %d", i), hash("attempt %d, first", i) }
}

// TestAdmits: a group holds sessions of one platform, the one with most.
func TestAdmits(t *testing.T) {
	if got := grouped(limits("a3 i2 d2 w7"), "aipoh dml w").admits(); got != 3+2+7 {
		t.Errorf("three groups admit %d sessions, want 12", got)
	}
	if got := Multi().admits(); got != NumPlatforms {
		t.Errorf("multi admits %d sessions, want one per platform", got)
	}
}
