package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// ending is an account with a session per moment, ending at it.
func ending(at ...time.Time) policy.State {
	s := existing
	for i, end := range at {
		s.Sessions = append(s.Sessions, policy.Session{Number: uint64(i + 1), Node: "node", SigEnds: end.Unix() - 1})
	}
	return s
}

func due(t *testing.T, e Engine) {
	in := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	mutate(t, e, account("third"), becomes(ending(in(3), in(90))))
	mutate(t, e, account("first"), becomes(ending(in(60), in(1), in(2))))
	mutate(t, e, account("second"), becomes(ending(in(2))))
	mutate(t, e, account("later"), becomes(ending(in(50))))
	away := ending(in(1000))
	away.Sessions[0].Node, away.Sessions[0].Away, away.Sessions[0].Platform = "", start.Add(-20*time.Second), rollcall.Web
	mutate(t, e, account("away"), becomes(away)) // its minute ends at 40
	mutate(t, e, account("gone"), becomes(ending(in(1))))
	mutate(t, e, account("gone"), becomes(existing))
	mutate(t, e, account("renewed"), becomes(ending(in(1))))
	mutate(t, e, account("renewed"), becomes(ending(in(70))))

	for _, tt := range []struct {
		now, limit int
		want       string
		next       time.Time
	}{
		{0, 10, "[]", in(1)},
		{1, 10, "[first]", in(2)},
		{2, 10, "[first second]", in(3)},
		{3, 10, "[first second third]", in(40)},
		{3, 2, "[first second]", in(3)},
		{3, 1, "[first]", in(2)},
		{45, 10, "[first second third away]", in(50)},
		{1000, 10, "[first second third away later renewed]", time.Time{}},
	} {
		accounts, next, err := e.Due(t.Context(), in(tt.now), tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		users := make([]rollcall.UserID, len(accounts))
		for i, a := range accounts {
			users[i] = a.User
		}
		if got := fmt.Sprint(users); got != tt.want || !next.Equal(tt.next) {
			t.Errorf("at %d, at most %d: due %s, the next at %s; want %s and %s", tt.now, tt.limit, got, next, tt.want, tt.next)
		}
	}
	mutate(t, e, account("first"), func(s policy.State) policy.Outcome { return policy.Expire(s, in(10), policy.Multi()) })
	accounts, _, err := e.Due(t.Context(), in(10), 10)
	if err != nil || slices.Contains(accounts, account("first")) {
		t.Errorf("after its expiry due are %v, error %v; want no first", accounts, err)
	}
}

func neverDue(t *testing.T, e Engine) {
	s := existing
	s.Sessions = []policy.Session{{Number: 1, Node: "node", SigEnds: 1 << 54}}
	mutate(t, e, account("alice"), becomes(s))
	accounts, next, err := e.Due(t.Context(), start.AddDate(1000, 0, 0), 10)
	if err != nil || len(accounts) != 0 || !next.After(start.AddDate(1000, 0, 0)) {
		t.Errorf("with a UserSig for longer than there are years: due %v, the next at %s, error %v", accounts, next, err)
	}
}
