package policy

import (
	"slices"
	"time"
)

// SetBackGap is how far session numbers go on above those that a store knows which was
// set back: more than an account can have been given since the moment it was set back to.
const SetBackGap = 1_000_000

// SetBack is what becomes of an account when its store is set back to an earlier moment,
// as by a backup. Who has left since then, come, or been thrown out, the store does not
// know, and the secrets that it knows may have been used up. So all sessions end without a
// word: clients that are still in are told to log in again, and do so by themselves. Their
// new sessions have numbers that no other has had.
func SetBack(before State, now time.Time, r Rules) Outcome {
	d := decide(before, now, r)
	d.sweep()
	for _, x := range slices.Clone(d.State.Sessions) {
		d.remove(x)
		d.Ended = append(d.Ended, Ended{Session: x, Kind: EventSetBack})
		d.recordOf(x, EventSetBack, 0)
	}
	d.State.Counter += SetBackGap
	return d.answer(Granted)
}
