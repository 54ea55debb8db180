package main

import (
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "24h": 24 * time.Hour, "0": 0, "-5m": -5 * time.Minute,
		"3d": 72 * time.Hour, "1d12h": 36 * time.Hour,
		"": -1, "d": -1, "d5m": -1, "-3d": -1, "1.5d": -1, "99999d": -1, "3 d": -1, "5": -1, "3d3d": -1, "soon": -1,
	} {
		got, err := span(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for text, good := range map[string]bool{"1s": true, "3d": true, "0": false, "0s": false, "-5m": false, "1ms": false, "x": false} {
		if err := new(lifetime).UnmarshalText([]byte(text)); (err == nil) != good {
			t.Errorf("a lifetime of %q: %v", text, err)
		}
	}
}
