package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example/imcode"
)

// TestAServerThatIsNotThereIsToldOnce: a try that fails as the one before is counted, and
// told again each minute. Programs hear of each.
func TestAServerThatIsNotThereIsToldOnce(t *testing.T) {
	refused := event{Event: "connect failed", Code: imcode.ConnectRefused, Text: "dial tcp 127.0.0.1:7400: connect: connection refused"}
	slow := event{Event: "connect failed", Code: imcode.NetworkUnreachable, Text: "no answer"}
	synctest.Test(t, func(t *testing.T) {
		var out, lines strings.Builder
		people, programs := &reporter{out: &out}, &reporter{out: &lines, json: true}
		tell := func(e event, times int) {
			for range times {
				people.print(e)
				programs.print(e)
				time.Sleep(time.Second)
			}
		}
		tell(event{Event: "connecting"}, 1)
		tell(refused, 16)
		tell(slow, 1)
		tell(refused, 1)
		tell(event{Event: "connected"}, 1)
		tell(refused, 62)
		tell(event{Event: "logged out"}, 1)
		want := `connecting
connect failed    9511, 127.0.0.1:7400: connection refused; trying on
connect failed    9511, the same, 15 more times
connect failed    9512, no answer; trying on
connect failed    9511, 127.0.0.1:7400: connection refused; trying on
connected
connect failed    9511, 127.0.0.1:7400: connection refused; trying on
connect failed    9511, the same, 60 more times
connect failed    9511, the same, 1 more time
logged out
`
		var got strings.Builder
		for line := range strings.Lines(out.String()) {
			_, said, _ := strings.Cut(line, "  ")
			got.WriteString(said)
		}
		if got.String() != want {
			t.Errorf("got\n%s\nwant\n%s", got.String(), want)
		}
		if n := strings.Count(lines.String(), "connect failed"); n != 16+1+1+62 {
			t.Errorf("programs hear of %d tries that failed", n)
		}
	})
}
