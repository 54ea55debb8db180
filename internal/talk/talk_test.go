package talk_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall.example/imcode"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/talk"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// by is alice's first session, on its second connection, with an hour to go.
var by = talk.Asking{Now: now, Session: 1, Conn: 2}

// said is a conversation in which alice (a) and bob (b) have said these: "abb". The
// messages are a minute old and kept, in the order of their sequences.
func said(who string) (talk.Talk, []talk.Message) {
	t := talk.Talk{
		Account: policy.State{Sessions: []policy.Session{{Number: 1, Conn: 2, SigEnds: now.Unix() + 3600}}}, Exists: true,
		LastAt: now.Add(-time.Minute),
	}
	var all []talk.Message
	for i, w := range strings.Split(who, "") {
		m := talk.Message{Sequence: uint64(i + 1), Own: w == "a", ID: fmt.Sprint("m", i+1), Time: t.LastAt, Content: []byte("hi")}
		side := &t.Peer
		if m.Own {
			side = &t.Own
		}
		side.Sent++
		m.Nth, t.Last = side.Sent, m.Sequence
		all = append(all, m)
	}
	t.Own.Changes, t.Peer.Changes = t.Last, t.Last+5
	t.Own.Changed, t.Peer.Changed = t.Own.Changes, t.Peer.Changes
	return t, all
}

// told is an outcome as far as it differs from what was: "own 3 peer 8 #2 a" says that
// the two have their changes 3 and 8, with message 2 of alice's.
func told(before talk.Talk, o talk.Outcome) string {
	if o.Code != 0 {
		if !reflect.DeepEqual(o.Talk, before) || o.Message != nil || o.Altered != nil || o.Append || o.Detail == "" {
			return fmt.Sprintf("%d, and yet %+v", o.Code, o)
		}
		return fmt.Sprint(int(o.Code))
	}
	var words []string
	if o.Talk.Own.Changes != before.Own.Changes {
		words = append(words, fmt.Sprint("own ", o.Talk.Own.Changes))
	}
	if o.Talk.Peer.Changes != before.Peer.Changes {
		words = append(words, fmt.Sprint("peer ", o.Talk.Peer.Changes))
	}
	if m := o.Message; m != nil {
		words = append(words, fmt.Sprintf("#%d/%d %s", m.Sequence, m.Nth, m.Content))
	}
	if o.Append {
		words = append(words, "appended")
	}
	for _, m := range o.Altered {
		words = append(words, fmt.Sprintf("altered #%d recalled=%t deleted=%t", m.Sequence, m.Recalled, m.Deleted))
	}
	if a := o.Alteration; a != nil {
		words = append(words, fmt.Sprintf("gone %d recalled=%t", a.Sequences, a.Recalled))
	}
	for side, member := range map[string][2]talk.Member{"own": {before.Own, o.Talk.Own}, "peer": {before.Peer, o.Talk.Peer}} {
		if is := member[1]; is.Altered != member[0].Altered && (is.Altered != is.Changed || o.Alteration == nil) {
			words = append(words, fmt.Sprint(side, " altered by ", is.Altered))
		}
		if is := member[1]; o.Alteration != nil && is.Changed != member[0].Changed && is.Altered != is.Changed {
			words = append(words, side, " not altered")
		}
	}
	own, other := o.Talk.Own, o.Talk.Peer
	if own.Read != before.Own.Read {
		words = append(words, fmt.Sprintf("read %d/%d", own.Read, own.ReadNth))
	}
	if own.Receipt != before.Own.Receipt {
		words = append(words, fmt.Sprint("receipt ", own.Receipt))
	}
	if own.DeletedTo != before.Own.DeletedTo {
		words = append(words, fmt.Sprint("deleted to ", own.DeletedTo))
	}
	words = append(words, fmt.Sprint("unread ", other.Sent-own.ReadNth))
	return strings.Join(words, " ")
}

func send(id, says string) func(talk.Talk) talk.Outcome {
	return func(t talk.Talk) talk.Outcome {
		return talk.Send(t, talk.Sending{Asking: by, ID: id, Content: []byte(says)})
	}
}

