// Package talk decides what becomes of a conversation of two accounts: on a message,
// a mark, a pin, a deletion and a recall.
//
// As in package policy every rule is a pure function, from a Talk, a request and
// what the app allows to an Outcome. The store runs it alone for the conversation
// and both accounts (Converse), and may run it twice.
//
// # What holds after every rule
//
//   - Sequences of a conversation and change numbers of an account only grow, by one.
//   - Nothing changes for a session that has ended, or whose connection is an older
//     one: a message that races the kick of its sender cannot come after it.
//   - A message id is one message, however often it is sent.
//   - Unread is the messages that the other side has sent, less those that it had
//     sent where this side has read to: it is derived, and nothing counts it up.
//   - The times of a conversation's messages do not go back.
package talk

import (
	"bytes"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/policy"
)

// Bounds of what may be asked for.
const (
	MaxPins    = 50 // conversations that an account has pinned
	MaxDeletes = 50 // messages deleted at once
	MaxPage    = 100
)

// A Message was sent by one side of a conversation.
type Message struct {
	Sequence uint64 // within the conversation, from 1
	Nth      uint64 // among its sender's
	Own      bool   // the side that looks at it has sent it
	ID       string // as its client named it
	Time     time.Time
	Content  []byte // as the wire spells it; nil when recalled
	Recalled bool
	Deleted  bool // by the side that looks at it
	Gone     bool // by the other side
}

// seen is the message as the other side sees it.
func (m Message) seen() Message {
	m.Own = !m.Own
	m.Deleted, m.Gone = m.Gone, m.Deleted
	return m
}

// A Member is one side of a conversation.
type Member struct {
	Changes   uint64 // of all conversations of the account: its change number
	Changed   uint64 // the change number when this one last changed
	Sent      uint64 // messages of this side
	Read      uint64 // up to this sequence
	ReadNth   uint64 // messages of the other side up to there
	Receipt   uint64 // up to where the other side knows that this one has read
	Deleted   bool   // not in the list until the next message
	DeletedTo uint64 // up to this sequence
	Pinned    bool
	Altered   uint64 // the change number of the latest alteration; 0: there was none
}

// A Talk is a conversation as the side that asks for something sees it.
type Talk struct {
	Account policy.State // of the one who asks: its sessions, no kick rows, no try numbers
	Exists  bool         // the other account
	Last    uint64       // sequence of the latest message; 0: nobody has said anything
	LastAt  time.Time    // and its time
	Own     Member
	Peer    Member
	Found   []Message // what Need asks for
	Strange bool      // the id of Need.ID is that of a message to somebody else
	Pins    int       // conversations that the account has pinned
}

// A Need is what a rule has to see beside the Talk itself.
type Need struct {
	ID   string   // the message that the account has sent under it
	From uint64   // the first message that is kept from this sequence on
	At   []uint64 // these messages
	Pins bool
}

// An Outcome is what a rule decided.
type Outcome struct {
	Talk       Talk          // from now on
	Code       imcode.Code   // refused: nothing changes
	Detail     string        // why
	RetryAfter time.Duration // refused for the time being: for how long; 0: not said
	Message    *Message      // that the request was about: sent or recalled
	Append     bool          // Message is a new one
	Altered    []Message     // to be written in the place of what they were
	Erased     []uint64      // sequences that this side has deleted

	// What becomes of messages, for the devices that are away: it is kept for each side
	// whose Altered is another now. Nil: nothing.
	Alteration *Alteration

	// What the store says of the views that changed: the latest message of each side
	// that it has not deleted; nil: none.
	OwnLatest, PeerLatest *Message
}

// An Asking says which session asks, and when.
type Asking struct {
	Now     time.Time
	Session uint64
	Conn    uint64
}

// granted tells whether the session that asks may do so: it is in, on this connection,
// and its UserSig is not over.
func (q Asking) granted(t Talk) bool {
	for _, x := range t.Account.Sessions {
		if x.Number == q.Session {
			return x.Conn == q.Conn && q.Now.Before(time.Unix(x.SigEnds+1, 0))
		}
	}
	return false
}

// begin is the outcome that changes nothing, or the refusal of a session that is over.
func (q Asking) begin(t Talk) (Outcome, bool) {
	if !q.granted(t) {
		return refuse(t, imcode.AuthInvalid, "the session that asks has ended"), false
	}
	return Outcome{Talk: t}, true
}

// within is begin for a request about a conversation that there has to be.
func (q Asking) within(t Talk) (Outcome, bool) {
	o, ok := q.begin(t)
	switch {
	case !ok || t.Last > 0:
		return o, ok
	case !t.Exists:
		return unknown(t), false
	}
	return refuse(t, imcode.SDKInvalidParameters, "there is no conversation with this account"), false
}

func refuse(t Talk, code imcode.Code, detail string) Outcome {
	return Outcome{Talk: t, Code: code, Detail: detail}
}

func unknown(t Talk) Outcome {
	return refuse(t, imcode.InvalidRecipient, "there is no such account: one is there from its first login or import on")
}

// touchOwn counts a change of the view of the one who asks.
func (o *Outcome) touchOwn() {
	o.Talk.Own.Changes++
	o.Talk.Own.Changed = o.Talk.Own.Changes
}

