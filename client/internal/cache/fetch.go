package cache

import "rollcall.example/wire"

// A Fetch is a page of a conversation to be asked of the server.
type Fetch struct {
	Peer          string
	Before, After uint64 // as in wire.ListMessagesRequest
	Last          uint64 // the latest message, as the cache knew when it asked
	CatchUp       bool   // made by Behind
}

// Behind is the next page that is missing at the end of a conversation, or is to
// be looked at again. False: there is none.
func (c *Cache) Behind() (f Fetch, ok bool, err error) {
	err = c.change(func() error {
		s, err := scanConversation(c.row(`SELECT ` + conversationColumns + ` FROM conversation
			WHERE tip < last OR look <= look_to ORDER BY change LIMIT 1`).Scan)
		if isNone(err) {
			return nil
		}
		if err != nil {
			return err
		}
		ok, f = true, Fetch{Peer: s.peer, Last: uint64(s.last), CatchUp: true}
		switch {
		case s.last-s.tip > farBack:
			s.tip = s.last - farBack
			f.After = uint64(s.tip)
			return c.save(s)
		case s.look <= s.lookTo && s.look > 1:
			f.After = uint64(s.look - 1)
		case s.look <= s.lookTo: // after 0 would be the newest ones
			f.Before = uint64(s.lookTo + 1)
		case s.tip > 0:
			f.After = uint64(s.tip)
		default:
			f.Before, err = c.fromTheBeginning(s.peer, s.last)
		}
		return err
	})
	return f, ok, err
}

// fromTheBeginning is what to ask before, to have a conversation's first messages.
// A page that is too short for all of them leaves the earlier ones for the next.
func (c *Cache) fromTheBeginning(peer string, last int64) (before uint64, err error) {
	var end int64
	err = c.row(`SELECT min(coalesce((SELECT min(sequence) FROM message WHERE peer = ?), ?), coalesce((SELECT min(first) FROM hole WHERE peer = ?), ?)) - 1`,
		peer, last+1, peer, last+1).Scan(&end)
	return uint64(min(max(end, 1), newest)) + 1, err
}

// GiveUp leaves what is missing at the end of a conversation a gap: the server
// does not give it.
func (c *Cache) GiveUp(f Fetch) error {
	return c.change(func() error {
		s, err := c.load(f.Peer)
		if err != nil || !s.there {
			return err
		}
		s.tip, s.look, s.lookTo = max(s.tip, int64(f.Last)), 1, 0
		return c.save(s)
	})
}

// TakeMessages takes the answer to a fetch, and says what it covers. An answer from
// before messages were recalled or deleted of which the cache has heard is Stale: it is
// not taken, and is to be asked for again.
func (c *Cache) TakeMessages(f Fetch, a *wire.MessagesAnswer, mine Mine) (n News, span Span, err error) {
	span = spanOf(f, a)
	err = c.change(func() error {
		n = News{}
		s, err := c.load(f.Peer)
		if err != nil || !s.there {
			return err
		}
		if n.Stale = a.GetChange() > 0 && a.GetChange() < uint64(s.altered); n.Stale {
			return nil
		}
		if err := c.dropMissing(s, span, a); err != nil {
			return err
		}
		for _, m := range a.GetMessages() {
			if !span.holds(m) || m.GetSequence() <= s.view.GetDeletedSequence() {
				continue
			}
			told := int64(m.GetSequence()) <= s.tip || c.isOld(f.Peer, m, mine)
			if err := c.putMessage(f.Peer, m, told, &n); err != nil {
				return err
			}
		}
		if err := c.fill(f.Peer, span); err != nil {
			return err
		}
		return c.reached(span, s, &n)
	})
	return n, span, err
}

// reached moves the tip on when a page continues what is there, and takes it out
// of what is to be looked at again.
func (c *Cache) reached(p Span, s stored, n *News) (err error) {
	first, last, tip := int64(p.First), int64(p.Last), s.tip
	if first <= s.look && last >= s.look {
		s.look = last + 1
	}
	if first <= s.lookTo && last >= s.lookTo {
		s.lookTo = first - 1
	}
	if first <= s.tip+1 { // and on to where an earlier page goes on
		if s.tip, err = c.known(s.peer, max(s.tip, last)); err != nil {
			return err
		}
	}
	n.Untold = n.Untold || s.tip > tip // also those that a page beyond it has brought
	n.Behind = n.Behind || s.tip < s.last || s.look <= s.lookTo
	return c.save(s)
}

func (p Span) holds(m *wire.Message) bool {
	return m.GetSequence() >= p.First && m.GetSequence() <= p.Last
}

// spanOf goes by the request: between what was asked for and the page's far end
// the server has nothing else.
func spanOf(f Fetch, a *wire.MessagesAnswer) Span {
	ms := a.GetMessages()
	var first, last uint64
	if len(ms) > 0 {
		first, last = ms[0].GetSequence(), ms[len(ms)-1].GetSequence()
	}
	if a.GetFromSequence() > 0 && len(ms) > 0 {
		first, last = min(first, a.GetFromSequence()), max(last, a.GetToSequence())
	}
	done := a.GetComplete() || len(ms) == 0
	if f.Before > 0 || f.After == 0 { // towards the beginning
		last = max(last, f.Last)
		if f.Before > 0 {
			last = f.Before - 1
		}
		if done {
			first = 1
		}
	} else {
		first = f.After + 1
		if done {
			last = max(last, f.Last)
		}
	}
	return Span{min(first, maxSequence), min(last, maxSequence)}
}

// dropMissing removes what the server does not have in a page: the account has deleted
// it. What is only too old for the server stays, unless it is to be looked at again:
// then nobody knows whether it was deleted before.
func (c *Cache) dropMissing(s stored, p Span, a *wire.MessagesAnswer) error {
	there := make(map[int64]bool, len(a.GetMessages()))
	from := int64(a.GetKeptFrom())
	if from == 0 {
		from = maxSequence // a server that does not say so, and may keep nothing before its messages
	}
	for _, m := range a.GetMessages() {
		there[int64(m.GetSequence())] = true
		from = min(from, int64(m.GetSequence()))
	}
	var gone []uint64
	err := c.each(func(scan func(...any) error) error {
		var sequence int64
		err := scan(&sequence)
		if kept := sequence >= from || sequence >= s.look && sequence <= s.lookTo; kept && !there[sequence] {
			gone = append(gone, uint64(sequence))
		}
		return err
	}, `SELECT sequence FROM message WHERE peer = ? AND sequence BETWEEN ? AND ?`, s.peer, int64(p.First), int64(p.Last))
	for _, sequence := range gone {
		if err == nil {
			err = c.remove(s.peer, sequence)
		}
	}
	return err
}
