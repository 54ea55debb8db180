package cache

import (
	"google.golang.org/protobuf/proto"

	"rollcall.example/wire"
)

// alterationsOf is what a change has made of messages.
func alterationsOf(ch *wire.Change) *wire.Alterations {
	x := &wire.Alterations{Peer: ch.GetConversation().GetPeer(), Deleted: ch.GetDeleted()}
	for _, m := range ch.GetMessages() {
		if m.GetRecalled() {
			x.Recalled = append(x.Recalled, m.GetSequence())
		}
	}
	return x
}

// alter makes of messages what became of them by a change.
func (c *Cache) alter(x *wire.Alterations, change uint64, n *News) error {
	if len(x.GetRecalled())+len(x.GetDeleted()) == 0 && !x.GetAll() {
		return nil
	}
	s, err := c.load(x.GetPeer())
	if err != nil || !s.there {
		return err
	}
	for _, sequence := range x.GetRecalled() {
		if err := c.recall(s.peer, sequence, n); err != nil {
			return err
		}
	}
	for _, sequence := range x.GetDeleted() {
		if sequence == 0 || sequence > uint64(s.last) {
			continue
		}
		if err := c.remove(s.peer, sequence); err != nil {
			return err
		}
	}
	if x.GetAll() {
		if err := c.lookAgain(&s); err != nil {
			return err
		}
		n.Behind = n.Behind || s.look <= s.lookTo
	}
	s.altered = max(s.altered, int64(change))
	return c.save(s)
}

// recall empties a message that is there.
func (c *Cache) recall(peer string, sequence uint64, n *News) error {
	k, err := c.message(peer, sequence)
	switch {
	case isNone(err):
		return nil
	case err != nil:
		return err
	}
	m := proto.CloneOf(k.message)
	m.Content, m.Recalled = nil, true
	return c.putMessage(peer, m, true, n)
}

// remove removes a message that the account has deleted.
func (c *Cache) remove(peer string, sequence uint64) error {
	if err := c.exec(`DELETE FROM message WHERE peer = ? AND sequence = ?`, peer, int64(sequence)); err != nil {
		return err
	}
	return c.addHole(peer, int64(sequence), int64(sequence))
}

// lookAgain lets all messages that are there be looked at again.
func (c *Cache) lookAgain(s *stored) error {
	var first, last int64
	err := c.row(`SELECT coalesce(min(sequence), 1), coalesce(max(sequence), 0) FROM message WHERE peer = ?`, s.peer).Scan(&first, &last)
	if err == nil && first <= last {
		s.look, s.lookTo = first, last
	}
	return err
}
