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
	wantUsage(t, e, 1, 20260101, 20271231, []store.UsageRow{counted(20261123, 2, 2, 4), counted(20261124, 1, 0, 1), counted(20261201, 1, 0, 1)})
	wantUsage(t, e, 1, 202601, 202712, []store.UsageRow{counted(202611, 2, 0, 0), counted(202612, 1, 0, 0)})
	wantUsage(t, e, 2, 20260101, 20271231, []store.UsageRow{counted(20261123, 1, 1, 1)})
}

func counted(period int, active, signedUp, logins int64) store.UsageRow {
	return store.UsageRow{Period: period, Active: active, SignedUp: signedUp, Logins: logins}
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
	wantUsage(t, e, 1, 20261123, 20261123, []store.UsageRow{counted(20261123, accounts, accounts, callers)})
	wantUsage(t, e, 1, 202611, 202611, []store.UsageRow{counted(202611, accounts, 0, 0)})

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
	wantUsage(t, e, 1, 20270131, 20270131, []store.UsageRow{counted(20270131, accounts, 0, callers*7/8)})
	wantUsage(t, e, 1, 202701, 202701, []store.UsageRow{counted(202701, accounts, 0, 0)})
}

func usageRange(t *testing.T, e Engine) {
	for i := range 5 {
		at := start.Add(time.Duration(i) * 24 * time.Hour)
		mutate(t, e, account(fmt.Sprintf("user-%d", i)), logIn("d", at))
	}
	wantUsage(t, e, 1, 20261124, 20261126, []store.UsageRow{counted(20261124, 1, 1, 1), counted(20261125, 1, 1, 1), counted(20261126, 1, 1, 1)})
	wantUsage(t, e, 1, 20261128, 20261130, nil)
	wantUsage(t, e, 1, 202611, 202611, []store.UsageRow{counted(202611, 5, 0, 0)})
}

// peaks: a day keeps its highest, with the moment at which it was first there, beside
// what is counted of it otherwise.
func peaks(t *testing.T, e Engine) {
	note := func(all ...store.Peak) {
		t.Helper()
		if err := e.NotePeaks(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	at := func(h int) time.Time { return start.Add(time.Duration(h) * time.Hour) }
	mutate(t, e, account("alice"), logIn("a", start))
	note(store.Peak{App: 1, Day: 20261123, Sessions: 5, At: at(1)}, store.Peak{App: 2, Day: 20261123, Sessions: 9, At: at(2)})
	note(store.Peak{App: 1, Day: 20261123, Sessions: 7, At: at(3)}, store.Peak{App: 1, Day: 20261124, Sessions: 2, At: at(13)})
	note(store.Peak{App: 1, Day: 20261123, Sessions: 7, At: at(4)}, store.Peak{App: 1, Day: 20261124, Sessions: 1, At: at(14)})
	note()
	mutate(t, e, account("bob"), logIn("a", start))
	first := counted(20261123, 2, 2, 2)
	first.Peak, first.PeakAt = 7, at(3)
	wantUsage(t, e, 1, 20261101, 20261130, []store.UsageRow{first, {Period: 20261124, Peak: 2, PeakAt: at(13)}})
	wantUsage(t, e, 2, 20261101, 20261130, []store.UsageRow{{Period: 20261123, Peak: 9, PeakAt: at(2)}})
}

// pruningUsage: days before a day go, and months before its month, in parts, of one
// app.
func pruningUsage(t *testing.T, e Engine) {
	elsewhere := account("alice")
	elsewhere.App = 2
	for i := range 4 {
		at := time.Date(2026, 10, 30, 12, 0, 0, 0, time.UTC).AddDate(0, 0, i) // into November
		mutate(t, e, account("alice"), logIn("d", at))
		mutate(t, e, elsewhere, logIn("d", at))
	}
	for _, want := range []int{2, 2, 0} { // 202610, 20261030; 20261031, 20261101
		if n, err := e.PruneUsage(t.Context(), 1, 20261102, 2); err != nil || n != want {
			t.Errorf("%d rows are dropped, %v; want %d", n, err, want)
		}
	}
	wantUsage(t, e, 1, 0, 99991231, []store.UsageRow{counted(202611, 1, 0, 0), counted(20261102, 1, 0, 1)})
	wantUsage(t, e, 2, 0, 202699, []store.UsageRow{counted(202610, 1, 0, 0), counted(202611, 1, 0, 0)})
	wantUsage(t, e, 2, 20261101, 20261102, []store.UsageRow{counted(20261101, 1, 0, 1), counted(20261102, 1, 0, 1)})
}
