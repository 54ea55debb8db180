package talk_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rollcall.example/internal/talk"
)

func TestGather(t *testing.T) {
	recalled := func(change, before uint64, sequences ...uint64) talk.Alteration {
		return talk.Alteration{Change: change, Before: before, Recalled: true, Sequences: sequences}
	}
	deleted := func(change, before uint64, sequences ...uint64) talk.Alteration {
		return talk.Alteration{Change: change, Before: before, Sequences: sequences}
	}
	many := make([]uint64, 50)
	var long []talk.Alteration
	for i := range uint64(20) {
		long = append(long, deleted(100-i, 99-i, many...))
	}
	for _, tt := range []struct {
		name   string
		all    []talk.Alteration
		latest uint64
		since  uint64
		want   string
	}{
		{"none ever", nil, 0, 0, "<nil>"},
		{"none since", nil, 7, 7, "<nil>"},
		{"one", []talk.Alteration{recalled(7, 0, 3)}, 7, 0, "&{[3] [] false}"},
		{"some, sorted", []talk.Alteration{deleted(9, 8, 5), recalled(8, 7, 1), deleted(7, 2, 2, 3)}, 9, 6, "&{[1] [2 3 5] false}"},
		{"the earliest is not kept", []talk.Alteration{deleted(9, 8, 5)}, 9, 7, "&{[] [] true}"},
		{"the earliest is not kept, and not asked for", []talk.Alteration{deleted(9, 8, 5)}, 9, 8, "&{[] [5] false}"},
		{"none is kept", nil, 9, 8, "&{[] [] true}"},
		{"the latest is missing", []talk.Alteration{deleted(8, 0, 5)}, 9, 7, "&{[] [] true}"},
		{"one in the middle is missing", []talk.Alteration{deleted(9, 8, 5), deleted(7, 0, 5)}, 9, 6, "&{[] [] true}"},
		{"as many as are told", long, 100, 80, fmt.Sprintf("&{[] %v false}", make([]uint64, 1000))},
		{"one more", append(slices.Clone(long), deleted(80, 0, 1)), 100, 79, "&{[] [] true}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fmt.Sprint(talk.Gather(tt.all, tt.latest, tt.since)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// TestGatherTellsAllThatIsKept: whatever was dropped or lost, what is told is right.
func TestGatherTellsAllThatIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []talk.Alteration
		change := uint64(0)
		for range rapid.IntRange(0, 10).Draw(t, "alterations") {
			before := change
			change += rapid.Uint64Range(1, 3).Draw(t, "later")
			all = append(all, talk.Alteration{Change: change, Before: before, Sequences: []uint64{change}})
		}
		slices.Reverse(all)
		since := rapid.Uint64Range(0, change+1).Draw(t, "since")
		var told []talk.Alteration
		var want []uint64
		lost := false
		for _, a := range all {
			if a.Change <= since {
				continue
			}
			want = append(want, a.Change)
			if rapid.IntRange(0, 9).Draw(t, "lost") == 0 {
				lost = true
			} else {
				told = append(told, a)
			}
		}
		slices.Sort(want)
		switch got := talk.Gather(told, change, since); {
		case len(want) == 0:
			if got != nil {
				t.Fatalf("nothing happened, and %+v is told", got)
			}
		case got == nil || got.All != lost || !lost && !slices.Equal(got.Deleted, want):
			t.Fatalf("after %d, %v is told as %+v; lost: %t", since, want, got, lost)
		}
	})
}
