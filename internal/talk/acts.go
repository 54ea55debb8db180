package talk

import (
	"fmt"
	"slices"
	"time"

	"rollcall.example/imcode"
)

// A Marking marks a conversation as read.
type Marking struct {
	Asking

	Sequence uint64 // up to here
}

// MarkRead marks as read up to a message, of what is kept from there on Found has the
// first. The other side hears of it. What is not kept any more counts as read.
func MarkRead(t Talk, q Marking) Outcome {
	o, ok := q.within(t)
	if !ok {
		return o
	}
	if q.Sequence == 0 || q.Sequence > t.Last {
		return refuse(t, imcode.SDKInvalidParameters, outOfRange(q.Sequence, t.Last))
	}
	read, nth := t.Last, t.Peer.Sent
	if len(t.Found) > 0 {
		m := t.Found[0]
		if read, nth = m.Sequence, m.Nth; m.Own {
			nth = m.Sequence - m.Nth
		}
		if m.Sequence > q.Sequence { // what lies between is not kept
			read--
			if !m.Own {
				nth--
			}
		}
	}
	if own := &o.Talk.Own; read > own.Read {
		own.Read, own.ReadNth = read, nth
		o.touchOwn()
	}
	if read > t.Own.Receipt {
		o.Talk.Own.Receipt = read
		o.touchPeer()
	}
	return o
}

func outOfRange(sequence, last uint64) string {
	return fmt.Sprintf("sequence %d: want 1 to %d, that of the latest message", sequence, last)
}

// A Pinning pins a conversation, or lets it go.
type Pinning struct {
	Asking

	Pinned bool
}

// Pin pins a conversation to the top of the account's list, or lets it go.
func Pin(t Talk, q Pinning) Outcome {
	o, ok := q.within(t)
	if !ok {
		return o
	}
	switch {
	case t.Own.Pinned == q.Pinned:
		return o
	case q.Pinned && t.Pins >= MaxPins:
		return refuse(t, imcode.TooManyPinned, fmt.Sprintf("%d conversations are pinned: unpin one", t.Pins))
	}
	o.Talk.Own.Pinned = q.Pinned
	o.touchOwn()
	return o
}

// Delete deletes a conversation and all its messages up to now, for the side that
// asks. It is read and not pinned then; the other side hears nothing.
func Delete(t Talk, q Asking) Outcome {
	o, ok := q.within(t)
	if !ok {
		return o
	}
	own := &o.Talk.Own
	own.DeletedTo, own.Deleted, own.Pinned = t.Last, true, false
	own.Read, own.ReadNth = t.Last, t.Peer.Sent
	if *own != t.Own {
		o.touchOwn()
	}
	return o
}

// An Erasing deletes messages.
type Erasing struct {
	Asking

	Sequences []uint64
}

// DeleteMessages deletes messages for the side that asks. Of those that are not kept any
// more nobody knows here whether they were deleted before: another device may have them
// still, and is told. Unread stays what it was: it goes by what was read.
func DeleteMessages(t Talk, q Erasing) Outcome {
	o, ok := q.within(t)
	if !ok {
		return o
	}
	if n := len(q.Sequences); n == 0 || n > MaxDeletes {
		return refuse(t, imcode.SDKInvalidParameters, fmt.Sprintf("%d messages to delete: want 1 to %d", n, MaxDeletes))
	}
	for _, s := range q.Sequences {
		if s == 0 || s > t.Last {
			return refuse(t, imcode.SDKInvalidParameters, outOfRange(s, t.Last))
		}
	}
	o.Erased = slices.Compact(slices.Sorted(slices.Values(q.Sequences)))
	var gone []uint64
	for _, s := range o.Erased {
		i := slices.IndexFunc(t.Found, func(m Message) bool { return m.Sequence == s })
		switch {
		case s <= t.Own.DeletedTo || i >= 0 && t.Found[i].Deleted:
			continue
		case i >= 0:
			m := t.Found[i]
			m.Deleted = true
			o.Altered = append(o.Altered, m)
		}
		gone = append(gone, s)
	}
	if len(gone) > 0 {
		o.touchOwn()
		o.Talk.Own.Altered = o.Talk.Own.Changed
		o.Alteration = &Alteration{At: q.Now, Sequences: gone}
	}
	return o
}

// A Recalling takes a message back.
type Recalling struct {
	Asking

	Sequence uint64
	Within   time.Duration // after it was sent
}

// Recall takes a message back that the side which asks has sent a short while ago: its
// content is gone, for both.
func Recall(t Talk, q Recalling) Outcome {
	o, ok := q.within(t)
	if !ok {
		return o
	}
	if q.Sequence == 0 || q.Sequence > t.Last {
		return refuse(t, imcode.SDKInvalidParameters, outOfRange(q.Sequence, t.Last))
	}
	if len(t.Found) == 0 || !t.Found[0].Own {
		return refuse(t, imcode.MessageNotFound, "there is no such message of yours")
	}
	switch m := t.Found[0]; {
	case m.Recalled:
		return refuse(t, imcode.AlreadyRecalled, "the message is recalled already")
	case q.Now.Sub(m.Time) > q.Within:
		return refuse(t, imcode.RevokeTimeLimit, fmt.Sprintf("the message is %v old: it can be recalled within %v", q.Now.Sub(m.Time).Round(time.Second), q.Within))
	default:
		m.Content, m.Recalled = nil, true
		o.Message, o.Altered = &m, []Message{m}
		o.touchOwn()
		o.touchPeer()
		o.Talk.Own.Altered, o.Talk.Peer.Altered = o.Talk.Own.Changed, o.Talk.Peer.Changed
		o.Alteration = &Alteration{At: q.Now, Recalled: true, Sequences: []uint64{m.Sequence}}
		return o
	}
}
