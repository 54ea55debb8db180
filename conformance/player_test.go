package conformance_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"rollcall.example/conformance"
	"rollcall.example/internal/stage"
)

// talk brings two accounts in.
const talk = "A logs in as alice on Android => ok\nB logs in as bob on Android => ok\n"

// TestThePlayerCanFail plays stories that are not true: a player that nobody has
// seen fail proves nothing.
func TestThePlayerCanFail(t *testing.T) {
	for _, tt := range []struct{ name, lines, want string }{
		{"another result", "A logs in as alice on Android => 70001", "x.txt:3: A logs in as alice on Android => 70001: got login ok"},
		{"a success that was to fail", "ticket t is for bob\nA logs in as alice on Android with t => ok", "got login 70013"},
		{"another end of a renewal", "ticket t is for bob\nA logs in as alice on Android => ok\nA renews with t => ok", "got renewal 70013"},
		{"an end of a ticket that no line expects", "ticket t is for alice, good for 1m\nA logs in as alice on Android with t => ok\n50s passes", "A heard ticket ends soon, which no line expects"},
		{"another status", "A logs in as alice on Android => ok\nA is logged out", `x.txt:4: A is logged out: it is logged in as "alice"`},
		{"another user", "A logs in as alice on Android => ok\nA is logged in as bob", `it is logged in as "alice"`},
		{"traffic", "A logs in as alice on Android => ok without traffic", "it caused traffic"},
		{"too late", "A's link takes 1s\nA logs in as alice on Android => ok at once", "the result came after 6s"},
		{"too early", "A logs in as alice on Android => ok after 5s", "the result came after 0s"},
		{"nothing came", "A logs in as alice on Android => ok\nA expects kicked within 5s", "want kicked: nothing came within 5s"},
		{"something came", "A logs in as alice on Android => ok\nB logs in as alice on Android => ok\nA expects nothing for 1s", "got kicked by Android (newer login: over the limit of 1)"},
		{"another reason", "A logs in as alice on Android => ok\nB logs in as alice on Android => ok\nA expects kicked (operator)", "want kicked (operator)"},
		{"another platform", "A logs in as alice on Android => ok\nB logs in as alice on Android => ok\nA expects kicked by Web", "want kicked by Web"},
		{"another rule", "A logs in as alice on Android => ok\nB logs in as alice on Android => ok\nA expects kicked (newer login: over the limit of 2)", "got kicked by Android (newer login: over the limit of 1)"},
		{"another number of sessions seen", "A logs in as alice on Android => ok\nA sees 2 sessions", "it sees 1"},
		{"seen otherwise", "A logs in as alice on Android => ok\nB logs in as alice on Mac => ok\nA sees B away", "Away:false"},
		{"seen by nobody", "A is on Android\nA logs in as alice => ok\nA logs out => ok\nA sees no session", "6014"},
		{"a sign-out of who was never in", "A logs in as alice on Android => ok\nB is on Mac\nA signs out B => ok", "alice has never logged in on B's Mac"},
		{"another order", "A logs in as alice on Android\nA expects connected, connecting, login ok", "got connecting"},
		{"one is missing of any order", "A logs in as alice on Android\nA expects login ok, kicked in any order", "want kicked: nothing came"},
		{"an event that no line expects", "A logs in as alice on Android => ok\nB logs in as alice on Android => ok", "A heard kicked by Android (newer login: over the limit of 1), which no line expects"},
		{"not online", "A logs in as alice on Android => ok\nA is cut off\nA is online again within 5s", "nothing came within"},
		{"kicked instead of online", "A logs in as alice on Android => ok\nB logs in as alice on Android => ok\nA is online again", "got kicked"},
		{"another number of sessions", "A logs in as alice on Android => ok\nalice has 2 sessions", "the server keeps 1"},
		{"another number of logins", "A logs in as alice on Android => ok\nalice has logged in twice", "the history has 1"},
		{"not signed up", "alice has signed up", "by the history: false"},
		{"a program that runs", "A logs in as alice on Android => ok\nA starts again", "its program has not ended"},
		{"a message that no line expects", talk + `A sends bob "hello" => ok`, `B heard message "hello" from alice, which no line expects`},
		{"another message", talk + `A sends bob "hello" => ok` + "\n" + `B expects message "hi" from alice`, `want message "hi" from alice`},
		{"another sender", talk + `A sends bob "hello" => ok` + "\n" + `B expects message "hello" from carol`, `got message "hello" from alice`},
		{"a recall that no line expects", talk + `A sends bob "hello" => ok` + "\n" + `B expects message "hello" from alice` + "\n" + `A recalls "hello"` + "\n" + `A expects recalled "hello", recall ok`, `B heard recalled "hello", which no line expects`},
		{"a message instead of silence", talk + `A sends bob "hello" => ok` + "\n" + `B expects nothing for 1s`, `got message "hello" from alice`},
		{"another history", talk + `A sends bob "hello" => ok` + "\n" + `A reads bob: alice "hi"`, `it sees alice "hello"`},
		{"another list", talk + `A sends bob "hello" => ok` + "\n" + `A lists bob "hello" 1 unread`, `it sees bob "hello"`},
		{"another number of unread messages", talk + `A sends bob "hello" => ok` + "\n" + `B has no unread`, `it sees 1`},
		{"a list that was not to be seen", talk + `A cannot list: 6014`, `it succeeded, want code 6014`},
		{"a history that cannot be read", talk + `A logs out => ok` + "\n" + `A reads bob: nothing`, `6014`},
		{"a recall of what was never said", talk + `A recalls "hello" => ok`, `it has no message "hello"`},
		{"a server that does not run", "the server stops\nalice has no session", "the server is stopped"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			scenarios, err := conformance.Parse("x.txt", policy+"== T\n"+tt.lines)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				err := playOnce(t, conformance.Go{}, scenarios[0])
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %s", err, tt.want)
				}
			})
		})
	}
}

// TestTheFirstLineIsThePolicy shows that the policy of a file is the app's.
func TestTheFirstLineIsThePolicy(t *testing.T) {
	for _, tt := range []struct{ line, sessions string }{
		{"policy single", "1 session"},
		{"policy dual", "2 sessions"},
		{"policy triple", "3 sessions"},
		{"policy multi, one instance per platform", "5 sessions"},
		{"policy multi, 2 on Android", "6 sessions"},
		{"policy custom {Android Mac}, 2 on Android, 3 on Web", "4 sessions"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			scenarios, err := conformance.Parse("x.txt", tt.line+`
== T
A logs in as alice on Android
B logs in as alice on Android
C logs in as alice on iPhone
D logs in as alice on Windows
E logs in as alice on Mac
F logs in as alice on Web
1s passes
alice has `+tt.sessions)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				if err := playOnce(t, conformance.Go{}, scenarios[0]); err == nil || !strings.Contains(err.Error(), "which no line expects") {
					t.Errorf("got %v, want that nothing but the events is left over", err)
				}
			})
		})
	}
}

// playOnce plays one scenario in the bubble that it is called in.
func playOnce(t *testing.T, face conformance.Face, s conformance.Scenario) error {
	t.Helper()
	st, err := stage.Open(t.TempDir(), stage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	p := &conformance.Player{Face: face, Stage: st, Settle: synctest.Wait}
	return p.Play(t.Context(), s)
}
