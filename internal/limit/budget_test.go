package limit_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall.example/internal/limit"
)

func TestBudget(t *testing.T) {
	type step struct {
		at   float64
		key  string
		n    int64
		wait float64 // seconds; 0: it is taken
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"all of it at once, and no more", []step{{0, "alice", 60, 0}, {0, "alice", 40, 0}, {0, "alice", 1, 1}}},
		{"what was taken comes back evenly", []step{{0, "alice", 100, 0}, {10, "alice", 10, 0}, {10, "alice", 5, 5}, {15, "alice", 5, 0}}},
		{"what is refused takes nothing", []step{{0, "alice", 90, 0}, {0, "alice", 20, 10}, {0, "alice", 10, 0}}},
		{"no more than all comes back", []step{{0, "alice", 50, 0}, {1000, "alice", 100, 0}, {1000, "alice", 100, 100}}},
		{"more than all is all", []step{{0, "alice", 1000, 0}, {99, "alice", 1000, 1}, {100, "alice", 1000, 0}}},
		{"keys do not know of each other", []step{{0, "alice", 100, 0}, {0, "bob", 100, 0}}},
		{"a clock set back shuts nobody out for longer", []step{{5000, "alice", 100, 0}, {0, "alice", 10, 10}, {10, "alice", 10, 0}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := limit.Budget[string]{Most: 100, Window: 100 * time.Second}
			for i, s := range tt.steps {
				wait, ok := b.Take(s.key, s.n, at(s.at))
				if want := time.Duration(s.wait * float64(time.Second)); wait != want || ok != (want == 0) {
					t.Errorf("step %d: %s takes %d at %vs: wait %v, %t; want %v", i+1, s.key, s.n, s.at, wait, ok, want)
				}
			}
		})
	}
	b := limit.Budget[string]{Most: 100, Window: 100 * time.Second}
	b.Take("alice", 70, at(0))
	b.GiveBack("alice", 40, at(10)) // 10 have come back, 30 were taken in earnest
	if wait, ok := b.Take("alice", 81, at(10)); ok || wait != time.Second {
		t.Errorf("of 80 there are 81 to be had after %v, %t", wait, ok)
	}
	b.GiveBack("alice", 40, at(10))
	if wait, ok := b.Take("alice", 100, at(10)); !ok {
		t.Errorf("who was given back all has to wait for %v", wait)
	}
	if wait, ok := b.Take("alice", 1, at(10)); ok {
		t.Errorf("who was given back more than all has more than all, %v", wait)
	}
	var none limit.Budget[string]
	none.GiveBack("alice", 1, start)
	if wait, ok := none.Take("alice", 1<<62, start); wait != 0 || !ok || none.Len() != 0 {
		t.Errorf("without a bound: %v, %t, %d keys", wait, ok, none.Len())
	}
}

// TestABudgetIsKept: within no window is as much as twice of it taken; and who waits as
// long as told takes what was refused.
func TestABudgetIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const most, window = 1000, 100 * time.Second
		b := limit.Budget[string]{Most: most, Window: window}
		now := start
		type taken struct {
			at time.Time
			n  int64
		}
		var all []taken
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(30*time.Second)).Draw(t, "later")))
			n := rapid.Int64Range(1, most).Draw(t, "n")
			wait, ok := b.Take("alice", n, now)
			if !ok {
				now = now.Add(wait)
				if wait, ok = b.Take("alice", n, now); !ok {
					t.Fatalf("%d are refused after the wait, for %v more", n, wait)
				}
			}
			all = append(all, taken{now, n})
			sum := int64(0)
			for _, x := range all {
				if now.Sub(x.at) < window {
					sum += x.n
				}
			}
			if sum >= 2*most {
				t.Fatalf("%d were taken within %v, of %d", sum, window, most)
			}
		}
	})
}

func TestABudgetForgetsWhoHasAllBack(t *testing.T) {
	b := limit.Budget[int]{Most: 100, Window: time.Minute, Keys: 100}
	for i := range 1000 {
		b.Take(i, 100, start)
	}
	if n := b.Len(); n != 100 {
		t.Errorf("of 1000 keys %d are remembered, want 100", n)
	}
	if _, ok := b.Take(999, 1, start); ok {
		t.Error("the latest key was forgotten")
	}
	for i := range 60 {
		b.Take(2000+i, 1, start.Add(time.Minute))
	}
	if n := b.Len(); n > 60 {
		t.Errorf("%d keys are remembered, of which all but 60 have all back", n)
	}
}
