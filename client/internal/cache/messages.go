package cache

import (
	"database/sql"
	"errors"

	"google.golang.org/protobuf/proto"

	"rollcall.example/wire"
)

func isNone(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// putNews takes the messages of a change. One that continues what is there is
// stored; one beyond that is fetched later, with those before it.
func (c *Cache) putNews(peer string, ms []*wire.Message, mine Mine, n *News) error {
	s, err := c.load(peer)
	if err != nil {
		return err
	}
	tip := s.tip
	for _, m := range ms {
		sequence := int64(m.GetSequence())
		switch {
		case sequence == tip+1 && sequence <= s.last:
			tip = sequence
			if err := c.putMessage(peer, m, c.isOld(peer, m, mine), n); err != nil {
				return err
			}
			if err := c.addKnown(peer, sequence, sequence); err != nil {
				return err
			}
		case sequence <= tip:
			if err := c.replace(peer, m, n); err != nil {
				return err
			}
		}
	}
	n.Behind = n.Behind || tip < s.last
	if tip == s.tip {
		return nil
	}
	return c.exec(`UPDATE conversation SET tip = ? WHERE peer = ?`, tip, peer)
}

// putOwn stores what this client has sent, wherever it stands.
func (c *Cache) putOwn(peer string, ms []*wire.Message, mine Mine) error {
	for _, m := range ms {
		if !mine(peer, m) || m.GetSequence() == 0 || m.GetSequence() > maxSequence {
			continue
		}
		if err := c.putMessage(peer, m, true, new(News)); err != nil {
			return err
		}
	}
	return nil
}

// isOld tells whether the app needs not be told of a message.
func (c *Cache) isOld(peer string, m *wire.Message, mine Mine) bool {
	return m.GetRecalled() || m.GetTimeMs() < c.state.born || mine(peer, m)
}

// putMessage stores a message, told or not, or what became of one that is there.
func (c *Cache) putMessage(peer string, m *wire.Message, told bool, n *News) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	if m.GetRecalled() {
		if err := c.recalled(peer, m, n); err != nil {
			return err
		}
		told = true
	}
	n.Untold = n.Untold || !told
	return c.exec(`INSERT INTO message (peer, sequence, view, told) VALUES (?, ?, ?, ?)
		ON CONFLICT (peer, sequence) DO UPDATE SET view = excluded.view, told = told OR ?`,
		peer, int64(m.GetSequence()), b, told, m.GetRecalled())
}

// putFetched stores a message of a page. What became of it after the page was
// made may be known already: that it was recalled, or deleted.
func (c *Cache) putFetched(peer string, m *wire.Message, told bool, n *News) error {
	old, err := scanMessage(c.row(`SELECT view FROM message WHERE peer = ? AND sequence = ?`, peer, int64(m.GetSequence())).Scan)
	switch {
	case isNone(err):
		var known bool
		err := c.row(`SELECT EXISTS (SELECT 1 FROM known WHERE peer = ? AND first <= ? AND last >= ?)`,
			peer, int64(m.GetSequence()), int64(m.GetSequence())).Scan(&known)
		if err != nil || known {
			return err
		}
	case err != nil:
		return err
	case old.GetRecalled():
		return nil
	}
	return c.putMessage(peer, m, told, n)
}

// replace changes a message that is there.
func (c *Cache) replace(peer string, m *wire.Message, n *News) error {
	var told bool
	err := c.row(`SELECT told FROM message WHERE peer = ? AND sequence = ?`, peer, int64(m.GetSequence())).Scan(&told)
	if isNone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.putMessage(peer, m, told, n)
}

// recalled tells of a recall, unless the app knows or never heard of the message.
func (c *Cache) recalled(peer string, m *wire.Message, n *News) error {
	var b []byte
	var told bool
	err := c.row(`SELECT view, told FROM message WHERE peer = ? AND sequence = ?`, peer, int64(m.GetSequence())).Scan(&b, &told)
	if isNone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var old wire.Message
	if err := decode(b, &old); err != nil {
		return err
	}
	if told && !old.GetRecalled() {
		n.Recalled = append(n.Recalled, Recall{peer, m.GetSequence()})
	}
	return nil
}

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
		var tip, last, look, lookTo int64
		err := c.row(`SELECT peer, tip, last, look, look_to FROM conversation WHERE tip < last OR look <= look_to ORDER BY change LIMIT 1`).
			Scan(&f.Peer, &tip, &last, &look, &lookTo)
		if isNone(err) {
			return nil
		}
		if err != nil {
			return err
		}
		ok = true
		f.Last, f.CatchUp = uint64(last), true
		switch {
		case last-tip > farBack:
			f.After = uint64(last - farBack)
			return c.exec(`UPDATE conversation SET tip = ? WHERE peer = ?`, last-farBack, f.Peer)
		case look <= lookTo && look > 1:
			f.After = uint64(look - 1)
		case look <= lookTo: // after 0 would be the newest ones
			f.Before = uint64(lookTo + 1)
		case tip > 0:
			f.After = uint64(tip)
		default:
			f.Before, err = c.fromTheBeginning(f.Peer, last)
		}
		return err
	})
	return f, ok, err
}

