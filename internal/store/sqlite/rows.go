package sqlite

import (
	"cmp"
	"slices"
	"time"

	"rollcall.example/internal/policy"
)

// endOfTime is the latest moment in the database, the end of the year 9999: a
// UserSig may claim to be good for longer than milliseconds can count.
const endOfTime = 253402300799_000

// millis is a time as the database has it.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment is the time of a database value.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// dueMillis is when time alone ends x.
func dueMillis(x policy.Session) int64 {
	if x.SigEnds >= endOfTime/1000 {
		x.SigEnds = endOfTime/1000 - 1
	}
	return x.Due().UnixMilli()
}

// blob is a hash as the database has it: empty if there is none.
func blob(h *policy.Hash) []byte {
	if *h == (policy.Hash{}) {
		return []byte{}
	}
	return h[:]
}

// A scalars is what the account's own row holds.
type scalars struct {
	created         int64
	disabled        bool
	counter         uint64
	restKickCounter uint64
	validFrom       int64
	highestSigTime  int64
	activeDay       int
	activeMonth     int
}

func scalarsOf(s policy.State) scalars {
	return scalars{
		millis(s.Created), s.Disabled, s.Counter, s.RESTKickCounter,
		s.ValidFrom, s.HighestSigTime, s.ActiveDay, s.ActiveMonth,
	}
}

// empty tells whether there is nothing in s to keep.
func empty(s policy.State) bool {
	return scalarsOf(s) == scalars{} && len(s.Sessions)+len(s.Kicks)+len(s.Tries) == 0
}

// stored is s as reading it back from the database would give it: times to the
// millisecond, in UTC; everything arranged. So a rule sees the same whether the
// state came from rows or from the rule before it.
func stored(s policy.State) policy.State {
	s.Created = moment(millis(s.Created))
	s.Sessions = slices.Clone(s.Sessions)
	for i := range s.Sessions {
		x := &s.Sessions[i]
		x.Since, x.Away = moment(millis(x.Since)), moment(millis(x.Away))
	}
	s.Kicks = slices.Clone(s.Kicks)
	for i := range s.Kicks {
		s.Kicks[i].At = moment(millis(s.Kicks[i].At))
	}
	s.Tries = slices.Clone(s.Tries)
	for i := range s.Tries {
		s.Tries[i].Seen = moment(millis(s.Tries[i].Seen))
	}
	arrange(s)
	return s
}

// arrange puts sessions in the order of their numbers, kicks in that of their
// times, tries with the latest seen first.
func arrange(s policy.State) {
	slices.SortStableFunc(s.Sessions, func(a, b policy.Session) int { return cmp.Compare(a.Number, b.Number) })
	slices.SortStableFunc(s.Kicks, func(a, b policy.Kick) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Session, b.Session))
	})
	slices.SortStableFunc(s.Tries, func(a, b policy.Try) int {
		return cmp.Or(b.Seen.Compare(a.Seen), cmp.Compare(a.Device, b.Device))
	})
}

// A change is how a set of rows came to be another.
type change[T any] struct{ added, altered, gone []T }

// changes compares rows by key. A row is added once for each time it is in is,
// so that a key given twice meets the database's own constraint.
func changes[T comparable, K comparable](was, is []T, key func(T) K) change[T] {
	var c change[T]
	if slices.Equal(was, is) {
		return c
	}
	find := func(in []T, k K) int { return slices.IndexFunc(in, func(x T) bool { return key(x) == k }) }
	for _, x := range is {
		switch i := find(was, key(x)); {
		case i < 0:
			c.added = append(c.added, x)
		case was[i] != x:
			c.altered = append(c.altered, x)
		}
	}
	for _, x := range was {
		if find(is, key(x)) < 0 {
			c.gone = append(c.gone, x)
		}
	}
	return c
}
