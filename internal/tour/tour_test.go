package tour

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"rollcall.example/conformance"
)

// TestTheTour takes the tour, over real TCP and in real time.
func TestTheTour(t *testing.T) {
	var out strings.Builder
	began := time.Now()
	if err := Run(t.Context(), NewNarrator(&out, false)); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %v, more than people wait", took)
	}
	for _, want := range []string{
		"1. The first login signs the account up", "login ok",
		"A hears: kicked by Android (newer login: over the limit of 1): Signed out because the account logged in on \"C's Android\" (Android): the app lets an account be logged in once on Android.",
		"ticket expired", "login 70001: ", "login 6206: ", "logout ok",
		"with 6208 (newer login)", "11. The server restarts", "renewal ok", "All 11 stories went as expected",
	} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("it does not tell %q:\n%s", want, &out)
		}
	}
	for line := range strings.Lines(out.String()) {
		if len(line) > 81 {
			t.Errorf("wider than 80 columns: %s", line)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("colours where none were wanted")
	}
}

func TestAStoryThatGoesWrong(t *testing.T) {
	stories, err := conformance.Parse("wrong.txt", `policy multi, one instance per platform
== Something else happens
# A wrong story.
A logs in as alice on Android => ok
A is logged in as bob
== Never told
1s passes`)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err = run(t.Context(), NewNarrator(&out, true), stories)
	const want = `wrong.txt:5: A is logged in as bob: it is logged in as "alice"`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if !strings.Contains(out.String(), "\x1b[31m NOT as expected: "+want) || strings.Contains(out.String(), "Never told") {
		t.Errorf("it tells:\n%s", &out)
	}
}

func TestTheTourIsLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, NewNarrator(new(strings.Builder), false)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}