// fromTheBeginning is what to ask before, to have a conversation's first messages.
// A page that is too short for all of them leaves the earlier ones for the next.
func (c *Cache) fromTheBeginning(peer string, last int64) (before uint64, err error) {
	var end int64
	err = c.row(`SELECT coalesce(min(first) - 1, ?) FROM known WHERE peer = ?`, last, peer).Scan(&end)
	return uint64(min(max(end, 1), newest)) + 1, err
}

// GiveUp leaves what is missing at the end of a conversation a gap: the server
// does not give it.
func (c *Cache) GiveUp(f Fetch) error {
	return c.change(func() error {
		return c.exec(`UPDATE conversation SET tip = max(tip, ?), look = 1, look_to = 0 WHERE peer = ?`, int64(f.Last), f.Peer)
	})
}

// TakeMessages takes the answer to a fetch, and says what it covers.
func (c *Cache) TakeMessages(f Fetch, a *wire.MessagesAnswer, mine Mine) (n News, span Span, err error) {
	span = spanOf(f, a)
	err = c.change(func() error {
		s, err := c.load(f.Peer)
		if err != nil || !s.there {
			return err
		}
		if err := c.dropMissing(f.Peer, span, a); err != nil {
			return err
		}
		for _, m := range a.GetMessages() {
			if !span.holds(m) || m.GetSequence() <= s.view.GetDeletedSequence() {
				continue
			}
			told := int64(m.GetSequence()) <= s.tip || c.isOld(f.Peer, m, mine)
			if err := c.putFetched(f.Peer, m, told, &n); err != nil {
				return err
			}
		}
		if err := c.addKnown(f.Peer, int64(span.First), int64(span.Last)); err != nil {
			return err
		}
		return c.reached(f, span, s, &n)
	})
	return n, span, err
}

// reached moves the tip on when a page continues what is there, and takes it out
// of what is to be looked at again.
func (c *Cache) reached(f Fetch, p Span, s stored, n *News) error {
	first, last := int64(p.First), int64(p.Last)
	tip, look, lookTo := s.tip, s.look, s.lookTo
	if first <= look && last >= look {
		look = last + 1
	}
	if first <= lookTo && last >= lookTo {
		lookTo = first - 1
	}
	if first <= tip+1 {
		tip = max(tip, last) // and to where an earlier page goes on
		if err := c.row(`SELECT coalesce(max(last), ?) FROM known WHERE peer = ? AND first <= ? AND last > ?`,
			tip, f.Peer, tip+1, tip).Scan(&tip); err != nil {
			return err
		}
	}
	n.Untold = n.Untold || tip > s.tip // also those that a page beyond it has brought
	n.Behind = n.Behind || tip < s.last || look <= lookTo
	return c.exec(`UPDATE conversation SET tip = ?, look = ?, look_to = ? WHERE peer = ?`, tip, look, lookTo, f.Peer)
}

// A Span is some sequences, both ends included; the first above the last: none.
type Span struct{ First, Last uint64 }

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

// dropMissing removes what the server has no more between the messages of a page:
// the account has deleted it. What lies before the first of them may only be too old
// for the server, and stays.
func (c *Cache) dropMissing(peer string, p Span, a *wire.MessagesAnswer) error {
	ms := a.GetMessages()
	if len(ms) == 0 {
		return nil
	}
	there := make(map[int64]bool, len(ms))
	for _, m := range ms {
		there[int64(m.GetSequence())] = true
	}
	var gone []int64
	err := c.each(func(scan func(...any) error) error {
		var sequence int64
		err := scan(&sequence)
		if !there[sequence] {
			gone = append(gone, sequence)
		}
		return err
	}, `SELECT sequence FROM message WHERE peer = ? AND sequence BETWEEN ? AND ?`, peer, int64(max(p.First, ms[0].GetSequence())), int64(p.Last))
	for _, sequence := range gone {
		if err == nil {
			err = c.exec(`DELETE FROM message WHERE peer = ? AND sequence = ?`, peer, sequence)
		}
	}
	return err
}

// addKnown adds a span to those in which nothing is missing.
func (c *Cache) addKnown(peer string, first, last int64) error {
	if first > last || first < 1 {
		return nil
	}
	err := c.row(`SELECT min(?, coalesce(min(first), ?)), max(?, coalesce(max(last), ?)) FROM known
		WHERE peer = ? AND first <= ? AND last >= ?`, first, first, last, last, peer, last+1, first-1).Scan(&first, &last)
	if err != nil {
		return err
	}
	if err := c.exec(`DELETE FROM known WHERE peer = ? AND first BETWEEN ? AND ?`, peer, first, last); err != nil {
		return err
	}
	return c.exec(`INSERT INTO known (peer, first, last) VALUES (?, ?, ?)`, peer, first, last)
}
