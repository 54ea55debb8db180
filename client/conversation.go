package client

import (
	"cmp"
	"context"
	"time"

	"rollcall.example"
	"rollcall.example/client/internal/cache"
	"rollcall.example/imcode"
)

// maxPage bounds a page of conversations or messages.
const maxPage = 100

// A Conversation is what the account and another one have said to each other, as
// the account sees it.
type Conversation struct {
	ID               rollcall.ConversationID
	Peer             rollcall.UserID // the other account
	LastMessage      *Message        // that the account has not deleted; nil: none
	LastSequence     uint64          // of the latest message, also a deleted one
	ReadSequence     uint64          // the account has read up to here
	PeerReadSequence uint64          // and the other side up to here
	Unread           int             // messages of the other side that the account has not read
	Pinned           bool
	Draft            string    // what the user has begun to write, on this device only
	DraftTime        time.Time // when it was set; zero: there is none

	// OrderKey is its place in the list: the larger the further up. It changes
	// with the conversation and is not a time.
	OrderKey int64
}

// ListOptions say which page of the list is wanted.
type ListOptions struct {
	After int64 // the OrderKey of the last conversation of the page before; 0: from the top
	Count int   // at most so many, 1 to 100
}

// A ConversationPage is a part of the list.
type ConversationPage struct {
	Conversations []Conversation
	Next          int64 // ListOptions.After of the next page; 0: there is none
	Complete      bool  // false: this device has not had the whole list yet; SyncFinish tells when it has
}

// Conversations are a page of the account's list: those that are pinned first,
// then by their last message.
//
// It comes from the device's cache, at once. While somebody is in and connected,
// the cache follows the server; while a login is on its way, without a network,
// after a failed login, a kick or an expired UserSig it is the list of the account
// that was named in the last login, as last seen. After a logout it is
// imcode.NotLoggedIn (6014).
//
// On a device that has never had the account's whole list it waits for that while it is
// on its way: from a login's success until it is there, or the connection is lost, the
// session ends, the server asks to come back later, or 10 s are over. Then it is what
// there is, and Complete is false.
func (c *Client) Conversations(ctx context.Context, o ListOptions) (page ConversationPage, err error) {
	if err := ctx.Err(); err != nil {
		return page, err
	}
	if o.After < 0 || o.Count < 1 || o.Count > maxPage {
		return page, imcode.SDKInvalidParameters.Errorf("a page of %d conversations after %d: want 1 to %d, after 0 or an OrderKey", o.Count, o.After, maxPage)
	}
	err = c.readList(ctx, func(b *box) error {
		all, err := b.cache.Conversations(o.After, o.Count+1)
		if err != nil {
			return err
		}
		page = ConversationPage{Complete: b.cache.State().Synced}
		for _, x := range all[:min(len(all), o.Count)] {
			page.Conversations = append(page.Conversations, conversationOf(b.User, x))
		}
		if len(all) > o.Count {
			page.Next = page.Conversations[o.Count-1].OrderKey
		}
		return nil
	})
	return page, err
}

// Conversation is one of the list, as Conversations has it, which it waits for. One that is not there
// is imcode.InvalidConversation (6004).
func (c *Client) Conversation(ctx context.Context, id rollcall.ConversationID) (x Conversation, err error) {
	peer, err := peerOf(id)
	if err = cmp.Or(ctx.Err(), err); err != nil {
		return x, err
	}
	err = c.readList(ctx, func(b *box) error {
		found, ok, err := b.cache.Conversation(peer)
		if err == nil && !ok {
			err = errNoConversation(peer)
		}
		if err == nil {
			x = conversationOf(b.User, found)
		}
		return err
	})
	return x, err
}

func errNoConversation(peer string) error {
	return imcode.InvalidConversation.Errorf("there is no conversation with %s in the list", peer)
}

// TotalUnread is how many messages are unread in all conversations of the list.
// It comes from where Conversations does, and waits as that does.
func (c *Client) TotalUnread(ctx context.Context) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	err = c.readList(ctx, func(b *box) error {
		n, err = b.cache.TotalUnread()
		return err
	})
	return n, err
}

// SetDraft keeps what the user has begun to write in a conversation of the list,
// on this device only; "" ends it. It needs somebody who is in, and no connection.
func (c *Client) SetDraft(id rollcall.ConversationID, text string) error {
	peer, err := peerOf(id)
	if err != nil {
		return err
	}
	if len(text) > MaxMessageBytes {
		return imcode.MsgBodySizeLimit.Errorf("a draft of %d bytes: want at most %d", len(text), MaxMessageBytes)
	}
	return c.read(func(b *box) error {
		if !c.engine.isIn(b) {
			return imcode.NotLoggedIn.Errorf("nobody is in: log in first")
		}
		ok, err := b.cache.SetDraft(peer, text, time.Now().UnixMilli())
		if err == nil && !ok {
			err = errNoConversation(peer)
		}
		if err == nil && b.news.add(cache.News{Changed: []string{peer}}) {
			c.engine.tell(b)
		}
		return err
	})
}

// StartSetDraft is SetDraft for those who wait by callback.
func (c *Client) StartSetDraft(id rollcall.ConversationID, text string, done func(error)) {
	c.startAnswered(c.SetDraft(id, text), done)
}

// peerOf checks the id of a conversation.
func peerOf(id rollcall.ConversationID) (string, error) {
	id, err := rollcall.ParseConversationID(string(id))
	return string(id.Peer()), err
}

func conversationOf(self rollcall.UserID, x cache.Conversation) Conversation {
	v := x.Conversation
	out := Conversation{
		ID:               rollcall.ConversationWith(rollcall.UserID(v.GetPeer())),
		Peer:             rollcall.UserID(v.GetPeer()),
		LastSequence:     v.GetLastSequence(),
		ReadSequence:     v.GetReadSequence(),
		PeerReadSequence: v.GetPeerReadSequence(),
		Unread:           int(v.GetUnread()),
		Pinned:           v.GetPinned(),
		Draft:            x.Draft,
		OrderKey:         x.Rank,
	}
	if m := v.GetLastMessage(); m != nil {
		last := messageOf(self, v, m)
		out.LastMessage = &last
	}
	if x.DraftMs > 0 {
		out.DraftTime = time.UnixMilli(x.DraftMs)
	}
	return out
}
