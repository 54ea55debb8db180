package cache

import "rollcall.example/wire"

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
		if sequence == tip+1 && sequence <= s.last {
			tip = sequence
			err = c.putMessage(peer, m, c.isOld(peer, m, mine), n)
		} else {
			err = c.replace(peer, m, n)
		}
		if err != nil {
			return err
		}
	}
	n.Behind = n.Behind || tip < s.last
	if tip == s.tip {
		return nil
	}
	s.tip = tip
	return c.save(s)
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

// putMessage stores a message, told or not, or what became of one that is there: that
// stays told or not, but for a recall. The app hears of a recall, unless it knows or
// never heard of the message. One that neither side has sent is left out.
func (c *Cache) putMessage(peer string, m *wire.Message, told bool, n *News) error {
	if !c.saidIn(peer, m) {
		return nil
	}
	old, err := c.message(peer, m.GetSequence())
	switch {
	case isNone(err):
	case err != nil:
		return err
	default:
		if m.GetRecalled() && old.told && !old.message.GetRecalled() {
			n.Recalled = append(n.Recalled, Recall{peer, m.GetSequence()})
		}
		told = old.told
	}
	told = told || m.GetRecalled()
	n.Untold = n.Untold || !told
	return c.put(kept{peer: peer, sequence: int64(m.GetSequence()), message: m, told: told})
}

// replace changes a message that is there.
func (c *Cache) replace(peer string, m *wire.Message, n *News) error {
	_, err := c.message(peer, m.GetSequence())
	if isNone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.putMessage(peer, m, false, n)
}
