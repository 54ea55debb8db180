package storetest

import (
	"slices"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// existing is an account that has signed up.
var existing = policy.State{Created: start}

func historyRoundTrip(t *testing.T, e Engine) {
	a := account("alice")
	events := []policy.Event{
		{At: start.Add(123 * time.Millisecond), Kind: policy.EventSignedUp, Device: "d", DeviceName: "Ann's phone", Platform: 3, Address: "2001:db8::1"},
		{At: start.Add(time.Second), Kind: policy.EventLogin, Session: 1<<40 + 1, Device: "d", Platform: 3},
		{At: start.Add(time.Second), Kind: policy.EventRefused, Device: "d", Code: 70001, Fold: 10 * time.Minute},
		{
			At: start.Add(time.Hour), Kind: policy.EventKicked, Session: 1, Device: "e", DeviceName: "日本", Platform: 8, Connected: true,
			Reason: policy.NewerLogin, By: policy.By{Session: 2, Platform: 1, DeviceName: "tablet", Rule: policy.OverLimit, Limit: 3},
		},
		{At: start.Add(2 * time.Hour), Kind: policy.EventDisabled, By: policy.By{Operator: "Olga"}},
	}
	mutate(t, e, a, becomes(existing, events...))
	rows := history(t, e, a)
	slices.Reverse(rows)
	if len(rows) != len(events) {
		t.Fatalf("%d rows of %d events", len(rows), len(events))
	}
	for i, want := range events {
		got := rows[i]
		if got.Event != want || got.Count != 1 || !got.Last.Equal(want.At) {
			t.Errorf("row %d reads\n%+v, want the event\n%+v", i, got, want)
		}
		if i > 0 && got.ID <= rows[i-1].ID {
			t.Errorf("row %d has id %d after %d", i, got.ID, rows[i-1].ID)
		}
	}
}

func historyPages(t *testing.T, e Engine) {
	a, other := account("alice"), account("bob")
	for i := range 10 {
		at := start.Add(time.Duration(i) * time.Second)
		mutate(t, e, a, becomes(existing, policy.Event{At: at, Kind: policy.EventLogin, Session: uint64(i + 1)}))
		mutate(t, e, other, becomes(existing, policy.Event{At: at, Kind: policy.EventLogin, Session: 99}))
	}
	var got []uint64
	var before int64
	for range 5 {
		page, err := e.History(t.Context(), a, before, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page {
			got, before = append(got, row.Session), row.ID
		}
	}
	if want := []uint64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}; !slices.Equal(got, want) {
		t.Errorf("paged through sessions %v, want %v", got, want)
	}
}

func folding(t *testing.T, e Engine) {
	a := account("alice")
	refused := func(minute int, change func(*policy.Event)) policy.Event {
		v := policy.Event{
			At: start.Add(time.Duration(minute) * time.Minute), Kind: policy.EventRefused,
			Device: "phone", Code: 70001, Fold: 10 * time.Minute,
		}
		change(&v)
		return v
	}
	asIs := func(*policy.Event) {}
	for _, v := range []policy.Event{
		refused(0, asIs),
		refused(9, asIs),  // 9 minutes later
		refused(19, asIs), // 10 minutes after the last, 19 after the first
		refused(19, func(v *policy.Event) { v.Device = "tablet" }),
		refused(19, func(v *policy.Event) { v.Code = 70051 }),
		refused(19, func(v *policy.Event) { v.Kind = policy.EventResume }),
		refused(19, func(v *policy.Event) { v.Session = 7 }),
		refused(19, func(v *policy.Event) { v.DeviceName = "Ann's phone" }), // who was refused is not hidden
		refused(19, func(v *policy.Event) { v.Platform = rollcall.Mac }),
		refused(19, func(v *policy.Event) { v.Address = "192.0.2.0" }),
		refused(19, func(v *policy.Event) { v.Fold = 0 }), // never folds, nothing folds into it
		refused(30, asIs), // 11 minutes after the last
		refused(31, asIs),
		refused(30, asIs), // a clock went back
	} {
		mutate(t, e, a, becomes(existing, v))
	}
	if rows := history(t, e, a); len(rows) == 0 || !rows[0].Last.Equal(start.Add(31*time.Minute)) {
		t.Errorf("after a clock went back the latest row is %+v, want its last at minute 31", rows)
	}
	// Two of one decision, and one of somebody else.
	mutate(t, e, a, becomes(existing, refused(32, asIs), refused(33, asIs)))
	mutate(t, e, account("bob"), becomes(existing, refused(33, asIs)))

	type line struct {
		first, last time.Duration
		count       int
	}
	var got []line
	for _, row := range slices.Backward(history(t, e, a)) {
		got = append(got, line{row.At.Sub(start), row.Last.Sub(start), row.Count})
	}
	m := time.Minute
	alone := line{19 * m, 19 * m, 1}
	want := []line{{0, 19 * m, 3}, alone, alone, alone, alone, alone, alone, alone, alone, {30 * m, 33 * m, 5}}
	if !slices.Equal(got, want) {
		t.Errorf("folded to (first, last, count)\n%v, want\n%v", got, want)
	}
	if rows := history(t, e, account("bob")); len(rows) != 1 || rows[0].Count != 1 {
		t.Errorf("an event of another account folded into %+v", rows)
	}
}

// foldingEnds: what goes on for days does not end in one row that retention takes
// for old.
func foldingEnds(t *testing.T, e Engine) {
	a := account("alice")
	for minute := 0; minute <= 25*60; minute += 5 {
		at := start.Add(time.Duration(minute) * time.Minute)
		mutate(t, e, a, becomes(existing, policy.Event{At: at, Kind: policy.EventRefused, Device: "phone", Code: 70001, Fold: 10 * time.Minute}))
	}
	rows := history(t, e, a)
	if len(rows) != 2 || rows[1].Last.Sub(rows[1].At) != store.LongestFold || rows[0].Count != 12 {
		t.Errorf("25 hours folded into %d rows: %+v", len(rows), rows)
	}
}

// pruning drops what is old, of one app, the oldest first, and no more than asked.
func pruning(t *testing.T, e Engine) {
	a, other := account("alice"), rollcall.Account{App: 2, User: "alice"}
	for i := range 10 {
		v := policy.Event{At: start.Add(time.Duration(i) * time.Hour), Kind: policy.EventLogin, Session: uint64(i + 1)}
		mutate(t, e, a, becomes(existing, v))
		mutate(t, e, other, becomes(existing, v))
	}
	for _, tt := range []struct{ hours, limit, gone, left int }{
		{0, 100, 0, 10}, {5, 2, 2, 8}, {5, 100, 3, 5}, {5, 100, 0, 5}, {99, 100, 5, 0},
	} {
		n, err := e.Prune(t.Context(), 1, start.Add(time.Duration(tt.hours)*time.Hour), tt.limit)
		rows := history(t, e, a)
		if err != nil || n != tt.gone || len(rows) != tt.left {
			t.Errorf("dropped %d before hour %d, %v; %d are left, want %d", n, tt.hours, err, len(rows), tt.left)
		}
		if len(rows) > 0 && rows[len(rows)-1].Session != uint64(11-tt.left) {
			t.Errorf("the oldest of %d rows is that of session %d", len(rows), rows[len(rows)-1].Session)
		}
	}
	if s := state(t, e, a); !s.Exists() {
		t.Error("the account went with its history")
	}
	if rows := history(t, e, other); len(rows) != 10 {
		t.Errorf("another app has %d rows left of 10", len(rows))
	}
}

// lastRow: the rows of an account's deletion are kept, and no later ones.
func lastRow(t *testing.T, e Engine) {
	a := account("alice")
	mutate(t, e, a, becomes(existing))
	mutate(t, e, a, becomes(policy.State{Counter: 1}, policy.Event{At: start, Kind: policy.EventDeleted}))
	mutate(t, e, a, becomes(policy.State{Counter: 2}, policy.Event{At: start, Kind: policy.EventRefused}))
	if rows := history(t, e, a); len(rows) != 1 || rows[0].Kind != policy.EventDeleted {
		t.Errorf("rows %+v, want that of the deletion", rows)
	}
}
