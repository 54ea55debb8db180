package cache

import (
	"cmp"
	"math"
	"slices"

	"rollcall.example/wire"
)

// A Conversation is one of the list.
type Conversation struct {
	*wire.Conversation

	Rank    int64 // its place: the highest is the first
	Draft   string
	DraftMs int64
}

const list = `SELECT ` + conversationColumns + ` FROM conversation WHERE hidden = 0 `

// Conversations are at most so many of the list below a rank; 0: from its top.
func (c *Cache) Conversations(below int64, count int) (all []Conversation, err error) {
	if below == 0 {
		below = math.MaxInt64
	}
	err = c.read(func() error {
		all = nil
		return c.each(func(scan func(...any) error) error {
			s, err := scanConversation(scan)
			all = append(all, s.shown())
			return err
		}, list+`AND rank < ? ORDER BY rank DESC LIMIT ?`, below, count)
	})
	return all, err
}

// Conversation is the one with the peer; false: there is none in the list.
func (c *Cache) Conversation(peer string) (x Conversation, ok bool, err error) {
	err = c.read(func() error {
		s, err := scanConversation(c.row(list+`AND peer = ?`, peer).Scan)
		if isNone(err) {
			return nil
		}
		x, ok = s.shown(), err == nil
		return err
	})
	return x, ok, err
}

func (s stored) shown() Conversation {
	return Conversation{Conversation: s.view, Rank: s.rank, Draft: s.draft, DraftMs: s.draftMs}
}

// TotalUnread is how many messages of the conversations in the list are unread.
func (c *Cache) TotalUnread() (n int, err error) {
	err = c.read(func() error {
		return c.row(`SELECT coalesce(sum(unread), 0) FROM conversation WHERE hidden = 0 AND unread > 0`).Scan(&n)
	})
	return n, err
}

// Last is the latest message of the conversation with the peer; 0: there is none.
func (c *Cache) Last(peer string) (last uint64, err error) {
	err = c.read(func() error {
		s, err := c.load(peer)
		last = uint64(s.last)
		return err
	})
	return last, err
}

// SetDraft keeps what the user has begun to write; "" ends it. False: there is no
// such conversation in the list.
func (c *Cache) SetDraft(peer, text string, ms int64) (ok bool, err error) {
	if text == "" {
		ms = 0
	}
	err = c.change(func() error {
		s, err := c.load(peer)
		if ok = err == nil && !s.hidden; !ok {
			return err
		}
		s.draft, s.draftMs = text, ms
		return c.save(s)
	})
	return ok, err
}

// An Untold is a message that the app is to be told of.
type Untold struct {
	View    *wire.Conversation
	Message *wire.Message
}

// Untold are at most so many of the next messages to be told, all of one
// conversation.
func (c *Cache) Untold(count int) (all []Untold, err error) {
	err = c.read(func() error {
		all = nil
		var peer string
		err := c.row(`SELECT peer FROM message JOIN conversation USING (peer)
			WHERE told = 0 AND sequence <= tip ORDER BY arrived LIMIT 1`).Scan(&peer)
		if isNone(err) {
			return nil
		}
		if err != nil {
			return err
		}
		s, err := c.load(peer)
		if err != nil {
			return err
		}
		some, err := c.messages(peer, messages+`WHERE peer = ? AND told = 0 AND sequence <= ? ORDER BY sequence LIMIT ?`, s.tip, count)
		for _, k := range some {
			all = append(all, Untold{s.view, k.message})
		}
		return err
	})
	return all, err
}

// Told writes down that the app hears of a message. False: it needs not, any
// more.
func (c *Cache) Told(peer string, sequence uint64) (ok bool, err error) {
	err = c.change(func() error {
		k, err := c.message(peer, sequence)
		if ok = err == nil && !k.told; !ok {
			if isNone(err) {
				return nil
			}
			return err
		}
		k.told = true
		return c.put(k)
	})
	return ok, err
}

// Message is one message; nil: it is not there.
func (c *Cache) Message(peer string, sequence uint64) (m *wire.Message, err error) {
	err = c.read(func() error {
		k, err := c.message(peer, sequence)
		m = k.message
		if isNone(err) {
			return nil
		}
		return err
	})
	return m, err
}

// A Page is a part of a conversation, lowest sequence first.
type Page struct {
	View     *wire.Conversation // nil: there is no such conversation
	Messages []*wire.Message
	Gaps     []Span // of which the cache does not know what there is, in between or at the ends
	End      bool   // there is nothing more in that direction
}

// Page is at most so many messages with a lower sequence, the newest of them (both
// 0: the newest); or with a higher one, the oldest of them.
func (c *Cache) Page(peer string, before, after uint64, count int) (p Page, err error) {
	err = c.read(func() error {
		p = Page{}
		s, err := c.load(peer)
		if err != nil || !s.there {
			p.End = c.state.Synced
			return err
		}
		p.View = s.view
		first, last := int64(s.view.GetDeletedSequence())+1, s.last
		query, from := messages+`WHERE peer = ? AND sequence > ? ORDER BY sequence LIMIT ?`, int64(after)
		if after > 0 {
			first = max(first, from+1)
		} else {
			query, from = messages+`WHERE peer = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?`, s.last+1
			if before > 0 {
				from = min(from, int64(before))
			}
			last = from - 1
		}
		there, err := c.messages(peer, query, from, count+1)
		if err != nil {
			return err
		}
		more := len(there) > count
		there = there[:min(len(there), count)]
		if p.Gaps, err = c.gaps(peer, first, last, there); err != nil {
			return err
		}
		p.End = !more && len(p.Gaps) == 0
		if len(there) == count { // it goes no further than its messages
			far := there[count-1].sequence
			if after > 0 {
				last = far
			} else {
				first = far
			}
			if p.Gaps, err = c.gaps(peer, first, last, there); err != nil {
				return err
			}
		}
		for _, k := range there {
			p.Messages = append(p.Messages, k.message)
		}
		if after == 0 {
			slices.Reverse(p.Messages)
		}
		return nil
	})
	return p, err
}

// messages are those of a conversation that a query finds, in its order.
func (c *Cache) messages(peer, query string, args ...any) (all []kept, err error) {
	step := int64(0)
	err = c.each(func(scan func(...any) error) error {
		k, err := scanMessage(scan)
		if err != nil {
			return err
		}
		if n := len(all); n > 0 {
			way := int64(cmp.Compare(k.sequence, all[n-1].sequence))
			if step = cmp.Or(step, way); way == 0 || way != step {
				return errUnreadable
			}
		}
		if k.peer != peer { // an index has led astray
			return errUnreadable
		}
		all = append(all, k)
		return nil
	}, query, append([]any{peer}, args...)...)
	return all, err
}
