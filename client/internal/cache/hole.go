package cache

import (
	"cmp"
	"errors"
	"slices"
)

// A Span is some sequences, both ends included; the first above the last: none.
type Span struct{ First, Last uint64 }

// addHole says that there is no message from first to last.
func (c *Cache) addHole(peer string, first, last int64) error {
	if first > last || first < 1 {
		return nil
	}
	near, err := c.holes(peer, first-1, last+1)
	if err != nil {
		return err
	}
	for _, h := range near {
		first, last = min(first, int64(h.First)), max(last, int64(h.Last))
		if err := c.exec(`DELETE FROM hole WHERE peer = ? AND first = ?`, peer, int64(h.First)); err != nil {
			return err
		}
	}
	return c.exec(`INSERT INTO hole (peer, first, last, sum) VALUES (?, ?, ?, ?)`, peer, first, last, holeSum(peer, first, last))
}

func holeSum(peer string, first, last int64) int64 { return sumOf([]int64{first, last}, []byte(peer)) }

// holes are those that reach into first to last, lowest first.
func (c *Cache) holes(peer string, first, last int64) (all []Span, err error) {
	err = c.each(func(scan func(...any) error) error {
		var whose string
		var from, to, sum int64
		if err := scan(&whose, &from, &to, &sum); err != nil {
			return err
		}
		if holeSum(whose, from, to) != sum {
			return &damagedRow{table: "hole", peer: whose, at: from}
		}
		all = append(all, Span{uint64(from), uint64(to)})
		return nil
	}, `SELECT peer, first, last, sum FROM hole WHERE peer = ? AND first <= ? AND last >= ? ORDER BY first`, peer, last, first)
	return all, err
}

// gaps are what is not known from first to last, of which these are the messages that
// are there.
func (c *Cache) gaps(peer string, first, last int64, there []kept) ([]Span, error) {
	filled, err := c.holes(peer, first, last)
	if err != nil {
		return nil, err
	}
	for _, k := range there {
		filled = append(filled, Span{uint64(k.sequence), uint64(k.sequence)})
	}
	return without(first, last, filled), nil
}

// without is what is left of first to last without these spans.
func without(first, last int64, spans []Span) (left []Span) {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.First, b.First) })
	next := first
	for _, s := range spans {
		if from := min(int64(s.First), last+1); from > next {
			left = append(left, Span{uint64(next), uint64(from - 1)})
		}
		next = max(next, int64(s.Last)+1)
	}
	if next <= last {
		left = append(left, Span{uint64(next), uint64(last)})
	}
	return left
}

// fill says of a span that nothing is there but the messages that are stored.
func (c *Cache) fill(peer string, p Span) error {
	first, last := int64(p.First), int64(p.Last)
	if first > last || first < 1 {
		return nil
	}
	var there []Span
	err := c.each(func(scan func(...any) error) error {
		var sequence int64
		err := scan(&sequence)
		there = append(there, Span{uint64(sequence), uint64(sequence)})
		return err
	}, `SELECT sequence FROM message WHERE peer = ? AND sequence BETWEEN ? AND ?`, peer, first, last)
	for _, s := range without(first, last, there) {
		if err == nil {
			err = c.addHole(peer, int64(s.First), int64(s.Last))
		}
	}
	return err
}

// known is up to where everything is known that comes after a sequence.
func (c *Cache) known(peer string, after int64) (to int64, err error) {
	to = after
	holes, err := c.holes(peer, after+1, maxSequence)
	if err != nil {
		return to, err
	}
	extend := func() {
		for ; len(holes) > 0 && int64(holes[0].First) <= to+1; holes = holes[1:] {
			to = max(to, int64(holes[0].Last))
		}
	}
	err = c.each(func(scan func(...any) error) error {
		k, err := scanMessage(scan)
		if err != nil {
			return err
		}
		if extend(); k.sequence > to+1 {
			return errEnough
		}
		to = max(to, k.sequence)
		return nil
	}, messages+`WHERE peer = ? AND sequence > ? ORDER BY sequence`, peer, after)
	if err != nil && !errors.Is(err, errEnough) {
		return to, err
	}
	extend()
	return to, nil
}

// errEnough ends the reading of rows.
var errEnough = errors.New("no more is wanted")
