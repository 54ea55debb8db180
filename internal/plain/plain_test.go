package plain_test

import (
	"testing"
	"time"

	"rollcall.example/internal/plain"
)

func TestSpan(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		0:                            "less than a second",
		400 * time.Millisecond:       "less than a second",
		-time.Second:                 "1 second",
		90 * time.Second:             "1 minute 30 seconds",
		time.Hour:                    "1 hour",
		time.Hour + 29*time.Second:   "1 hour",
		time.Hour + 59*time.Minute:   "1 hour 59 minutes",
		day - time.Second:            "1 day",
		day + 2*time.Minute:          "1 day",
		400 * day:                    "1 year 35 days",
		2*day + 3*time.Hour + 7e9*60: "2 days 3 hours",
	} {
		if got := plain.Span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestStamp(t *testing.T) {
	noon := time.Date(2026, time.November, 23, 12, 0, 0, 999, time.UTC)
	if got := plain.Stamp(noon, nil); got != "2026-11-23 12:00:00 UTC" {
		t.Error(got)
	}
	if got := plain.Stamp(noon, time.FixedZone("CET", 3600)); got != "2026-11-23 13:00:00 CET" {
		t.Error(got)
	}
}

func TestZone(t *testing.T) {
	for name, known := range map[string]bool{
		"": true, "UTC": true, "Asia/Shanghai": true, "America/Argentina/Buenos_Aires": true, "Etc/GMT+8": true,
		"Local": false, "local": false, "localtime": false, "posixrules": false, "Factory": false, "FACTORY": false,
		"posix/Asia/Shanghai": false, "right/Asia/Shanghai": false, "right/UTC": false,
		"Mars/Olympus": false, "../zoneinfo/UTC": false, "/etc/localtime": false, "zone.tab": false,
	} {
		if zone, got := plain.Zone(name); got != known || known && zone == time.Local {
			t.Errorf("%q: %v, known is %v, want %v", name, zone, got, known)
		}
	}
}
