package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/internal/talk"
)

// changedSince: conversations come by their last change, each once, and pages follow
// on each other.
func changedSince(t *testing.T, e Engine) {
	people(t, e, "alice")
	for i := range 10 {
		people(t, e, fmt.Sprint("u", i))
	}
	for round := range 3 {
		for i := range 10 {
			if i%(round+1) == 0 {
				say(t, e, fmt.Sprint("u", i), "alice", fmt.Sprint("m", round), start)
			}
		}
	}
	var got []string
	var since uint64
	for pages := 0; ; pages++ {
		views, change, more := conversations(t, e, "alice", since, 3)
		if change != 19 || pages > 4 {
			t.Fatalf("page %d: change %d, want 19", pages, change)
		}
		for _, v := range views {
			got = append(got, fmt.Sprintf("%s:%d:%d/%d=%s", v.Peer, v.Change, v.Unread, v.Last, v.Latest.ID))
			if v.Change <= since {
				t.Errorf("%+v comes after change %d", v, since)
			}
			since = v.Change
		}
		if !more {
			break
		}
	}
	const want = "u1:2:1/1=m0 u5:6:1/1=m0 u7:8:1/1=m0 u2:12:2/2=m1 u4:13:2/2=m1 u8:15:2/2=m1 u0:16:3/3=m2 u3:17:2/2=m2 u6:18:3/3=m2 u9:19:2/2=m2"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("conversations are\n%s, want\n%s", s, want)
	}
	if views, change, more := conversations(t, e, "nobody", 0, 3); len(views) != 0 || change != 0 || more {
		t.Errorf("nobody has %v", views)
	}
	if views, change, _ := conversations(t, e, "alice", 1<<63, 3); len(views) != 0 || change != 19 {
		t.Errorf("beyond the end are %v, change %d", views, change)
	}
}

// acted: marks, pins, deletions and recalls are there for those whom they concern.
func acted(t *testing.T, e Engine) {
	people(t, e, "alice", "bob", "carol")
	for i := range 5 {
		say(t, e, "bob", "alice", fmt.Sprint("b", i), start)
	}
	say(t, e, "alice", "bob", "a", start)
	by := asking(start)
	o := converse(t, e, "alice", "bob", talk.Need{From: 3}, func(t talk.Talk) talk.Outcome {
		return talk.MarkRead(t, talk.Marking{Asking: by, Sequence: 3})
	})
	if o.OwnLatest == nil || o.OwnLatest.ID != "a" || !o.OwnLatest.Own || o.PeerLatest == nil || o.PeerLatest.Own {
		t.Errorf("the latest are %+v and %+v", o.OwnLatest, o.PeerLatest)
	}
	o = converse(t, e, "alice", "bob", talk.Need{At: []uint64{2, 6}}, func(t talk.Talk) talk.Outcome {
		return talk.DeleteMessages(t, talk.Erasing{Asking: by, Sequences: []uint64{2, 6}})
	})
	if o.OwnLatest == nil || o.OwnLatest.ID != "b4" || o.PeerLatest != nil {
		t.Errorf("the latest are %+v and %+v", o.OwnLatest, o.PeerLatest)
	}
	converse(t, e, "bob", "alice", talk.Need{At: []uint64{4}}, func(t talk.Talk) talk.Outcome {
		return talk.Recall(t, talk.Recalling{Asking: by, Sequence: 4, Within: time.Hour})
	})
	pin := func(want int) store.TalkRule {
		return func(x talk.Talk) talk.Outcome {
			if x.Pins != want {
				t.Errorf("%d are pinned, want %d", x.Pins, want)
			}
			return talk.Pin(x, talk.Pinning{Asking: by, Pinned: true})
		}
	}
	say(t, e, "carol", "alice", "c", start)
	converse(t, e, "alice", "bob", talk.Need{Pins: true}, pin(0))
	converse(t, e, "alice", "carol", talk.Need{Pins: true}, pin(1))
	converse(t, e, "bob", "alice", talk.Need{Pins: true}, pin(0))
	views, change, _ := conversations(t, e, "alice", 0, 10)
	if len(views) != 2 || change != 12 {
		t.Fatalf("alice has %+v, change %d", views, change)
	}
	v := views[0]
	v.Latest = nil
	if want := (talk.View{Peer: "bob", Change: 11, Last: 6, Read: 3, Unread: 2, Pinned: true}); v != want {
		t.Errorf("alice's view is %+v, want %+v", v, want)
	}
	if got := shown(messages(t, e, "alice", "bob", talk.Span{Count: 10}).Messages); got != "1-b0 3-b2 4-b3! 5-b4" {
		t.Errorf("alice reads %s", got)
	}
	if got := shown(messages(t, e, "bob", "alice", talk.Span{Count: 10}).Messages); got != "1+b0 2+b1 3+b2 4+b3! 5+b4 6-a" {
		t.Errorf("bob reads %s", got)
	}
	converse(t, e, "alice", "bob", talk.Need{}, func(t talk.Talk) talk.Outcome { return talk.Delete(t, by) })
	if p := messages(t, e, "alice", "bob", talk.Span{Count: 10}); len(p.Messages) != 0 || !p.Complete || p.Last != 6 {
		t.Errorf("alice reads %+v", p)
	}
	views, _, _ = conversations(t, e, "bob", 0, 10)
	if len(views) != 1 || views[0].PeerRead != 3 || views[0].Latest.ID != "a" || views[0].Deleted {
		t.Errorf("bob has %+v", views)
	}
}

