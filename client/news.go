package client

import (
	"slices"
	"sync"

	"rollcall.example"
	"rollcall.example/client/internal/cache"
	"rollcall.example/wire"
)

// Bounds of what is told in one turn of the queue, and of recalls that wait: a
// conversation that has changed is told in any case.
const (
	toldAtOnce = 100
	maxRecalls = 1000
)

// news is of what the app is to hear, in few words: which conversations have
// changed, not how. What there is to say is read from the cache when its turn
// comes. So a slow listener makes nothing grow, and hears what is so by then.
type news struct {
	mu       sync.Mutex
	waiting  bool // in the queue
	fresh    []string
	changed  []string
	gone     []string
	read     []string
	recalled []cache.Recall

	total int // unread messages, as told last; the queue's own
}

// add takes in what a step has changed; false: nothing of it is for the app.
func (n *news) add(x cache.News) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, peer := range x.New {
		n.gone = without(n.gone, peer)
		n.fresh = with(n.fresh, peer)
	}
	for _, peer := range x.Changed {
		if !slices.Contains(n.fresh, peer) {
			n.changed = with(n.changed, peer)
		}
	}
	for _, peer := range x.Gone {
		n.fresh, n.changed = without(n.fresh, peer), without(n.changed, peer)
		n.gone = with(n.gone, peer)
	}
	for _, peer := range x.Read {
		n.read = with(n.read, peer)
	}
	n.recalled = append(n.recalled, x.Recalled...)
	n.recalled = n.recalled[max(0, len(n.recalled)-maxRecalls):]
	return x.Untold || len(x.New)+len(x.Changed)+len(x.Gone)+len(x.Read)+len(x.Recalled) > 0
}

func with(all []string, one string) []string {
	if slices.Contains(all, one) {
		return all
	}
	return append(all, one)
}

func without(all []string, one string) []string {
	return slices.DeleteFunc(all, func(other string) bool { return other == one })
}

// take empties n.
func (n *news) take() *news {
	n.mu.Lock()
	defer n.mu.Unlock()
	x := &news{fresh: n.fresh, changed: n.changed, gone: n.gone, read: n.read, recalled: n.recalled}
	n.waiting = false
	n.fresh, n.changed, n.gone, n.read, n.recalled = nil, nil, nil, nil, nil
	return x
}

// tell puts b's news into the queue, once.
func (e *engine) tell(b *box) {
	b.news.mu.Lock()
	defer b.news.mu.Unlock()
	if !b.news.waiting {
		b.news.waiting = true
		e.queue.push(item{run: func() { e.tellNow(b) }})
	}
}

// isIn tells whether b's account is in. After its end nothing of it is told.
func (e *engine) isIn(b *box) bool {
	now := e.shown()
	return now.status == StatusLogined && now.named == b
}

// tellNow tells the app what is new: first messages, then what that makes of the
// conversations.
func (e *engine) tellNow(b *box) {
	n := b.news.take()
	more, err := e.tellMessages(b)
	if err == nil {
		err = e.tellRecalls(b, n.recalled)
	}
	if err == nil {
		err = e.tellReceipts(b, n.read)
	}
	if err == nil {
		err = e.tellConversations(b, n)
	}
	if err != nil && e.isIn(b) {
		e.log.Error("tell what is new", "user_id", b.User, "err", err)
		return
	}
	if more {
		e.tell(b)
	}
}

// tellMessages tells new messages, in their order; true: there may be more.
func (e *engine) tellMessages(b *box) (more bool, err error) {
	for told := 0; told < toldAtOnce; {
		all, err := b.cache.Untold(toldAtOnce - told)
		if err != nil || len(all) == 0 {
			return false, err
		}
		for _, x := range all {
			if !e.isIn(b) {
				return false, nil
			}
			told++
			ok, err := b.cache.Told(x.View.GetPeer(), x.Message.GetSequence())
			if err != nil {
				return false, err
			}
			if !ok {
				continue // recalled or deleted meanwhile
			}
			m := messageOf(b.User, x.View, x.Message)
			e.hearers.each(func(l Listener) { // whatever happens meanwhile: it counts as told
				if l.NewMessage != nil {
					l.NewMessage(m)
				}
			})
		}
	}
	return true, nil
}

// tellIn calls every listener for as long as the account is in.
func (e *engine) tellIn(b *box, tell func(Listener)) {
	e.hearers.each(func(l Listener) {
		if e.isIn(b) {
			tell(l)
		}
	})
}

func (e *engine) tellRecalls(b *box, all []cache.Recall) error {
	for _, r := range all {
		m, err := b.cache.Message(r.Peer, r.Sequence)
		if err != nil {
			return err
		}
		if m == nil {
			continue
		}
		x := messageOf(b.User, &wire.Conversation{Peer: r.Peer}, m)
		e.tellIn(b, func(l Listener) {
			if l.MessageRecalled != nil {
				l.MessageRecalled(x)
			}
		})
	}
	return nil
}

func (e *engine) tellReceipts(b *box, peers []string) error {
	for _, peer := range peers {
		x, ok, err := b.cache.Conversation(peer)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		e.tellIn(b, func(l Listener) {
			if l.ReadByPeer != nil {
				l.ReadByPeer(rollcall.ConversationWith(rollcall.UserID(peer)), x.GetPeerReadSequence())
			}
		})
	}
	return nil
}

func (e *engine) tellConversations(b *box, n *news) error {
	fresh, err := b.conversations(n.fresh)
	if err != nil {
		return err
	}
	changed, err := b.conversations(n.changed)
	if err != nil {
		return err
	}
	gone := make([]rollcall.ConversationID, 0, len(n.gone))
	for _, peer := range n.gone {
		gone = append(gone, rollcall.ConversationWith(rollcall.UserID(peer)))
	}
	total, err := b.cache.TotalUnread()
	if err != nil {
		return err
	}
	e.tellIn(b, func(l Listener) {
		if len(fresh) > 0 && l.ConversationNew != nil {
			l.ConversationNew(fresh)
		}
		if len(changed) > 0 && l.ConversationChanged != nil {
			l.ConversationChanged(changed)
		}
		if len(gone) > 0 && l.ConversationDeleted != nil {
			l.ConversationDeleted(gone)
		}
		if total != b.news.total && l.TotalUnreadChanged != nil {
			l.TotalUnreadChanged(total)
		}
	})
	b.news.total = total
	return nil
}

// conversations are those of the list with these peers.
func (b *box) conversations(peers []string) (all []Conversation, err error) {
	for _, peer := range peers {
		x, ok, err := b.cache.Conversation(peer)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, conversationOf(b.User, x))
		}
	}
	return all, nil
}
