package main

import (
	"testing"
	"time"
)

func TestAMomentIsReadAsPeopleWriteIt(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, time.November, 23, 14, 3, 5, 500_000_000, time.UTC)
	for text, want := range map[string]string{
		"90m":                       "2026-11-23T12:33:05.5Z",
		"2d":                        "2026-11-21T14:03:05.5Z",
		"0s":                        "2026-11-23T14:03:05.5Z",
		"2026-11-23T14:00:00Z":      "2026-11-23T14:00:00.999Z", // to the end of the second
		"2026-11-23T14:00:00+02:00": "2026-11-23T12:00:00.999Z",
		"2026-11-23 15:03:04":       "2026-11-23T14:03:04.999Z",
		"2026-11-23T15:03:05":       "2026-11-23T14:03:05.5Z", // this second is not over
		"2026-11-23T14:00:00.25Z":   "2026-11-23T14:00:00.25Z",
		"2026-11-23 15:00":          "2026-11-23T14:00:00Z",
		"2026-11-23":                "2026-11-22T23:00:00Z",
		"2027-01-01 15:03:04":       "2027-01-01T14:03:04Z", // refused by the server
		"yesterday":                 "",
		"-5m":                       "",
		"14:03":                     "",
		"2026-13-01":                "",
		"":                          "",
	} {
		got, err := moment(text, berlin, now)
		if want == "" && err == nil {
			t.Errorf("%q is read as %v, want it refused", text, got)
		}
		if want != "" && (err != nil || got.UTC().Format(time.RFC3339Nano) != want) {
			t.Errorf("%q is read as %v, %v; want %s", text, got.UTC().Format(time.RFC3339Nano), err, want)
		}
	}
}