// pagesOfMessages: whatever the page and the direction, it is what a list would give.
func pagesOfMessages(t *testing.T, e Engine) {
	people(t, e, "alice", "bob")
	const last = 12
	for i := range last {
		say(t, e, "bob", "alice", fmt.Sprint("m", i+1), start.Add(time.Duration(i)*time.Second))
	}
	by := asking(start)
	gone := []uint64{3, 4, 9, 12}
	converse(t, e, "alice", "bob", talk.Need{At: gone}, func(t talk.Talk) talk.Outcome {
		return talk.DeleteMessages(t, talk.Erasing{Asking: by, Sequences: gone})
	})
	if n, err := e.TrimMessages(t.Context(), 1, start.Add(2*time.Second), 100); n != 2 || err != nil {
		t.Fatalf("dropped %d, %v; want 2", n, err)
	}
	var kept []uint64
	for s := uint64(3); s <= last; s++ {
		if !slices.Contains(gone, s) {
			kept = append(kept, s)
		}
	}
	for count := 1; count <= last; count++ {
		for at := uint64(1); at <= last+1; at++ {
			onePage(t, e, talk.Span{Before: at, Count: count}, kept, last)
			onePage(t, e, talk.Span{After: at, Count: count}, kept, last)
		}
	}
	if p := messages(t, e, "alice", "nobody", talk.Span{Count: 1}); p.Exists || p.Last != 0 || !p.Complete {
		t.Errorf("with nobody: %+v", p)
	}
}

// onePage holds a page of alice's and bob's against what is kept.
func onePage(t *testing.T, e Engine, s talk.Span, kept []uint64, last uint64) {
	t.Helper()
	pageWith(t, e, "bob", s, kept, last)
}

// pageWith holds a page of alice's and another's against what is kept.
func pageWith(t *testing.T, e Engine, peer string, s talk.Span, kept []uint64, last uint64) {
	t.Helper()
	all := slices.DeleteFunc(slices.Clone(kept), func(n uint64) bool { return s.Before > 0 && n >= s.Before || n <= s.After })
	want := talk.Page{Complete: len(all) <= s.Count}
	switch {
	case s.After > 0:
		all = all[:min(s.Count, len(all))]
		want.From, want.To = s.After+1, last
	default:
		all = all[max(0, len(all)-s.Count):]
		want.From, want.To = 1, s.Before-1
	}
	switch {
	case len(all) == 0:
		want.From, want.To = 0, 0
	case !want.Complete && s.After > 0:
		want.To = all[len(all)-1]
	case !want.Complete:
		want.From = all[0]
	}
	p := messages(t, e, "alice", peer, s)
	var got []uint64
	for _, m := range p.Messages {
		got = append(got, m.Sequence)
	}
	if !slices.Equal(got, all) || p.From != want.From || p.To != want.To || p.Complete != want.Complete {
		t.Errorf("%+v: %d from %d to %d complete %t, want %d from %d to %d complete %t",
			s, got, p.From, p.To, p.Complete, all, want.From, want.To, want.Complete)
	}
}

