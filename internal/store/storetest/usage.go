package storetest

import (
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
// that cannot be written counts nothing, nor does it count its neighbours twice.
func usageTogether(t *testing.T, e Engine) {
	const callers, accounts = 96, 5
	online := func(i int, spoil func(*policy.State)) error {
		rule := logIn(rollcall.DeviceID(fmt.Sprintf("device-%d", i)), start)
		_, err := e.Mutate(t.Context(), account(fmt.Sprintf("user-%d", i%accounts)), func(s policy.State) policy.Outcome {
			o := rule(s)
			spoil(&o.State)
			return o
		})
		return err
	}
	together(callers, func(i int) {
		if err := online(i, func(*policy.State) {}); err != nil {
			t.Error(err)
		}
	})
	wantUsage(t, e, 1, 20261123, 20261123, []store.UsageRow{counted(20261123, accounts, accounts)})
	wantUsage(t, e, 1, 202611, 202611, []store.UsageRow{counted(202611, accounts, 0)})

	together(callers, func(i int) {
		bad := i%8 == 7
		err := online(i+callers, func(s *policy.State) {
			s.ActiveDay, s.ActiveMonth = 20270131, 202701
			if bad {
				s.Sessions = append(s.Sessions, s.Sessions[0])
			}
		})
		if (err != nil) != bad {
			t.Errorf("login %d: error %v, want one: %t", i, err, bad)
		}
	})
	wantUsage(t, e, 1, 20270131, 20270131, []store.UsageRow{counted(20270131, accounts, 0)})
	wantUsage(t, e, 1, 202701, 202701, []store.UsageRow{counted(202701, accounts, 0)})
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
