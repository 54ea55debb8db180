package cache

import (
	"rollcall.example"
	"rollcall.example/wire"
)

// Bounds of what is fetched by itself.
const (
	newest  = 100  // messages of a conversation that is new to this device, at most
	farBack = 1000 // messages behind; what lies before them is left a gap
)

// maxSequence bounds sequences and change numbers: nobody gets there by counting.
const maxSequence = 1 << 53

// A News is what a step has changed, of which the app is to hear.
type News struct {
	New, Changed, Gone []string // conversations, by their peers
	Read               []string // those whose peers have read more
	Recalled           []Recall
	Untold             bool // there may be messages to be told
	Behind             bool // there may be conversations without their latest messages
	Missed             bool // something came before this that was not heard
	Stale              bool // nothing was taken: it was older than what the cache has
}

// A Recall names a message that was taken back.
type Recall struct {
	Peer     string
	Sequence uint64
}

// Mine tells whether a message was sent by this client, which knows of it.
type Mine func(peer string, m *wire.Message) bool

// TakeChange takes one change. Of one that is not the next only what this client
// has sent is taken, so that it is no news when it comes again.
func (c *Cache) TakeChange(ch *wire.Change, mine Mine) (n News, err error) {
	v := ch.GetConversation()
	if !c.sound(v) || ch.GetNumber() > maxSequence {
		return News{Missed: true}, nil
	}
	err = c.change(func() error {
		n = News{}
		if !c.state.Synced || ch.GetNumber() > c.state.Change+1 {
			n.Missed = true
			return c.putOwn(v.GetPeer(), ch.GetMessages(), mine)
		}
		if err := c.putView(v, &n, false); err != nil {
			return err
		}
		if err := c.putNews(v.GetPeer(), ch.GetMessages(), mine, &n); err != nil {
			return err
		}
		if err := c.alter(alterationsOf(ch), ch.GetNumber(), &n); err != nil {
			return err
		}
		next := c.state
		if next.Whole == next.Change {
			next.Whole = max(next.Whole, ch.GetNumber())
		}
		next.Change = max(next.Change, ch.GetNumber())
		return c.seen(next)
	})
	return n, err
}

// sound tells whether a view can be worked with.
func (c *Cache) sound(v *wire.Conversation) bool {
	_, err := rollcall.ParseUserID(v.GetPeer())
	m := v.GetLastMessage()
	return err == nil && (m == nil || c.saidIn(v.GetPeer(), m)) && v.GetLastSequence() <= maxSequence && v.GetChange() <= maxSequence &&
		v.GetDeletedSequence() <= maxSequence
}

// saidIn tells whether one of the two sides of a conversation has sent a message: a
// server that names anybody else is not to be believed.
func (c *Cache) saidIn(peer string, m *wire.Message) bool {
	return m.GetSender() == peer || m.GetSender() == c.user
}

// TakeSync takes what changed since a change number, that of State when it was
// asked, with what became of messages after its Whole. Of a first sync that begins at born, a time of the server in ms, no
// message is news that was sent before.
func (c *Cache) TakeSync(since uint64, a *wire.SyncAnswer, born int64) (n News, err error) {
	err = c.change(func() error {
		n = News{}
		if a.GetChange() < since || a.GetChange() > maxSequence {
			return ErrForeign
		}
		if c.state.born == 0 {
			c.state.born = born
		}
		for _, v := range a.GetConversations() {
			if !c.sound(v) {
				continue
			}
			if err := c.putView(v, &n, true); err != nil {
				return err
			}
		}
		for _, x := range a.GetAlterations() {
			if err := c.alter(x, a.GetChange(), &n); err != nil {
				return err
			}
		}
		next := c.state
		next.Change = max(next.Change, a.GetChange()) // pushes may have come before it
		if !a.GetMore() {
			next.Synced, next.Whole = true, next.Change
		}
		return c.seen(next)
	})
	return n, err
}

// putView takes a view, unless a later one is there.
func (c *Cache) putView(v *wire.Conversation, n *News, bySync bool) error {
	old, err := c.load(v.GetPeer())
	if err != nil || old.there && int64(v.GetChange()) <= old.change {
		return err
	}
	s := old
	s.view, s.there = v, true
	s.change, s.last, s.unread, s.hidden = int64(v.GetChange()), int64(v.GetLastSequence()), int64(v.GetUnread()), v.GetDeleted()
	s.tip = max(c.firstTip(v, old, bySync), int64(v.GetDeletedSequence()))
	if !old.there { // what this device had sent before may have become something else
		if err := c.lookAgain(&s); err != nil {
			return err
		}
	}
	if m := v.GetLastMessage(); m != nil {
		s.active = m.GetTimeMs()
	}
	s.rank = rank(v, s.active)
	if s.hidden && !old.hidden {
		s.draft, s.draftMs = "", 0
	}
	if err := c.save(s); err != nil {
		return err
	}
	if err := c.clear(v, old); err != nil {
		return err
	}
	if m := v.GetLastMessage(); m != nil && !old.there && s.tip == s.last && m.GetSequence() <= v.GetLastSequence() {
		if err := c.putMessage(v.GetPeer(), m, true, n); err != nil {
			return err
		}
		if err := c.fill(v.GetPeer(), Span{m.GetSequence(), v.GetLastSequence()}); err != nil {
			return err
		}
	}
	n.Behind = n.Behind || s.tip < s.last || s.look <= s.lookTo
	n.compare(v, old, s)
	return nil
}

// firstTip is up to where the app needs not be told of a conversation.
func (c *Cache) firstTip(v *wire.Conversation, old stored, bySync bool) int64 {
	last := int64(v.GetLastSequence())
	switch {
	case old.there:
		return old.tip
	case !bySync || c.state.Synced:
		return 0
	case v.GetLastMessage().GetTimeMs() >= c.state.born: // it goes on while this device comes in
		return max(0, last-newest)
	default:
		return last
	}
}

// rank is where a conversation stands in the list: those that are pinned first,
// then by their last message. No two are the same but by an accident of 2^18.
func rank(v *wire.Conversation, active int64) int64 {
	r := min(max(active, 0), 1<<43-1)<<18 | int64(v.GetChange()&(1<<18-1))
	if v.GetPinned() {
		r |= 1 << 61
	}
	return r
}

// clear forgets what the account has deleted.
func (c *Cache) clear(v *wire.Conversation, old stored) error {
	to := int64(v.GetDeletedSequence())
	if to <= int64(old.view.GetDeletedSequence()) {
		return nil
	}
	if err := c.exec(`DELETE FROM message WHERE peer = ? AND sequence <= ?`, v.GetPeer(), to); err != nil {
		return err
	}
	return c.exec(`DELETE FROM hole WHERE peer = ? AND last <= ?`, v.GetPeer(), to)
}

// compare adds what is new in v.
func (n *News) compare(v *wire.Conversation, old, s stored) {
	switch peer := v.GetPeer(); {
	case s.hidden && old.hidden:
	case s.hidden:
		n.Gone = append(n.Gone, peer)
	case old.hidden:
		n.New = append(n.New, peer)
	default:
		n.Changed = append(n.Changed, peer)
	}
	if old.there && v.GetPeerReadSequence() > old.view.GetPeerReadSequence() {
		n.Read = append(n.Read, v.GetPeer())
	}
}
