package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

func usage(t *testing.T, e Engine) {
	alice, bob := account("alice"), account("bob")
	elsewhere := alice
	elsewhere.App = 2
	day := 24 * time.Hour
	mutate(t, e, alice, logIn("a", start))
	mutate(t, e, alice, logIn("b", start.Add(time.Hour))) // the same day
	mutate(t, e, bob, logIn("a", start))
	mutate(t, e, elsewhere, logIn("a", start))               // another app
	mutate(t, e, alice, logIn("a", start.Add(day)))          // the next day
	mutate(t, e, alice, logIn("a", start.Add(8*day)))        // the next month
	mutate(t, e, bob, logIn("a", start.Add(time.Minute)))    // 23rd again
	mutate(t, e, bob, becomes(policy.State{Created: start})) // no coming online
	wantUsage(t, e, 1, 20260101, 20271231, []store.UsageRow{counted(20261123, 2, 2), counted(20261124, 1, 0), counted(20261201, 1, 0)})
	wantUsage(t, e, 1, 202601, 202712, []store.UsageRow{counted(202611, 2, 0), counted(202612, 1, 0)})
	wantUsage(t, e, 2, 20260101, 20271231, []store.UsageRow{counted(20261123, 1, 1)})
}

func counted(period int, active, signedUp int64) store.UsageRow {
	return store.UsageRow{Period: period, Active: active, SignedUp: signedUp}
}

func wantUsage(t *testing.T, e Engine, app rollcall.AppID, from, to int, want []store.UsageRow) {
	t.Helper()
	got, err := e.Usage(t.Context(), app, from, to)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("usage of app %d from %d to %d is %v, want %v", app, from, to, got, want)
	}
}

// usageTogether: many devices of a few accounts come online at once; a decision
// that fails counts nothing.
func usageTogether(t *testing.T, e Engine) {
	const callers, accounts = 96, 5
	failing := errors.New("this one cannot be written")
	together(callers, func(i int) {
		a := account(fmt.Sprintf("user-%d", i%accounts))
		rule := logIn(rollcall.DeviceID(fmt.Sprintf("device-%d", i)), start)
		var want error
		if i%8 == 7 {
			a.User = rollcall.UserID(fmt.Sprintf("failing-%d", i))
			good := rule
			want, rule = failing, func(s policy.State) policy.Outcome {
				o := good(s)
				o.State.Sessions = append(o.State.Sessions, o.State.Sessions[0])
				return o
			}
		}
		if _, err := e.Mutate(t.Context(), a, rule); (err != nil) != (want != nil) {
			t.Errorf("login %d: error %v, want %v", i, err, want)
		}
	})
	wantUsage(t, e, 1, 20261123, 20261123, []store.UsageRow{counted(20261123, accounts, accounts)})
	wantUsage(t, e, 1, 202611, 202611, []store.UsageRow{counted(202611, accounts, 0)})
}

func usageRange(t *testing.T, e Engine) {
	for i := range 5 {
		at := start.Add(time.Duration(i) * 24 * time.Hour)
		mutate(t, e, account(fmt.Sprintf("user-%d", i)), logIn("d", at))
	}
	wantUsage(t, e, 1, 20261124, 20261126, []store.UsageRow{counted(20261124, 1, 1), counted(20261125, 1, 1), counted(20261126, 1, 1)})
	wantUsage(t, e, 1, 20261128, 20261130, nil)
	wantUsage(t, e, 1, 202611, 202611, []store.UsageRow{counted(202611, 5, 0)})
}
