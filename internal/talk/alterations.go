package talk

import (
	"slices"
	"time"
)

// MaxAlterations bounds the messages of which is told what became of them while a
// device was away. Where there are more, it may be any.
const MaxAlterations = 1000

// An Alteration is what a change has made of messages, for one side.
type Alteration struct {
	Change    uint64 // the side's change number
	Before    uint64 // that of the side's alteration before it in the conversation; 0: none
	At        time.Time
	Recalled  bool // for both; otherwise deleted by this side
	Sequences []uint64
}

// Alterations are what became of messages of a conversation after a change number, for
// one side.
type Alterations struct {
	Recalled []uint64
	Deleted  []uint64
	All      bool // it may be any message: there were too many, or nobody knows any more
}

// Gather is what became of messages after a change number: from a side's alterations
// after it, the latest first, of which old ones may not be kept. latest is the side's
// Altered. Nil: nothing.
func Gather(all []Alteration, latest, since uint64) *Alterations {
	if latest <= since {
		return nil
	}
	a := new(Alterations)
	next := latest
	for _, x := range all {
		if x.Change != next || len(a.Recalled)+len(a.Deleted)+len(x.Sequences) > MaxAlterations {
			break
		}
		if x.Recalled {
			a.Recalled = append(a.Recalled, x.Sequences...)
		} else {
			a.Deleted = append(a.Deleted, x.Sequences...)
		}
		next = x.Before
	}
	if next > since {
		return &Alterations{All: true}
	}
	slices.Sort(a.Recalled)
	slices.Sort(a.Deleted)
	return a
}