// trimming: old messages go, the oldest first, of that app only; the conversation stays.
func trimming(t *testing.T, e Engine) {
	people(t, e, "alice", "bob")
	other := rollcall.Account{App: 2, User: "alice"}
	for _, user := range []rollcall.UserID{"alice", "bob"} {
		mutate(t, e, rollcall.Account{App: 2, User: user}, logIn("phone", start))
	}
	need, rule := sending("x", start)
	if _, err := e.Converse(t.Context(), store.Conversing{Account: other, Peer: "bob", Need: need}, rule, func(talk.Outcome) {}); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		say(t, e, "alice", "bob", fmt.Sprint("m", i), start.Add(time.Duration(i)*time.Minute))
	}
	for _, want := range []int{2, 2, 1, 0} {
		if n, err := e.TrimMessages(t.Context(), 1, start.Add(5*time.Minute), 2); n != want || err != nil {
			t.Errorf("dropped %d, %v; want %d", n, err, want)
		}
	}
	if got := shown(messages(t, e, "bob", "alice", talk.Span{Count: 10}).Messages); got != "6-m5" {
		t.Errorf("kept are %s", got)
	}
	if p, err := e.Messages(t.Context(), other, "bob", talk.Span{Count: 10}); err != nil || len(p.Messages) != 1 {
		t.Errorf("the other app has %+v, %v", p, err)
	}
	if n, err := e.TrimMessages(t.Context(), 1, start.Add(6*time.Minute), 2); n != 1 || err != nil {
		t.Errorf("dropped %d, %v", n, err)
	}
	views, _, _ := conversations(t, e, "bob", 0, 10)
	if len(views) != 1 || views[0].Last != 6 || views[0].Latest != nil || views[0].Unread != 6 {
		t.Errorf("bob has %+v", views)
	}
	if p := messages(t, e, "bob", "alice", talk.Span{After: 3, Count: 10}); len(p.Messages) != 0 || !p.Complete || p.Last != 6 {
		t.Errorf("bob reads %+v", p)
	}
	if m := say(t, e, "bob", "alice", "on", start.Add(time.Hour)); m.Sequence != 7 || m.Nth != 1 {
		t.Errorf("it goes on with %+v", m)
	}
}

// forgotten: who signs up under the name of a deleted account finds nothing; the other
// side keeps its own.
func forgotten(t *testing.T, e Engine) {
	people(t, e, "alice", "bob", "carol")
	say(t, e, "alice", "bob", "1", start)
	say(t, e, "bob", "alice", "2", start)
	say(t, e, "carol", "alice", "3", start)
	mutate(t, e, account("alice"), func(s policy.State) policy.Outcome {
		return policy.DeleteAccount(s, policy.Delete{Now: start}, policy.Multi())
	})
	need, rule := sending("4", start)
	if o := converse(t, e, "bob", "alice", need, rule); o.Code != 20003 {
		t.Errorf("a message to who is not there: %+v", o)
	}
	if p := messages(t, e, "bob", "alice", talk.Span{Count: 10}); shown(p.Messages) != "1-1 2+2" || p.Exists {
		t.Errorf("bob reads %+v", p)
	}
	mutate(t, e, account("alice"), logIn("phone", start.Add(time.Hour)))
	views, change, _ := conversations(t, e, "alice", 3, 10)
	if len(views) != 2 || change != 5 || views[0].Change != 4 || views[1].Change != 5 {
		t.Fatalf("alice has %+v, change %d", views, change)
	}
	for _, v := range views {
		if !v.Deleted || v.Latest != nil || v.Unread != 0 || v.DeletedTo != v.Last {
			t.Errorf("alice finds %+v", v)
		}
	}
	if p := messages(t, e, "alice", "bob", talk.Span{Count: 10}); len(p.Messages) != 0 || !p.Exists {
		t.Errorf("alice reads %+v", p)
	}
	say(t, e, "bob", "alice", "5", start.Add(time.Hour))
	if got := shown(messages(t, e, "alice", "bob", talk.Span{Count: 10}).Messages); got != "3-5" {
		t.Errorf("alice reads %s", got)
	}
}
