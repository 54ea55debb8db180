package v2tim

import (
	"context"
	"slices"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
)

// The types of conversations.
const (
	V2TIM_UNKNOWN = 0
	V2TIM_C2C     = 1
	V2TIM_GROUP   = 2
)

// A V2TIMConversation is one of the list.
type V2TIMConversation struct {
	Type           int    // V2TIM_C2C
	ConversationID string // c2c_ and the UserID
	UserID         string
	ShowName       string // the UserID
	UnreadCount    int
	LastMessage    *V2TIMMessage
	DraftText      string
	DraftTimestamp int64
	IsPinned       bool
	OrderKey       int64 // the larger the further up; not a time
}

// A V2TIMConversationResult is a page of the list.
type V2TIMConversationResult struct {
	NextSeq          int64 // for the next page
	IsFinished       bool  // there is no next page
	ConversationList []V2TIMConversation

	// IsSyncCompleted is our addition: false while this device has not had the whole
	// list yet. Then an empty one says nothing; OnSyncServerFinish tells when it does.
	IsSyncCompleted bool
}

// GetConversationList brings a page of the list, as the device has it: at first
// with nextSeq 0, then with the NextSeq of the page before; count is 1 to 100. On a
// device that never had the list it waits for that as client.Conversations does, so
// that it may be called in the OnSuccess of Login.
func (m *V2TIMManager) GetConversationList(nextSeq int64, count int, callback V2TIMValueCallback[V2TIMConversationResult]) {
	c := m.sdk(callback.failure())
	if c == nil {
		return
	}
	client.Start(c, func(ctx context.Context) (r V2TIMConversationResult, err error) {
		page, err := c.Conversations(ctx, client.ListOptions{After: nextSeq, Count: count})
		return V2TIMConversationResult{
			NextSeq: page.Next, IsFinished: page.Next == 0, IsSyncCompleted: page.Complete,
			ConversationList: conversationsOf(page.Conversations),
		}, err
	}, callback.result)
}

// GetConversation brings one of the list.
func (m *V2TIMManager) GetConversation(conversationID string, callback V2TIMValueCallback[V2TIMConversation]) {
	c := m.sdk(callback.failure())
	if c == nil {
		return
	}
	client.Start(c, func(ctx context.Context) (V2TIMConversation, error) {
		x, err := c.Conversation(ctx, rollcall.ConversationID(conversationID))
		return conversationOf(x), err
	}, callback.result)
}

// DeleteConversation deletes a conversation with its messages, for this account.
func (m *V2TIMManager) DeleteConversation(conversationID string, callback V2TIMCallback) {
	if c := m.sdk(callback); c != nil {
		c.StartDeleteConversation(rollcall.ConversationID(conversationID), callback.result)
	}
}

// SetConversationDraft keeps what the user has begun to write, on this device; ""
// ends it.
func (m *V2TIMManager) SetConversationDraft(conversationID, draftText string, callback V2TIMCallback) {
	if c := m.sdk(callback); c != nil {
		c.StartSetDraft(rollcall.ConversationID(conversationID), draftText, callback.result)
	}
}

// PinConversation pins a conversation to the top of the list, or lets it go.
func (m *V2TIMManager) PinConversation(conversationID string, isPinned bool, callback V2TIMCallback) {
	if c := m.sdk(callback); c != nil {
		c.StartPin(rollcall.ConversationID(conversationID), isPinned, callback.result)
	}
}

// WipeCache is our addition: it removes what this device holds of userID's
// conversations, also after a logout. See client.WipeCache.
func (m *V2TIMManager) WipeCache(userID string, callback V2TIMCallback) {
	c := m.sdk(callback)
	if c == nil {
		return
	}
	client.Start(c, func(context.Context) (struct{}, error) {
		return struct{}{}, c.WipeCache(userID)
	}, func(_ struct{}, err error) { callback.result(err) })
}

// GetTotalUnreadMessageCount brings the number of unread messages in the whole
// list.
func (m *V2TIMManager) GetTotalUnreadMessageCount(callback V2TIMValueCallback[int64]) {
	c := m.sdk(callback.failure())
	if c == nil {
		return
	}
	client.Start(c, func(ctx context.Context) (int64, error) {
		n, err := c.TotalUnread(ctx)
		return int64(n), err
	}, callback.result)
}

// CleanConversationUnreadMessageCount marks a conversation as read: up to
// cleanSequence if that is not 0 (the Sequence of a message), else up to
// cleanTimestamp in seconds, else all of it. The id "" or "c2c" is all
// conversations.
func (m *V2TIMManager) CleanConversationUnreadMessageCount(conversationID string, cleanTimestamp int64, cleanSequence uint64, callback V2TIMCallback) {
	c := m.sdk(callback)
	if c == nil {
		return
	}
	id := rollcall.ConversationID(conversationID)
	all := id == "" || id == "c2c"
	if !all && (cleanTimestamp == 0 || cleanSequence > 0) {
		c.StartMarkRead(id, cleanSequence, callback.result)
		return
	}
	client.Start(c, func(ctx context.Context) (struct{}, error) {
		if all {
			return struct{}{}, markAll(ctx, c, cleanTimestamp)
		}
		return struct{}{}, markUntil(ctx, c, id, cleanTimestamp)
	}, func(_ struct{}, err error) { callback.result(err) })
}

// markAll marks all conversations that have unread messages.
func markAll(ctx context.Context, c *client.Client, timestamp int64) error {
	if c.LoginStatus() != client.StatusLogined {
		return imcode.NotLoggedIn.Errorf("nobody is in: log in first")
	}
	for after := int64(0); ; {
		page, err := c.Conversations(ctx, client.ListOptions{After: after, Count: 100})
		if err != nil {
			return err
		}
		for _, x := range page.Conversations {
			if x.Unread == 0 {
				continue
			}
			if err := markUntil(ctx, c, x.ID, timestamp); err != nil {
				return err
			}
		}
		if page.Next == 0 {
			return nil
		}
		after = page.Next
	}
}

// markUntil marks a conversation up to the latest message that is not later than
// timestamp; 0: all of it.
func markUntil(ctx context.Context, c *client.Client, id rollcall.ConversationID, timestamp int64) error {
	if timestamp == 0 {
		return c.MarkRead(ctx, id, 0)
	}
	for p := (client.Page{Count: 100}); ; {
		page, err := c.Messages(ctx, id, p)
		if err != nil {
			return err
		}
		for _, x := range slices.Backward(page.Messages) {
			if x.Time.Unix() <= timestamp {
				return c.MarkRead(ctx, id, x.Sequence)
			}
		}
		if page.End || len(page.Messages) == 0 {
			return nil // all is later
		}
		p.Before = page.Messages[0].Sequence
	}
}

func conversationsOf(all []client.Conversation) []V2TIMConversation {
	out := make([]V2TIMConversation, 0, len(all))
	for _, x := range all {
		out = append(out, conversationOf(x))
	}
	return out
}

func conversationOf(x client.Conversation) V2TIMConversation {
	out := V2TIMConversation{
		Type:           V2TIM_C2C,
		ConversationID: string(x.ID),
		UserID:         string(x.Peer),
		ShowName:       string(x.Peer),
		UnreadCount:    x.Unread,
		DraftText:      x.Draft,
		IsPinned:       x.Pinned,
		OrderKey:       x.OrderKey,
	}
	if x.LastMessage != nil {
		last := messageOf(*x.LastMessage)
		out.LastMessage = &last
	}
	if !x.DraftTime.IsZero() {
		out.DraftTimestamp = x.DraftTime.Unix()
	}
	return out
}
