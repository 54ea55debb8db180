package backoff_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall.example/internal/backoff"
)

const (
	ms  = time.Millisecond
	sec = time.Second
)

func TestNext(t *testing.T) {
	half := func() float64 { return 0.5 }
	for _, tt := range []struct {
		name  string
		b     backoff.Backoff
		hints []time.Duration
		want  string
	}{
		{"the ceiling doubles up to the cap", backoff.Backoff{Base: sec, Cap: 5 * sec, Rand: half},
			[]time.Duration{0, 0, 0, 0, 0}, "[500ms 1s 2s 2.5s 2.5s]"},
		{"the zero value", backoff.Backoff{Rand: half},
			[]time.Duration{0, 0, 0, 0, 0, 0, 0, 0}, "[250ms 500ms 1s 2s 4s 8s 15s 15s]"},
		{"a base over the cap", backoff.Backoff{Base: 9 * sec, Cap: 4 * sec, Rand: half},
			[]time.Duration{0, 0}, "[2s 2s]"},
		{"the longest cap", backoff.Backoff{Base: math.MaxInt64/2 + 1, Cap: math.MaxInt64, Rand: func() float64 { return 0 }},
			[]time.Duration{0, 0, 0}, "[0s 0s 0s]"},
		{"a short hint is spread over the ceiling", backoff.Backoff{Base: 10 * sec, Rand: half},
			[]time.Duration{2 * sec}, "[7s]"},
		{"a long hint is spread over half of itself", backoff.Backoff{Base: sec, Rand: half},
			[]time.Duration{8 * sec}, "[10s]"},
		{"a hint counts as a try", backoff.Backoff{Base: sec, Rand: half},
			[]time.Duration{8 * sec, 0}, "[10s 1s]"},
		{"a hint of ten years is one hour", backoff.Backoff{Rand: half},
			[]time.Duration{87600 * time.Hour}, "[1h15m0s]"},
		{"a negative hint is none", backoff.Backoff{Base: sec, Rand: half},
			[]time.Duration{-sec}, "[500ms]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []time.Duration
			for _, h := range tt.hints {
				got = append(got, tt.b.Next(h))
			}
			if fmt.Sprint(got) != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}

func TestResetBeginsAnew(t *testing.T) {
	b := backoff.Backoff{Base: sec, Rand: func() float64 { return 0.5 }}
	for range 4 {
		b.Next(0)
	}
	b.Reset()
	if got := b.Next(0); got != 500*ms {
		t.Errorf("first wait after Reset is %v, want 500ms", got)
	}
}

func TestWaitsStayWithinTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "base"))
		limit := time.Duration(rapid.Int64Range(1, int64(24*time.Hour)).Draw(t, "cap"))
		b := backoff.Backoff{Base: base, Cap: limit, Rand: func() float64 {
			return rapid.Float64Range(0, math.Nextafter(1, 0)).Draw(t, "rand")
		}}
		ceiling := min(base, limit)
		for range rapid.IntRange(1, 80).Draw(t, "tries") {
			hint := time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(t, "hint"))
			got := b.Next(hint)
			hint = min(hint, time.Hour)
			if got < hint || got > hint+max(ceiling, hint/2) {
				t.Fatalf("wait %v, hint %v, ceiling %v", got, hint, ceiling)
			}
			ceiling = min(2*ceiling, limit)
		}
	})
}

// A thousand clients that lost their server together do not come back together.
func TestDefaultRandomnessSpreads(t *testing.T) {
	seen := make(map[time.Duration]bool)
	for range 1000 {
		var b backoff.Backoff
		seen[b.Next(5*sec)] = true
	}
	if len(seen) < 900 {
		t.Errorf("1000 clients come back at only %d different moments", len(seen))
	}
}