// touchPeer counts a change of the other one's.
func (o *Outcome) touchPeer() {
	o.Talk.Peer.Changes++
	o.Talk.Peer.Changed = o.Talk.Peer.Changes
}

// A Sending is a message to be sent.
type Sending struct {
	Asking

	ID      string
	Content []byte
}

// Send appends a message. What has the id of an earlier one is that one.
func Send(t Talk, q Sending) Outcome {
	o, ok := q.begin(t)
	switch {
	case !ok:
		return o
	case len(t.Found) > 0:
		return q.again(t, t.Found[0])
	case t.Strange:
		return refuse(t, imcode.SDKInvalidParameters, "the message id is that of a message to another account: draw a new one")
	case !t.Exists:
		return unknown(t)
	}
	n := &o.Talk
	n.Last++
	n.LastAt = q.Now
	if n.LastAt.Before(t.LastAt) {
		n.LastAt = t.LastAt
	}
	n.Own.Sent++
	n.Own.Deleted, n.Peer.Deleted = false, false
	o.touchOwn()
	o.touchPeer()
	o.Message = &Message{Sequence: n.Last, Nth: n.Own.Sent, Own: true, ID: q.ID, Time: n.LastAt, Content: q.Content}
	o.Append = true
	return o
}

// again is the answer to a message that is there already.
func (q Sending) again(t Talk, m Message) Outcome {
	if !m.Recalled && !bytes.Equal(m.Content, q.Content) {
		return refuse(t, imcode.SDKInvalidParameters, "the message id is that of a message with another content: draw a new one")
	}
	return Outcome{Talk: t, Message: &m}
}

// A View is a conversation as one side sees it.
type View struct {
	Peer      rollcall.UserID
	Change    uint64
	Last      uint64
	Latest    *Message // that this side has not deleted
	Read      uint64
	PeerRead  uint64
	Unread    uint64
	Pinned    bool
	Deleted   bool
	DeletedTo uint64

	// What became of its messages; nil: nothing, or nobody asked.
	Alterations *Alterations
}

// ViewOf is a side's view of its conversation with peer.
func ViewOf(peer rollcall.UserID, last uint64, own, other Member, latest *Message) View {
	return View{
		Peer: peer, Change: own.Changed, Last: last, Latest: latest, Read: own.Read, PeerRead: other.Receipt,
		Unread: other.Sent - min(own.ReadNth, other.Sent), Pinned: own.Pinned, Deleted: own.Deleted, DeletedTo: own.DeletedTo,
	}
}

// A Change is one change of an account's conversations.
type Change struct {
	Owner    rollcall.UserID // whose change number it is
	Number   uint64
	View     View
	Messages []Message
	Erased   []uint64
}

// Changes are what an outcome is to both sides: a to the one who asked, b to the other.
func (o Outcome) Changes(own, peer rollcall.UserID) (a, b Change) {
	a = Change{
		Owner: own, Number: o.Talk.Own.Changes, Erased: o.Erased,
		View: ViewOf(peer, o.Talk.Last, o.Talk.Own, o.Talk.Peer, o.OwnLatest),
	}
	b = Change{
		Owner: peer, Number: o.Talk.Peer.Changes,
		View: ViewOf(own, o.Talk.Last, o.Talk.Peer, o.Talk.Own, o.PeerLatest),
	}
	if m := o.Message; m != nil {
		a.Messages = visible(*m, o.Talk.Own)
		b.Messages = visible(m.seen(), o.Talk.Peer)
	}
	return a, b
}

// visible is the message, unless the side has deleted it.
func visible(m Message, side Member) []Message {
	if m.Deleted || m.Sequence <= side.DeletedTo {
		return nil
	}
	return []Message{m}
}

// A Span says which part of a conversation is wanted.
type Span struct {
	Before uint64 // those with a lower sequence, the newest of them; 0: from the latest
	After  uint64 // or those with a higher one, the oldest of them
	Count  int    // at most so many
}

// A Page is a part of a conversation, lowest sequence first.
type Page struct {
	Messages []Message
	From, To uint64 // nothing is missing between them, both included; 0: there is no message
	Complete bool   // there is nothing more in that direction
	Last     uint64 // of the conversation; 0: there is none
	KeptFrom uint64 // what is before this sequence is not kept any more; 0: nothing was ever said
	Change   uint64 // the account's change number when it was read
	Exists   bool   // the other account
}

// Cut is the page with n of its messages, the nearest to where it began; at least 1.
func (p Page) Cut(n int, s Span) Page {
	if n = max(n, 1); n >= len(p.Messages) {
		return p
	}
	p.Complete = false
	if s.After > 0 {
		p.Messages = p.Messages[:n]
		p.To = p.Messages[n-1].Sequence
		return p
	}
	p.Messages = p.Messages[len(p.Messages)-n:]
	p.From = p.Messages[0].Sequence
	return p
}

// Forget is a side's view when its account is deleted: nothing of it is left to who
// comes after.
func Forget(last uint64, own, other Member) Member {
	own.DeletedTo, own.Deleted, own.Pinned = last, true, false
	own.Read, own.ReadNth = last, other.Sent
	own.Changes++
	own.Changed = own.Changes
	return own
}
