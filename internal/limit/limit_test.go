package limit_test

import (
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall.example/internal/limit"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

func TestAttempts(t *testing.T) {
	type step struct {
		at      float64
		key, id string
		want    bool
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"the sixth within ten seconds is refused", []step{
			{0, "alice", "a", true}, {1, "alice", "b", true}, {2, "alice", "c", true},
			{3, "alice", "d", true}, {4, "alice", "e", true}, {9.9, "alice", "f", false}}},
		{"a retry counts nothing, also at the limit", []step{
			{0, "alice", "a", true}, {0, "alice", "a", true}, {1, "alice", "b", true}, {2, "alice", "c", true},
			{3, "alice", "d", true}, {4, "alice", "e", true}, {5, "alice", "a", true}, {6, "alice", "f", false}}},
		{"room comes as the first ones grow old", []step{
			{0, "alice", "a", true}, {1, "alice", "b", true}, {1, "alice", "c", true}, {1, "alice", "d", true},
			{1, "alice", "e", true}, {10, "alice", "f", true}, {10, "alice", "g", false}, {11, "alice", "g", true}}},
		{"a refused one takes no room", []step{
			{0, "alice", "a", true}, {0, "alice", "b", true}, {0, "alice", "c", true}, {0, "alice", "d", true},
			{0, "alice", "e", true}, {9, "alice", "f", false}, {10, "alice", "g", true}, {10, "alice", "f", true}}},
		{"keys do not know of each other", []step{
			{0, "alice", "a", true}, {0, "alice", "b", true}, {0, "alice", "c", true}, {0, "alice", "d", true},
			{0, "alice", "e", true}, {0, "alice", "f", false}, {0, "bob", "f", true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var a limit.Attempts[string, string]
			for i, s := range tt.steps {
				if got := a.Allow(s.key, s.id, at(s.at)); got != s.want {
					t.Errorf("step %d: %s tries %s at %vs: %t, want %t", i+1, s.key, s.id, s.at, got, s.want)
				}
			}
		})
	}
}

func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps string // F: a failure, a number: seconds pass, =n: blocked for n more seconds
	}{
		{"the tenth failure blocks for a minute", "FFFFFFFFF =0 F =60 59 =1 1 =0"},
		{"slow failures do not block", "FFFFFFFFF 60 FFFFFFFFF =0 F =60"},
		{"the window slides", "F 30 FFFFFFFF 29 =0 F =60"},
		{"failures during a block do not prolong it", "FFFFFFFFFF 30 FFFFFFFFFFFF =30 30 =0"},
		{"after a block the count begins anew", "FFFFFFFFFF 60 FFFFFFFFF =0 F =60"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var f limit.Failures[string]
			now := start
			for step := range strings.FieldsSeq(tt.steps) {
				switch step[0] {
				case 'F':
					for range step {
						f.Fail("alice", now)
					}
				case '=':
					seconds := atoi(t, step[1:])
					wait, blocked := f.Blocked("alice", now)
					if wait != time.Duration(seconds)*time.Second || blocked != (seconds > 0) {
						t.Errorf("%s after %v: blocked %t for %v", step, now.Sub(start), blocked, wait)
					}
				default:
					now = now.Add(time.Duration(atoi(t, step)) * time.Second)
				}
				if _, blocked := f.Blocked("bob", now); blocked {
					t.Error("bob, who never failed, is blocked")
				}
			}
		})
	}
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMemoryIsBounded(t *testing.T) {
	a := limit.Attempts[int, int]{Keys: 100}
	f := limit.Failures[int]{Keys: 100, Max: 1}
	for i := range 10_000 {
		a.Allow(i, i, start)
		f.Fail(i, start)
		if a.Len() > 100 || f.Len() > 100 {
			t.Fatalf("after %d keys %d and %d are remembered", i+1, a.Len(), f.Len())
		}
	}
	if _, blocked := f.Blocked(9_999, start); !blocked {
		t.Error("the newest key was forgotten")
	}
	if _, blocked := f.Blocked(0, start); blocked {
		t.Error("the stalest key is remembered")
	}
}

func TestAKeyInUseOutlivesIdleOnes(t *testing.T) {
	a := limit.Attempts[int, int]{Keys: 3, Max: 1}
	a.Allow(1, 1, start)
	for key := range 100 {
		a.Allow(key+2, 1, start)
		if a.Allow(1, 2, start) {
			t.Fatalf("key 1 was forgotten after %d others, though in use", key+1)
		}
	}
}

func TestIdleKeysGo(t *testing.T) {
	var a limit.Attempts[int, int]
	var f limit.Failures[int]
	for key := range 1000 {
		a.Allow(key, 0, start)
		f.Fail(key, start)
	}
	for key := range 1000 {
		a.Allow(5000+key, 0, at(10))
		f.Fail(5000+key, at(60))
	}
	if a.Len() != 1000 || f.Len() != 1000 {
		t.Errorf("%d and %d keys are remembered, 1000 of each matter", a.Len(), f.Len())
	}
}

