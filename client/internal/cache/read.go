package cache

import (
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

const columns = `SELECT view, rank, draft, draft_ms FROM conversation `

// Conversations are at most so many of the list below a rank; 0: from its top.
func (c *Cache) Conversations(below int64, count int) (all []Conversation, err error) {
	if below == 0 {
		below = math.MaxInt64
	}
	err = c.read(func() error {
		return c.each(func(scan func(...any) error) error {
			x, err := scanConversation(scan)
			all = append(all, x)
			return err
		}, columns+`WHERE hidden = 0 AND rank < ? ORDER BY rank DESC LIMIT ?`, below, count)
	})
	return all, err
}

// Conversation is the one with the peer; false: there is none in the list.
func (c *Cache) Conversation(peer string) (x Conversation, ok bool, err error) {
	err = c.read(func() error {
		x, err = scanConversation(c.row(columns+`WHERE hidden = 0 AND peer = ?`, peer).Scan)
		if isNone(err) {
			return nil
		}
		ok = err == nil
		return err
	})
	return x, ok, err
}

func scanConversation(scan func(...any) error) (x Conversation, err error) {
	var b []byte
	x.Conversation = new(wire.Conversation)
	if err := scan(&b, &x.Rank, &x.Draft, &x.DraftMs); err != nil {
		return x, err
	}
	return x, decode(b, x.Conversation)
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
		var n int64
		err := c.row(`SELECT last FROM conversation WHERE peer = ?`, peer).Scan(&n)
		last = uint64(n)
		if isNone(err) {
			return nil
		}
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
		var one int
		err := c.row(`SELECT 1 FROM conversation WHERE hidden = 0 AND peer = ?`, peer).Scan(&one)
		if isNone(err) {
			return nil
		}
		ok = err == nil
		if err != nil {
			return err
		}
		return c.exec(`UPDATE conversation SET draft = ?, draft_ms = ? WHERE peer = ?`, text, ms, peer)
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
		return c.each(func(scan func(...any) error) error {
			m, err := scanMessage(scan)
			all = append(all, Untold{s.view, m})
			return err
		}, `SELECT view FROM message WHERE peer = ? AND told = 0 AND sequence <= ? ORDER BY sequence LIMIT ?`, peer, s.tip, count)
	})
	return all, err
}

// Told writes down that the app hears of a message. False: it needs not, any
// more.
func (c *Cache) Told(peer string, sequence uint64) (ok bool, err error) {
	err = c.change(func() error {
		var one int
		err := c.row(`UPDATE message SET told = 1 WHERE peer = ? AND sequence = ? AND told = 0 RETURNING 1`, peer, int64(sequence)).Scan(&one)
		if isNone(err) {
			return nil
		}
		ok = err == nil
		return err
	})
	return ok, err
}

// Message is one message; nil: it is not there.
func (c *Cache) Message(peer string, sequence uint64) (m *wire.Message, err error) {
	err = c.read(func() error {
		m, err = scanMessage(c.row(`SELECT view FROM message WHERE peer = ? AND sequence = ?`, peer, int64(sequence)).Scan)
		if isNone(err) {
			m = nil
			return nil
		}
		return err
	})
	return m, err
}

func scanMessage(scan func(...any) error) (*wire.Message, error) {
	var b []byte
	m := new(wire.Message)
	if err := scan(&b); err != nil {
		return nil, err
	}
	return m, decode(b, m)
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
		s, err := c.load(peer)
		if err != nil || !s.there {
			p.End = c.state.Synced
			return err
		}
		p.View = s.view
		first, last := int64(s.view.GetDeletedSequence())+1, s.last
		query, from := `SELECT view FROM message WHERE peer = ? AND sequence > ? ORDER BY sequence LIMIT ?`, int64(after)
		if after > 0 {
			first = max(first, from+1)
		} else {
			query, from = `SELECT view FROM message WHERE peer = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?`, s.last+1
			if before > 0 {
				from = min(from, int64(before))
			}
			last = from - 1
		}
		if p.Messages, err = c.messages(query, peer, from, count+1); err != nil {
			return err
		}
		more := len(p.Messages) > count
		p.Messages = p.Messages[:min(len(p.Messages), count)]
		if p.Gaps, err = c.gaps(peer, first, last); err != nil {
			return err
		}
		p.End = !more && len(p.Gaps) == 0
		if len(p.Messages) == count { // it goes no further than its messages
			if far := int64(p.Messages[count-1].GetSequence()); after > 0 {
				last = far
			} else {
				first = far
			}
			p.Gaps, err = c.gaps(peer, first, last)
		}
		if after == 0 {
			slices.Reverse(p.Messages)
		}
		return err
	})
	return p, err
}

func (c *Cache) messages(query string, args ...any) (all []*wire.Message, err error) {
	err = c.each(func(scan func(...any) error) error {
		m, err := scanMessage(scan)
		all = append(all, m)
		return err
	}, query, args...)
	return all, err
}

// gaps is what is not known from first to last.
func (c *Cache) gaps(peer string, first, last int64) (all []Span, err error) {
	next := first
	err = c.each(func(scan func(...any) error) error {
		var from, to int64
		err := scan(&from, &to)
		if from > next {
			all = append(all, Span{uint64(next), uint64(from - 1)})
		}
		next = max(next, to+1)
		return err
	}, `SELECT first, last FROM known WHERE peer = ? AND last >= ? AND first <= ? ORDER BY first`, peer, first, last)
	if err == nil && next <= last {
		all = append(all, Span{uint64(next), uint64(last)})
	}
	return all, err
}
