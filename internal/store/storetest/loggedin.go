package storetest

import (
	"fmt"
	"testing"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// loggedIn reads accounts with sessions, each once, with all of their state.
func loggedIn(t *testing.T, e Engine) {
	in := existing
	in.Counter = 2
	in.Sessions = []policy.Session{ // two: it is read once all the same
		{Number: 1, Device: "d", Node: "node", SigEnds: start.Unix()},
		{Number: 2, Device: "f", Node: "node", SigEnds: start.Unix()},
	}
	in.Kicks = []policy.Kick{{Session: 0, Device: "e", At: start}}
	for _, user := range []string{"bob", "alice", "dora", "carl", "Zoe"} {
		mutate(t, e, account(user), becomes(in))
		mutate(t, e, account("not-"+user), becomes(existing))
	}
	mutate(t, e, account("left"), becomes(existing))
	mutate(t, e, rollcall.Account{App: 2, User: "other"}, becomes(in))
	mutate(t, e, rollcall.Account{App: 2, User: "alice"}, becomes(in)) // of the same name
	var got []rollcall.UserID
	after := rollcall.UserID("")
	for range 5 {
		page, err := e.LoggedIn(t.Context(), 1, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page {
			got, after = append(got, a.User), a.User
			if !same(a.State, state(t, e, account(string(a.User)))) {
				t.Errorf("%s reads as %+v", a.User, a.State)
			}
		}
	}
	if want := "[bob alice dora carl Zoe]"; fmt.Sprint(got) != want {
		t.Errorf("read %v, want %s", got, want)
	}
}