func TestSend(t *testing.T) {
	for _, tt := range []struct {
		name, said string
		rule       func(talk.Talk) talk.Outcome
		given      func(*talk.Talk)
		want       string
	}{
		{"the first message", "", send("x", "hi"), nil, "own 1 peer 6 #1/1 hi appended unread 0"},
		{"one more", "abb", send("x", "hi"), nil, "own 4 peer 9 #4/2 hi appended unread 2"},
		{"to nobody", "", send("x", "hi"), func(t *talk.Talk) { t.Exists = false }, "20003"},
		{"to who was there once", "ab", send("x", "hi"), func(t *talk.Talk) { t.Exists = false }, "20003"},
		{"the same again", "ab", send("m1", "hi"), found(1), "#1/1 hi unread 1"},
		{"the same again, to who is gone by now", "ab", send("m1", "hi"), func(t *talk.Talk) { found(1)(t); t.Exists = false }, "#1/1 hi unread 1"},
		{"another under its id", "ab", send("m1", "ho"), found(1), "6017"},
		{"another that was recalled", "ab", send("m1", "ho"), func(t *talk.Talk) {
			found(1)(t)
			t.Found[0].Recalled, t.Found[0].Content = true, nil
		}, "#1/1  unread 1"},
		{"the id of one to somebody else", "ab", send("m1", "hi"), func(t *talk.Talk) { t.Strange = true }, "6017"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, _ := said(tt.said)
			if tt.given != nil {
				tt.given(&before)
			}
			o := tt.rule(before)
			if got := told(before, o); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// found has the messages at these sequences seen.
func found(sequences ...uint64) func(*talk.Talk) {
	return func(t *talk.Talk) {
		who := []string{}
		for i := range t.Last { // said is told again, from what it counted
			if i < t.Own.Sent {
				who = append(who, "a")
			} else {
				who = append(who, "b")
			}
		}
		_, all := said(strings.Join(who, ""))
		for _, s := range sequences {
			t.Found = append(t.Found, all[s-1])
		}
	}
}

// TestTimesDoNotGoBack, also if the clock does.
func TestTimesDoNotGoBack(t *testing.T) {
	before, _ := said("a")
	before.LastAt = now.Add(time.Hour)
	if o := send("x", "hi")(before); !o.Message.Time.Equal(before.LastAt) || !o.Talk.LastAt.Equal(before.LastAt) {
		t.Errorf("after %v comes %v", before.LastAt, o.Message.Time)
	}
	before.LastAt = now.Add(-time.Hour)
	if o := send("x", "hi")(before); !o.Message.Time.Equal(now) {
		t.Errorf("sent at %v it has the time %v", now, o.Message.Time)
	}
}

// TestAMessageBringsADeletedConversationBack, to both.
func TestAMessageBringsADeletedConversationBack(t *testing.T) {
	before, _ := said("ab")
	before.Own.Deleted, before.Peer.Deleted = true, true
	before.Own.DeletedTo, before.Peer.DeletedTo = 2, 2
	o := send("x", "hi")(before)
	if o.Talk.Own.Deleted || o.Talk.Peer.Deleted || o.Talk.Own.DeletedTo != 2 || o.Talk.Peer.DeletedTo != 2 {
		t.Errorf("it is %+v and %+v", o.Talk.Own, o.Talk.Peer)
	}
}

func TestActs(t *testing.T) {
	mark := func(n uint64) func(talk.Talk) talk.Outcome {
		return func(t talk.Talk) talk.Outcome { return talk.MarkRead(t, talk.Marking{Asking: by, Sequence: n}) }
	}
	erase := func(n ...uint64) func(talk.Talk) talk.Outcome {
		return func(t talk.Talk) talk.Outcome {
			return talk.DeleteMessages(t, talk.Erasing{Asking: by, Sequences: n})
		}
	}
	recall := func(n uint64) func(talk.Talk) talk.Outcome {
		return func(t talk.Talk) talk.Outcome {
			return talk.Recall(t, talk.Recalling{Asking: by, Sequence: n, Within: time.Minute})
		}
	}
	pin := func(yes bool) func(talk.Talk) talk.Outcome {
		return func(t talk.Talk) talk.Outcome { return talk.Pin(t, talk.Pinning{Asking: by, Pinned: yes}) }
	}
	remove := func(t talk.Talk) talk.Outcome { return talk.Delete(t, by) }
	const own = 4 // of "abba"
	for _, tt := range []struct {
		name  string
		rule  func(talk.Talk) talk.Outcome
		found []uint64 // of "abba"
		given func(*talk.Talk)
		want  string
	}{
		{"read to one of the other side's", mark(2), []uint64{2}, nil, "own 5 peer 10 read 2/1 receipt 2 unread 1"},
		{"read to an own one", mark(4), []uint64{4}, nil, "own 5 peer 10 read 4/2 receipt 4 unread 0"},
		{"read to an own one, below others", mark(1), []uint64{1}, nil, "own 5 peer 10 read 1/0 receipt 1 unread 2"},
		{"read less than before", mark(2), []uint64{2}, func(t *talk.Talk) { t.Own.Read, t.Own.ReadNth, t.Own.Receipt = 3, 2, 3 }, "unread 0"},
		{"read what the deletion had read", mark(2), []uint64{2}, func(t *talk.Talk) { t.Own.Read, t.Own.ReadNth = 4, 2 }, "peer 10 receipt 2 unread 0"},
		{"read what is not kept", mark(1), []uint64{3}, nil, "own 5 peer 10 read 2/1 receipt 2 unread 1"},
		{"read what is not kept, an own one after", mark(1), []uint64{4}, nil, "own 5 peer 10 read 3/2 receipt 3 unread 0"},
		{"read, and nothing is kept", mark(1), nil, nil, "own 5 peer 10 read 4/2 receipt 4 unread 0"},
		{"read nothing", mark(0), nil, nil, "6017"},
		{"read what is to come", mark(own + 1), nil, nil, "6017"},

		{"pinned", pin(true), nil, nil, "own 5 unread 2"},
		{"pinned, the last one", pin(true), nil, func(t *talk.Talk) { t.Pins = 49 }, "own 5 unread 2"},
		{"pinned, one too many", pin(true), nil, func(t *talk.Talk) { t.Pins = 50 }, "51012"},
		{"pinned again", pin(true), nil, func(t *talk.Talk) { t.Own.Pinned, t.Pins = true, 50 }, "unread 2"},
		{"let go", pin(false), nil, func(t *talk.Talk) { t.Own.Pinned, t.Pins = true, 50 }, "own 5 unread 2"},

		{"deleted", remove, nil, nil, "own 5 read 4/2 deleted to 4 unread 0"},
		{"deleted again", remove, nil, func(t *talk.Talk) {
			t.Own.Read, t.Own.ReadNth, t.Own.DeletedTo, t.Own.Deleted = 4, 2, 4, true
		}, "unread 0"},

		{"messages deleted", erase(1, 2), []uint64{1, 2}, nil, "own 5 altered #1 recalled=false deleted=true altered #2 recalled=false deleted=true gone [1 2] recalled=false unread 2"},
		{"one that is not kept", erase(1), nil, nil, "own 5 gone [1] recalled=false unread 2"},
		{"one that is not kept beside one that is", erase(1, 2), []uint64{2}, nil, "own 5 altered #2 recalled=false deleted=true gone [1 2] recalled=false unread 2"},
		{"one that is not kept, and went with the others", erase(1), nil, func(t *talk.Talk) { t.Own.DeletedTo = 1 }, "unread 2"},
		{"one that went with the others", erase(1), []uint64{1}, func(t *talk.Talk) { t.Own.DeletedTo = 1 }, "unread 2"},
		{"one that was", erase(1), []uint64{1}, func(t *talk.Talk) { t.Found[0].Deleted = true }, "unread 2"},
		{"one that is to come", erase(1, 5), []uint64{1}, nil, "6017"},
		{"message 0", erase(1, 0), []uint64{1}, nil, "6017"},
		{"no message", erase(), nil, nil, "6017"},
		{"51 messages", erase(make([]uint64, 51)...), nil, nil, "6017"},

		{"recalled", recall(own), []uint64{own}, nil, "own 5 peer 10 #4/2  altered #4 recalled=true deleted=false gone [4] recalled=true unread 2"},
		{"recalled too late", recall(own), []uint64{own}, func(t *talk.Talk) { t.Found[0].Time = now.Add(-time.Minute - time.Millisecond) }, "20016"},
		{"recalled again", recall(own), []uint64{own}, func(t *talk.Talk) { t.Found[0].Recalled = true }, "20023"},
		{"somebody else's", recall(2), []uint64{2}, nil, "20022"},
		{"one that is not kept", recall(1), nil, nil, "20022"},
		{"one that is to come", recall(5), nil, nil, "6017"},
		{"recalled 0", recall(0), nil, nil, "6017"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, all := said("abba")
			for _, s := range tt.found {
				before.Found = append(before.Found, all[s-1])
			}
			if tt.given != nil {
				tt.given(&before)
			}
			o := tt.rule(before)
			if got := told(before, o); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			for _, stranger := range []struct {
				exists bool
				want   imcode.Code
			}{{true, imcode.SDKInvalidParameters}, {false, imcode.InvalidRecipient}} {
				nobody, _ := said("")
				nobody.Exists = stranger.exists
				if o := tt.rule(nobody); o.Code != stranger.want {
					t.Errorf("without a conversation: %d, want %d", o.Code, stranger.want)
				}
			}
		})
	}
}

// TestWhoseSessionIsOverChangesNothing, whatever it asks.
func TestWhoseSessionIsOverChangesNothing(t *testing.T) {
	for _, tt := range []struct {
		name  string
		by    talk.Asking
		given func(*policy.Session)
		in    bool
	}{
		{"it is in", by, func(*policy.Session) {}, true},
		{"in the last moment of its UserSig", by, func(x *policy.Session) { x.SigEnds = now.Unix() }, true},
		{"its UserSig is over", by, func(x *policy.Session) { x.SigEnds = now.Unix() - 1 }, false},
		{"it has ended", by, func(x *policy.Session) { x.Number = 2 }, false},
		{"a newer connection serves it", by, func(x *policy.Session) { x.Conn = 3 }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, all := said("ba")
			tt.given(&before.Account.Sessions[0])
			before.Found = all[1:]
			for i, o := range []talk.Outcome{
				talk.Send(before, talk.Sending{Asking: tt.by, ID: "m2", Content: []byte("hi")}),
				talk.MarkRead(before, talk.Marking{Asking: tt.by, Sequence: 2}),
				talk.Pin(before, talk.Pinning{Asking: tt.by, Pinned: true}),
				talk.Delete(before, tt.by),
				talk.DeleteMessages(before, talk.Erasing{Asking: tt.by, Sequences: []uint64{2}}),
				talk.Recall(before, talk.Recalling{Asking: tt.by, Sequence: 2, Within: time.Hour}),
			} {
				switch {
				case tt.in && o.Code != 0:
					t.Errorf("rule %d refuses with %d", i, o.Code)
				case !tt.in && told(before, o) != "9503":
					t.Errorf("rule %d says %s, want 9503", i, told(before, o))
				}
			}
		})
	}
}

// TestARecalledMessageThatOneHasDeletedIsNotShownToThem.
func TestARecalledMessageThatOneHasDeletedIsNotShownToThem(t *testing.T) {
	before, all := said("ba")
	before.Peer.DeletedTo = 2
	before.Found = []talk.Message{all[1]}
	o := talk.Recall(before, talk.Recalling{Asking: by, Sequence: 2, Within: time.Hour})
	a, b := o.Changes("alice", "bob")
	if len(a.Messages) != 1 || !a.Messages[0].Own || len(b.Messages) != 0 || b.Owner != "bob" || b.View.Peer != "alice" {
		t.Errorf("alice is told %+v, bob %+v", a, b)
	}
	before.Peer.DeletedTo, before.Found[0].Gone = 0, true
	if _, b := talk.Recall(before, talk.Recalling{Asking: by, Sequence: 2, Within: time.Hour}).Changes("alice", "bob"); len(b.Messages) != 0 {
		t.Errorf("bob is told %+v", b)
	}
}

// TestUnreadIsWhatWasSentSince holds unread against counting, in random conversations.
func TestUnreadIsWhatWasSentSince(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b"}), 1, 20).Draw(t, "who")
		kept := rapid.IntRange(0, len(who)).Draw(t, "dropped")
		to := rapid.IntRange(1, len(who)).Draw(t, "read to")
		before, all := said(strings.Join(who, ""))
		for _, m := range all[kept:] {
			if m.Sequence >= uint64(to) {
				before.Found = append(before.Found, m)
				break
			}
		}
		o := talk.MarkRead(before, talk.Marking{Asking: by, Sequence: uint64(to)})
		read := max(to, kept) // what is not kept counts as read
		want := uint64(strings.Count(strings.Join(who[read:], ""), "b"))
		a, _ := o.Changes("alice", "bob")
		if a.View.Unread != want || a.View.Read != uint64(read) {
			t.Errorf("%v, %d not kept, read to %d: read %d, unread %d, want %d and %d", who, kept, to, a.View.Read, a.View.Unread, read, want)
		}
	})
}

func TestPagesAreCutWhereTheyGoOn(t *testing.T) {
	_, all := said("abba")
	p := talk.Page{Messages: all, From: 1, To: 4, Complete: true, Last: 4}
	for _, tt := range []struct {
		n        int
		span     talk.Span
		from, to uint64
		complete bool
	}{
		{4, talk.Span{}, 1, 4, true},
		{2, talk.Span{}, 3, 4, false},
		{0, talk.Span{Before: 5}, 4, 4, false},
		{3, talk.Span{After: 1}, 1, 3, false},
	} {
		got := p.Cut(tt.n, tt.span)
		n := uint64(len(got.Messages))
		if got.From != tt.from || got.To != tt.to || got.Complete != tt.complete || n != max(uint64(tt.n), 1) ||
			!slices.ContainsFunc(got.Messages, func(m talk.Message) bool { return m.Sequence == tt.to || m.Sequence == tt.from }) {
			t.Errorf("cut to %d with %+v: %+v", tt.n, tt.span, got)
		}
	}
}
