package sim

import (
	"slices"
	"testing"
)

// TestWithout takes one mechanism away at a time. Each time a promise breaks that
// the mechanism is there for.
func TestWithout(t *testing.T) {
	for _, tt := range []struct {
		name    string
		without Without
		from    uint64   // a seed near one that was found
		breaks  []string // one of these
	}{
		{"the try number", TryNumbers, 1, []string{
			"nothing resurrects", "one attempt, one session", "a late frame never harms a later session", "what was logged out ends",
		}},
		{"the secret drawn by the client", ClientSecrets, 1, []string{"one attempt, one session"}},
		{"the pending logout", PendingLogouts, 1, []string{"what was logged out ends"}},
		{"the kick row's acknowledgement", RowsUntilAcknowledged, 1, []string{"who was kicked is told when he comes back"}},

		{"kick seen before every signal", SeenBeforeEverySignal, 1, []string{"one event, one signal"}},
		{"the logout of a refused attempt", LogoutOfRefused, 1, []string{"nothing resurrects", "clients and server agree who is in"}},
		{"the word of the server on what it may have renewed", AskInDoubt, 75_000, []string{"clients and server agree who is in"}},
		{"the wait before a logout's second time", SecondLogout, 55_000, []string{"what was logged out ends", "no session kicks itself"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := search(tt.from, 200_000, tt.without)
			if b == nil {
				t.Fatal("no promise breaks")
			}
			t.Log(b)
			if !slices.Contains(tt.breaks, b.Promise) {
				t.Errorf("%q breaks, want one of %q", b.Promise, tt.breaks)
			}
		})
	}
}
