package client

import (
	"cmp"
	"context"
	"errors"

	"rollcall.example"
	"rollcall.example/client/internal/cache"
	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// maxPageFetches bounds the requests for one page: the server's pages are shorter
// where messages are long.
const maxPageFetches = 30

// A Page says which part of a conversation is wanted.
type Page struct {
	Before uint64 // those with a lower sequence, the newest of them; 0 with After 0: the newest
	After  uint64 // those with a higher sequence, the oldest of them; not together with Before
	Count  int    // at most so many, 1 to 100
	Local  bool   // from the cache alone
}

// A MessagePage is a part of a conversation, lowest sequence first.
type MessagePage struct {
	Messages []Message

	// Gaps are where messages may be missing, in between or at the ends: the
	// server has them, if it keeps them still, and this device does not. Without
	// a connection they stay; with one the next call fills them.
	Gaps []Gap

	End bool // there is nothing more in that direction
}

// A Gap is a span of sequences, both ends included.
type Gap struct{ First, Last uint64 }

// Messages are a page of a conversation: from the server, merged with what the
// device has, while somebody is in and connected; otherwise what the device has of
// the account that was named in the last login. After a logout it is
// imcode.NotLoggedIn (6014).
func (c *Client) Messages(ctx context.Context, id rollcall.ConversationID, p Page) (MessagePage, error) {
	peer, err := peerOf(id)
	if err = cmp.Or(ctx.Err(), err); err != nil {
		return MessagePage{}, err
	}
	if p.Count < 1 || p.Count > maxPage || p.Before > 0 && p.After > 0 || max(p.Before, p.After) > wire.MaxTryNumber {
		return MessagePage{}, imcode.SDKInvalidParameters.Errorf(
			"a page of %d messages before %d, after %d: want 1 to %d, and one direction", p.Count, p.Before, p.After, maxPage)
	}
	f := cache.Fetch{Peer: peer, Before: p.Before, After: p.After}
	for range maxPageFetches {
		if p.Local {
			break
		}
		got, ok, err := c.fetch(ctx, f, p.Count)
		switch {
		case errors.Is(err, errStale):
			continue
		case err != nil:
			return MessagePage{}, err
		}
		if !ok {
			break
		}
		page, last, err := c.page(peer, p)
		if err != nil || covers(got, p, page, last) {
			return page, err
		}
		f.Before, f.After = got.First, 0
		if p.After > 0 {
			f.Before, f.After = 0, got.Last
		}
	}
	page, _, err := c.page(peer, p)
	return page, err
}

// covers tells whether what the server gave reaches as far as a page does.
func covers(got cache.Span, p Page, page MessagePage, last uint64) bool {
	n := len(page.Messages)
	if p.After > 0 {
		return got.Last >= last || n == p.Count && got.Last >= page.Messages[n-1].Sequence
	}
	return got.First <= 1 || n == p.Count && got.First <= page.Messages[0].Sequence
}

// page reads a page from the cache, which knows of the conversation up to last.
func (c *Client) page(peer string, p Page) (page MessagePage, last uint64, err error) {
	err = c.read(func(b *box) error {
		found, err := b.cache.Page(peer, p.Before, p.After, p.Count)
		if err != nil {
			return err
		}
		page, last = MessagePage{End: found.End}, found.View.GetLastSequence()
		for _, m := range found.Messages {
			page.Messages = append(page.Messages, messageOf(b.User, found.View, m))
		}
		for _, g := range found.Gaps {
			page.Gaps = append(page.Gaps, Gap(g))
		}
		return nil
	})
	return page, last, err
}

// fetch brings a page into the cache. False: there is no server to ask now.
func (c *Client) fetch(ctx context.Context, f cache.Fetch, count int) (got cache.Span, ok bool, err error) {
	var whose *box
	err = c.read(func(b *box) error {
		whose = b
		f.Last, err = b.cache.Last(f.Peer)
		return err
	})
	if err != nil {
		return got, false, err
	}
	r := &request{frame: listMessages(f, count), box: whose}
	var kept error
	var stale bool
	r.hear = func(s *seat, a *wire.ServerFrame) {
		if a.GetMessages() == nil {
			return
		}
		n, span, err := s.box.cache.TakeMessages(f, a.GetMessages(), c.engine.mine(s))
		if err == nil {
			c.engine.hear(s, n)
		}
		if !r.answered { // otherwise nobody waits for it any more
			got, kept, stale = span, err, n.Stale
		}
	}
	r.take = func(a *wire.ServerFrame) bool { return a.GetMessages() != nil }
	err = c.ask(context.WithValue(ctx, asideKey{}, true), r)
	switch {
	case ctx.Err() != nil:
		return got, false, ctx.Err()
	case errors.Is(err, imcode.NotLoggedIn) || errors.Is(err, imcode.Disconnected) || errors.Is(err, imcode.WaitAckTimeout):
		return got, false, nil
	case err == nil && kept != nil:
		return got, false, localError(kept)
	case err == nil && stale:
		return got, false, errStale
	}
	return got, err == nil, err
}

// errStale: a page is from before something was recalled or deleted that is known of.
var errStale = errors.New("the page is out of date")
