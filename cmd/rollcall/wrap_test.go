package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	const text = "alice is logged in on 1 device:\n" +
		"- \"Ann's tablet\" (Android), since 2026-11-23 14:03:05 UTC (2 hours ago): it is connected\n" +
		"\n" +
		"  It was signed out on 2026-11-23 14:03:05 UTC (2 hours ago), because the account logged in on \"Ann's tablet\".\n" +
		"  It was connected and was told at once."
	const want = "alice is logged in on 1 device:\n" +
		"- \"Ann's tablet\" (Android), since 2026-11-23 14:03:05 UTC (2\n" +
		"  hours ago): it is connected\n" +
		"\n" +
		"  It was signed out on 2026-11-23 14:03:05 UTC (2 hours ago),\n" +
		"  because the account logged in on \"Ann's tablet\".\n" +
		"  It was connected and was told at once."
	if got := wrap(text, 62); got != want {
		t.Errorf("it is\n%s\nwant\n%s", got, want)
	}
	if got := wrap("12345678901234567890123456789012345678901234567890 x", 10); got != "12345678901234567890123456789012345678901234567890\nx" {
		t.Errorf("a long word is %q", got)
	}
}

// TestTheReadmeShowsWhatIsPrinted wraps the explanation in the README anew: it stands
// there as on a terminal of 80 characters.
func TestTheReadmeShowsWhatIsPrinted(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```\n(alice is logged in.*?)```").FindSubmatch(readme)
	if shown == nil {
		t.Fatal("the README has no explanation")
	}
	whole := regexp.MustCompile(`\n +([a-z(])`).ReplaceAllString(string(shown[1]), " $1")
	if got := wrap(whole, 80); got != string(shown[1]) || !strings.Contains(whole, "): it is connected\n") {
		t.Errorf("it is\n%s\nthe README has\n%s", got, shown[1])
	}
}
