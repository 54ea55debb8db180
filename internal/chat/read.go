package chat

import (
	"context"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/node"
	"rollcall.example/internal/talk"
)

// A Sync is conversations that changed.
type Sync struct {
	Views  []talk.View
	Change uint64 // what has been seen with them
	More   bool
}

// Cut is the sync with its first n conversations, at least 1.
func (s Sync) Cut(n int) Sync {
	if n = max(n, 1); n >= len(s.Views) {
		return s
	}
	return Sync{Views: s.Views[:n], Change: s.Views[n-1].Change, More: true}
}

// Sync reads the conversations of a place's account that changed after a change
// number, at most count, with what became of their messages after another one: of who
// has nothing (since 0) nobody needs to know. A Change below since: the account has
// another past than the one that asks.
func (c *Conversations) Sync(ctx context.Context, p *node.Place, since, altered uint64, count int) (Sync, error) {
	if err := checkCount(count); err != nil {
		return Sync{}, err
	}
	if since == 0 {
		altered = 1 << 63
	}
	views, change, more, err := c.store.Conversations(ctx, p.Account(), since, altered, count)
	if err != nil {
		return Sync{}, c.internal(p.Account(), err)
	}
	s := Sync{Views: views, Change: change, More: more}
	if more {
		s.Change = views[len(views)-1].Change
	}
	return s, nil
}

// Messages reads a page of the conversation of a place's account with peer. 20003:
// there is no such account; 6017: the page begins beyond the end.
func (c *Conversations) Messages(ctx context.Context, p *node.Place, name string, s talk.Span) (talk.Page, error) {
	own := p.Account()
	peer, err := c.peer(own, name)
	if err == nil {
		err = checkCount(s.Count)
	}
	if err == nil && s.Before > 0 && s.After > 0 {
		err = imcode.SDKInvalidParameters.Errorf("before and after: want one of them")
	}
	if err != nil {
		return talk.Page{}, err
	}
	page, err := c.store.Messages(ctx, own, peer, s)
	switch {
	case err != nil:
		return page, c.internal(own, err)
	case !page.Exists && page.Last == 0:
		return page, imcode.InvalidRecipient.Errorf("there is no such account")
	case s.After > page.Last || s.Before > page.Last+1:
		return page, imcode.SDKInvalidParameters.Errorf("before %d, after %d: the conversation ends with sequence %d", s.Before, s.After, page.Last)
	}
	return page, nil
}

func checkCount(n int) error {
	if n < 1 || n > talk.MaxPage {
		return imcode.SDKInvalidParameters.Errorf("count %d: want 1 to %d", n, talk.MaxPage)
	}
	return nil
}

const (
	pruneBatch = 200                    // rows dropped in one commit
	prunePause = 100 * time.Millisecond // between two, so that nobody is held up

	// alterationDays is how long recalls and deletions are remembered for devices that
	// are away, if messages are not kept for longer.
	alterationDays = 90
)

// Prune drops the messages of an app that are older now than it keeps them, and what is
// known of recalls and deletions long ago.
func (c *Conversations) Prune(ctx context.Context, id rollcall.AppID, now time.Time) error {
	app, err := c.apps.App(id)
	if err != nil {
		return err
	}
	days := app.Settings.Effective().MessageDays
	err = prune(ctx, func() (int, error) {
		n, err := c.store.TrimMessages(ctx, id, now.AddDate(0, 0, -days), pruneBatch)
		if n > 0 {
			c.opt.OnPrune(n)
		}
		return n, err
	})
	if err != nil {
		return err
	}
	return prune(ctx, func() (int, error) {
		return c.store.TrimAlterations(ctx, id, now.AddDate(0, 0, -max(days, alterationDays)), pruneBatch)
	})
}

// prune drops batch after batch, until one is not full.
func prune(ctx context.Context, batch func() (int, error)) error {
	for {
		n, err := batch()
		if err != nil || n < pruneBatch {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(prunePause):
		}
	}
}