// Against the plainest model there is: the list of all that happened.
func TestAttemptsAgainstTheirHistory(t *testing.T) {
	type event struct {
		key, id int
		at      time.Time
	}
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 4).Draw(t, "max")
		window := time.Duration(rapid.IntRange(1, 20).Draw(t, "window")) * time.Second
		a := limit.Attempts[int, int]{Max: most, Window: window}
		var history []event
		now := start
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 8).Draw(t, "wait")) * time.Second)
			key, id := rapid.IntRange(0, 3).Draw(t, "key"), rapid.IntRange(0, 6).Draw(t, "id")
			counted, known := 0, false
			for _, e := range history {
				if e.key == key && e.at.Add(window).After(now) {
					counted++
					known = known || e.id == id
				}
			}
			want := known || counted < most
			if got := a.Allow(key, id, now); got != want {
				t.Fatalf("key %d, id %d: %t, want %t; %d in the window, known %t", key, id, got, want, counted, known)
			}
			if want && !known {
				history = append(history, event{key, id, now})
			}
		}
	})
}

func TestFailuresAgainstTheirHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.IntRange(1, 20)
		f := limit.Failures[int]{
			Max:    rapid.IntRange(1, 4).Draw(t, "max"),
			Window: time.Duration(seconds.Draw(t, "window")) * time.Second,
			Block:  time.Duration(seconds.Draw(t, "block")) * time.Second,
		}
		counted := make(map[int][]time.Time) // since the last block
		until := make(map[int]time.Time)
		now := start
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 8).Draw(t, "wait")) * time.Second)
			key := rapid.IntRange(0, 3).Draw(t, "key")
			wait, blocked := f.Blocked(key, now)
			if left := max(0, until[key].Sub(now)); wait != left || blocked != (left > 0) {
				t.Fatalf("key %d: blocked %t for %v, want %v", key, blocked, wait, left)
			}
			if !rapid.Bool().Draw(t, "fails") {
				continue
			}
			f.Fail(key, now)
			if blocked {
				continue
			}
			counted[key] = append(counted[key], now)
			n := 0
			for _, at := range counted[key] {
				if at.Add(f.Window).After(now) {
					n++
				}
			}
			if n >= f.Max {
				until[key], counted[key] = now.Add(f.Block), nil
			}
		}
	})
}

func TestConcurrentUseLetsThroughNoMore(t *testing.T) {
	var a limit.Attempts[string, int]
	var f limit.Failures[string]
	var mu sync.Mutex
	allowed := 0
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			f.Fail("alice", start)
			f.Blocked("alice", start)
			if a.Allow("alice", i, start) {
				mu.Lock()
				defer mu.Unlock()
				allowed++
			}
		})
	}
	all.Wait()
	if allowed != 5 {
		t.Errorf("%d of 50 were allowed, want 5", allowed)
	}
	if _, blocked := f.Blocked("alice", start); !blocked {
		t.Error("50 failures did not block")
	}
}

func BenchmarkAllow(b *testing.B) {
	var a limit.Attempts[int, int]
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a.Allow(i%200_000, i, start.Add(time.Duration(i)*time.Microsecond))
	}
}

func BenchmarkFail(b *testing.B) {
	var f limit.Failures[int]
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f.Fail(i%200_000, start.Add(time.Duration(i)*time.Microsecond))
	}
}

func BenchmarkBlockedByMany(b *testing.B) {
	var f limit.Failures[int]
	f.Fail(1, start)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			f.Blocked(i%1000, start)
		}
	})
}

// TestManyStrangersTakeLittleMemory: each of more addresses than are remembered
// fails once, and as many as can fail almost often enough to be blocked.
func TestManyStrangersTakeLittleMemory(t *testing.T) {
	var few limit.Attempts[string, int]
	many := limit.Failures[string]{Max: 100}
	before := heap()
	for i := range 120_000 {
		name := "2001:db8:" + strconv.Itoa(i)
		few.Allow(name, i, at(1))
		many.Fail(name, at(1))
		if i >= 110_000 {
			for range 98 {
				many.Fail(name, at(1))
			}
		}
	}
	if grown := int64(heap() - before); grown > 40<<20 {
		t.Errorf("%d and %d keys take %d bytes, want at most 40 MiB", few.Len(), many.Len(), grown)
	}
	if few.Len() != 100_000 {
		t.Errorf("%d keys are remembered, want as many as there may be", few.Len())
	}
	many.Fail("2001:db8:1", at(2))
	if _, blocked := many.Blocked("2001:db8:1", at(2)); blocked {
		t.Error("two failures block")
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestWhatIsRememberedOfAllKeysIsBounded: what is remembered of all keys together is
// bounded too, and the one that fails now is not forgotten for it.
func TestWhatIsRememberedOfAllKeysIsBounded(t *testing.T) {
	f := limit.Failures[int]{Keys: 100, Max: 1000}
	for key := range 2 {
		for range 600 {
			f.Fail(key, start)
		}
	}
	if f.Len() != 1 {
		t.Errorf("%d keys are remembered with 600 failures each, want one: there is room for 1000 failures", f.Len())
	}
	g := limit.Failures[int]{Keys: 1, Max: 1000}
	for range 1000 {
		g.Fail(1, start)
	}
	if _, blocked := g.Blocked(1, start); !blocked {
		t.Error("a key was forgotten while it failed")
	}
}
