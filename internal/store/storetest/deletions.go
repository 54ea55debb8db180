package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"rollcall.example/internal/talk"
)

// erase deletes messages for a side.
func erase(t *testing.T, e Engine, own, peer string, sequences ...uint64) {
	t.Helper()
	q := talk.Erasing{Asking: asking(start), Sequences: sequences}
	o := converse(t, e, own, peer, talk.Need{At: sequences}, func(t talk.Talk) talk.Outcome { return talk.DeleteMessages(t, q) })
	if o.Code != 0 {
		t.Fatalf("delete %d: %d %s", sequences, o.Code, o.Detail)
	}
}

// deletedRuns: whatever a side deletes, in whatever order, while old messages are dropped
// and new ones come, it reads all others and has the latest of them.
func deletedRuns(t *testing.T, e Engine) {
	people(t, e, "alice", "bob")
	for seed := range uint64(4) {
		peer := fmt.Sprint("peer", seed)
		people(t, e, peer)
		random, last, kept := rand.New(rand.NewPCG(seed, 1)), uint64(0), []uint64{}
		for range 20 {
			for range random.IntN(4) + 1 {
				m := say(t, e, peer, "alice", fmt.Sprint(peer, last), start.Add(time.Duration(last)*time.Minute))
				last, kept = m.Sequence, append(kept, m.Sequence)
			}
			var gone []uint64
			for range random.IntN(4) + 1 {
				gone = append(gone, random.Uint64N(last)+1)
			}
			erase(t, e, "alice", peer, gone...)
			erase(t, e, peer, "alice", last)
			kept = slices.DeleteFunc(kept, func(s uint64) bool { return slices.Contains(gone, s) })
			if s := random.Uint64N(last) + 1; s < last/4 {
				trim(t, e, start.Add(time.Duration(s-1)*time.Minute))
				kept = slices.DeleteFunc(kept, func(n uint64) bool { return n < s })
			}
			readAll(t, e, peer, kept, last)
		}
		trim(t, e, start.Add(time.Hour*24))
		readAll(t, e, peer, nil, last)
	}
}

// readAll holds what alice reads of her conversation with peer against what she has.
func readAll(t *testing.T, e Engine, peer string, kept []uint64, last uint64) {
	t.Helper()
	for _, count := range []int{1, 3, 100} {
		for at := uint64(1); at <= last+1; at++ {
			pageWith(t, e, peer, talk.Span{Before: at, Count: count}, kept, last)
			pageWith(t, e, peer, talk.Span{After: at, Count: count}, kept, last)
		}
	}
	views, _, _ := conversations(t, e, "alice", 0, 100)
	i := slices.IndexFunc(views, func(v talk.View) bool { return string(v.Peer) == peer })
	var want, got uint64
	if len(kept) > 0 {
		want = kept[len(kept)-1]
	}
	if m := views[i].Latest; m != nil {
		got = m.Sequence
	}
	if got != want {
		t.Errorf("the latest message is %d, want %d", got, want)
	}
}

func trim(t *testing.T, e Engine, before time.Time) {
	t.Helper()
	for {
		n, err := e.TrimMessages(t.Context(), 1, before, 3)
		if err != nil {
			t.Fatal(err)
		}
		if n < 3 {
			return
		}
	}
}

// alteredEverywhere: an answer tells so much of what became of messages, and the rest is
// asked for again.
func alteredEverywhere(t *testing.T, e Engine) {
	const talks, calls = 4, talk.MaxAlterations / talk.MaxDeletes * 3 / 4
	people(t, e, "alice")
	for i := range talks {
		peer := fmt.Sprint("peer", i)
		people(t, e, peer)
		say(t, e, peer, "alice", "first", start)
		for n := range calls {
			eraseUnsaid(t, e, peer, uint64(n*talk.MaxDeletes), calls*talk.MaxDeletes)
		}
	}
	since, told := uint64(0), 0
	for range talks + 1 {
		views, change, more, err := e.Conversations(t.Context(), account("alice"), since, 1, 100)
		if err != nil {
			t.Fatal(err)
		}
		here := 0
		for _, v := range views {
			here += len(v.Alterations.Deleted)
			since = v.Change
		}
		if told += here; here > 2*talk.MaxAlterations {
			t.Errorf("one answer tells of %d messages", here)
		}
		if !more {
			if since != change || told != talks*calls*talk.MaxDeletes {
				t.Errorf("told of %d messages, to change %d of %d", told, since, change)
			}
			return
		}
	}
	t.Error("there is more and more to tell")
}
