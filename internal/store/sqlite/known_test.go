package sqlite_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store/sqlite"
)

// TestWhatIsKnownOfAccountsIsWhatTheDatabaseHas: whatever is written, and whatever
// cannot be, each rule sees what somebody who reads the database does.
func TestWhatIsKnownOfAccountsIsWhatTheDatabaseHas(t *testing.T) {
	s := open(t, t.TempDir(), sqlite.Options{}.Knowing(3))
	defer closeStore(t, s)
	history := 0
	rapid.Check(t, func(r *rapid.T) {
		history++
		users := rapid.IntRange(0, 7)
		mutate := func(r *rapid.T, rule func(policy.State) policy.Outcome) error {
			a := rollcall.Account{App: rollcall.AppID(history), User: rollcall.UserID(fmt.Sprint("user-", users.Draw(r, "user")))}
			want, err := s.State(t.Context(), a)
			if err != nil {
				r.Fatal(err)
			}
			_, err = s.Mutate(t.Context(), a, func(got policy.State) policy.Outcome {
				if got, want := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); got != want {
					r.Errorf("the rule for %s saw\n%s\nthe database has\n%s", a, got, want)
				}
				return rule(got)
			})
			return err
		}
		must := func(r *rapid.T, rule func(policy.State) policy.Outcome) {
			if err := mutate(r, rule); err != nil {
				r.Fatal(err)
			}
		}
		now, rules := time.Now(), policy.Multi()
		rules.Limit[rollcall.Android] = 4
		r.Repeat(map[string]func(*rapid.T){
			"log in": func(r *rapid.T) { // also on more devices than an account may have to be known
				first, n := rapid.IntRange(0, 5).Draw(r, "device"), rapid.SampledFrom([]int{1, 1, 5}).Draw(r, "devices")
				must(r, func(before policy.State) (o policy.Outcome) {
					for i := range n {
						o = loginUnder(before, rollcall.DeviceID(fmt.Sprint("device-", first+i)), now, rules)
						before = o.State
					}
					return o
				})
			},
			"leave": func(r *rapid.T) {
				must(r, func(before policy.State) policy.Outcome {
					q := policy.Disconnect{Now: now}
					if n := len(before.Sessions); n > 0 {
						q.Session, q.Conn = before.Sessions[n-1].Number, before.Sessions[n-1].Conn
					}
					return policy.Disconnected(before, q, rules)
				})
			},
			"time passes": func(r *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 100).Draw(r, "hours")) * time.Hour)
				must(r, func(before policy.State) policy.Outcome { return policy.Expire(before, now, rules) })
			},
			"what cannot be written": func(r *rapid.T) {
				err := mutate(r, func(before policy.State) policy.Outcome {
					twice := policy.Session{Number: before.Counter + 1}
					before.Counter += 10
					before.Sessions = append(slices.Clip(before.Sessions), twice, twice)
					return policy.Outcome{State: before}
				})
				if err == nil {
					r.Error("a session was written twice")
				}
			},
			"a rule that panics": func(r *rapid.T) {
				if mutate(r, func(policy.State) policy.Outcome { panic(errors.New("on purpose")) }) == nil {
					r.Error("a panic was answered as a success")
				}
			},
		})
	})
}
