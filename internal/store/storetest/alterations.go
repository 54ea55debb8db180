package storetest

import (
	"fmt"
	"testing"
	"time"

	"rollcall.example/internal/talk"
)

// became tells what became of messages with bob after a change number of alice's:
// "recalled [1] deleted [2 3]".
func became(t *testing.T, e Engine, since uint64) string {
	t.Helper()
	views, _, _, err := e.Conversations(t.Context(), account("alice"), 0, since, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range views {
		switch a := v.Alterations; {
		case v.Peer != "bob":
		case a == nil:
			return "nothing"
		case a.All:
			return "any"
		default:
			return fmt.Sprintf("recalled %d deleted %d", a.Recalled, a.Deleted)
		}
	}
	return "no conversation"
}

// altered: a side is told what became of its messages, after any change of its own.
func altered(t *testing.T, e Engine) {
	people(t, e, "alice", "bob", "carol")
	for i := range 6 {
		say(t, e, "bob", "alice", fmt.Sprint("b", i), start)
	}
	say(t, e, "alice", "carol", "c", start)
	erase := func(own, peer string, at time.Time, sequences ...uint64) {
		t.Helper()
		converse(t, e, own, peer, talk.Need{At: sequences}, func(x talk.Talk) talk.Outcome {
			return talk.DeleteMessages(x, talk.Erasing{Asking: asking(at), Sequences: sequences})
		})
	}
	recall := func(own, peer string, at time.Time, sequence uint64) {
		t.Helper()
		converse(t, e, own, peer, talk.Need{At: []uint64{sequence}}, func(x talk.Talk) talk.Outcome {
			return talk.Recall(x, talk.Recalling{Asking: asking(at), Sequence: sequence, Within: time.Hour})
		})
	}
	minute := func(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }
	recall("bob", "alice", minute(1), 2)      // alice's change 8
	erase("alice", "bob", minute(2), 1, 5)    // 9
	erase("bob", "alice", minute(2), 3)       // none of hers
	recall("alice", "carol", minute(3), 1)    // 10
	erase("alice", "bob", minute(4), 5, 4)    // 11
	erase("alice", "bob", minute(4), 1, 4, 5) // none
	for _, tt := range []struct {
		since uint64
		want  string
	}{
		{0, "recalled [2] deleted [1 4 5]"}, {7, "recalled [2] deleted [1 4 5]"}, {8, "recalled [] deleted [1 4 5]"},
		{9, "recalled [] deleted [4]"}, {10, "recalled [] deleted [4]"}, {11, "nothing"}, {1 << 63, "nothing"},
	} {
		if got := became(t, e, tt.since); got != tt.want {
			t.Errorf("after change %d: %s, want %s", tt.since, got, tt.want)
		}
	}
	alteredForgotten(t, e, minute)
	erase("alice", "bob", minute(6), 6) // 12
	if got := became(t, e, 11); got != "recalled [] deleted [6]" {
		t.Errorf("who has seen all that is not kept is told %s", got)
	}
}

// alteredForgotten: what is dropped is told as "any", to who has not seen it.
func alteredForgotten(t *testing.T, e Engine, minute func(int) time.Time) {
	t.Helper()
	for _, step := range []struct {
		before  time.Time
		dropped int
		want    string
	}{
		{minute(1), 0, "recalled [2] deleted [1 4 5]"},
		{minute(2), 2, "any"}, // one of each side
		{minute(5), 3, "any"},
		{minute(5), 2, "any"},
		{minute(5), 0, "any"},
	} {
		if n, err := e.TrimAlterations(t.Context(), 1, step.before, 3); n != step.dropped || err != nil {
			t.Errorf("before %v %d are dropped, %v; want %d", step.before, n, err, step.dropped)
		}
		if got := became(t, e, 0); got != step.want {
			t.Errorf("without those before %v: %s, want %s", step.before, got, step.want)
		}
	}
	if got := became(t, e, 11); got != "nothing" {
		t.Errorf("who has seen all is told %s", got)
	}
}

// alteredMany: whoever has missed more than is told hears that it may be any message.
func alteredMany(t *testing.T, e Engine) {
	people(t, e, "alice", "bob")
	say(t, e, "bob", "alice", "b", start)
	const calls = talk.MaxAlterations/talk.MaxDeletes + 1
	for i := range calls {
		eraseUnsaid(t, e, "bob", uint64(i*talk.MaxDeletes), calls*talk.MaxDeletes)
	}
	if got := became(t, e, 1); got != "any" {
		t.Errorf("of too many is told %.100s", got)
	}
	if got := became(t, e, 2); len(got) < 3*talk.MaxAlterations {
		t.Errorf("of as many as are told: %.100s", got)
	}
}

// eraseUnsaid deletes as many messages as may be, after one, for alice, as if so many had
// been said.
func eraseUnsaid(t *testing.T, e Engine, peer string, after, said uint64) {
	t.Helper()
	var sequences []uint64
	for n := range uint64(talk.MaxDeletes) {
		sequences = append(sequences, after+n+1)
	}
	converse(t, e, "alice", peer, talk.Need{}, func(x talk.Talk) talk.Outcome {
		last := x.Last
		x.Last = said
		o := talk.DeleteMessages(x, talk.Erasing{Asking: asking(start), Sequences: sequences})
		o.Talk.Last = last
		return o
	})
}

// keptFrom: a page says from where on messages are kept, and when it was read.
func keptFrom(t *testing.T, e Engine) {
	people(t, e, "alice", "bob")
	if p := messages(t, e, "alice", "bob", talk.Span{Count: 1}); p.KeptFrom != 0 || p.Change != 0 {
		t.Errorf("nothing was said, and it is kept from %d, change %d", p.KeptFrom, p.Change)
	}
	for i := range 5 {
		say(t, e, "bob", "alice", fmt.Sprint("b", i), start.Add(time.Duration(i)*time.Minute))
	}
	for trimmed, want := range []uint64{1, 2, 3, 4, 5, 6} {
		if _, err := e.TrimMessages(t.Context(), 1, start.Add(time.Duration(trimmed)*time.Minute), 10); err != nil {
			t.Fatal(err)
		}
		for _, s := range []talk.Span{{Count: 10}, {Count: 1}, {Before: 3, Count: 10}, {After: 4, Count: 10}} {
			if p := messages(t, e, "alice", "bob", s); p.KeptFrom != want || p.Change != 5 {
				t.Errorf("%+v: kept from %d, change %d; want %d and 5", s, p.KeptFrom, p.Change, want)
			}
		}
	}
}
