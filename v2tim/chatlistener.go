package v2tim

import (
	"context"
	"slices"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
)

// A V2TIMSimpleMsgListener hears of messages from other accounts.
type V2TIMSimpleMsgListener struct {
	OnRecvC2CTextMessage   func(msgID string, sender V2TIMUserInfo, text string)
	OnRecvC2CCustomMessage func(msgID string, sender V2TIMUserInfo, customData []byte)
}

// A V2TIMAdvancedMsgListener hears of messages, also of those that other devices
// of the account have sent, and of what becomes of them.
type V2TIMAdvancedMsgListener struct {
	OnRecvNewMessage     func(msg V2TIMMessage)
	OnRecvC2CReadReceipt func(receipts []V2TIMMessageReceipt)
	OnRecvMessageRevoked func(msgID string, operateUser V2TIMUserInfo, reason string)
}

// A V2TIMConversationListener hears of the list. See client.Listener.
type V2TIMConversationListener struct {
	OnSyncServerStart                func()
	OnSyncServerFinish               func()
	OnSyncServerFailed               func()
	OnNewConversation                func(conversations []V2TIMConversation)
	OnConversationChanged            func(conversations []V2TIMConversation)
	OnConversationDeleted            func(conversationIDs []string)
	OnTotalUnreadMessageCountChanged func(totalUnreadCount int64)
}

// AddSimpleMsgListener lets l hear from now on; once is enough.
func (m *V2TIMManager) AddSimpleMsgListener(l *V2TIMSimpleMsgListener) { add(m, &m.simple, l) }

// RemoveSimpleMsgListener takes l away again.
func (m *V2TIMManager) RemoveSimpleMsgListener(l *V2TIMSimpleMsgListener) { remove(m, &m.simple, l) }

// AddAdvancedMsgListener lets l hear from now on; once is enough.
func (m *V2TIMManager) AddAdvancedMsgListener(l *V2TIMAdvancedMsgListener) { add(m, &m.advanced, l) }

// RemoveAdvancedMsgListener takes l away again.
func (m *V2TIMManager) RemoveAdvancedMsgListener(l *V2TIMAdvancedMsgListener) {
	remove(m, &m.advanced, l)
}

// AddConversationListener lets l hear from now on; once is enough.
func (m *V2TIMManager) AddConversationListener(l *V2TIMConversationListener) {
	add(m, &m.conversation, l)
}

// RemoveConversationListener takes l away again.
func (m *V2TIMManager) RemoveConversationListener(l *V2TIMConversationListener) {
	remove(m, &m.conversation, l)
}

// add adds l to all, unless it is nil or there.
func add[L any](m *V2TIMManager, all *[]*L, l *L) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l != nil && !slices.Contains(*all, l) {
		*all = append(*all, l)
	}
}

func remove[L any](m *V2TIMManager, all *[]*L, l *L) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*all = slices.DeleteFunc(*all, func(other *L) bool { return other == l })
}

// each calls tell with every listener; those that are removed meanwhile are left
// out.
func each[L any](m *V2TIMManager, all *[]*L, tell func(*L)) {
	m.mu.Lock()
	now := slices.Clone(*all)
	m.mu.Unlock()
	for _, l := range now {
		m.mu.Lock()
		there := slices.Contains(*all, l)
		m.mu.Unlock()
		if there {
			tell(l)
		}
	}
}

// give calls f with a value, if there is one to be called.
func give[T any](f func(T), value T) {
	if f != nil {
		f(value)
	}
}

// forwardChat tells every listener that is there at the time.
func (m *V2TIMManager) forwardChat(c *client.Client) client.Listener {
	list := func(tell func(*V2TIMConversationListener)) { each(m, &m.conversation, tell) }
	return client.Listener{
		NewMessage:      m.newMessage,
		MessageRecalled: m.recalled,
		ReadByPeer:      func(id rollcall.ConversationID, sequence uint64) { m.readByPeer(c, id, sequence) },
		ConversationNew: func(all []client.Conversation) {
			list(func(l *V2TIMConversationListener) { give(l.OnNewConversation, conversationsOf(all)) })
		},
		ConversationChanged: func(all []client.Conversation) {
			list(func(l *V2TIMConversationListener) { give(l.OnConversationChanged, conversationsOf(all)) })
		},
		ConversationDeleted: func(all []rollcall.ConversationID) {
			ids := make([]string, 0, len(all))
			for _, id := range all {
				ids = append(ids, string(id))
			}
			list(func(l *V2TIMConversationListener) { give(l.OnConversationDeleted, ids) })
		},
		TotalUnreadChanged: func(total int) {
			list(func(l *V2TIMConversationListener) { give(l.OnTotalUnreadMessageCountChanged, int64(total)) })
		},
		SyncStart:  func() { list(func(l *V2TIMConversationListener) { call(l.OnSyncServerStart) }) },
		SyncFinish: func() { list(func(l *V2TIMConversationListener) { call(l.OnSyncServerFinish) }) },
		SyncFailed: func(imcode.Code, string) {
			list(func(l *V2TIMConversationListener) { call(l.OnSyncServerFailed) })
		},
	}
}

func (m *V2TIMManager) newMessage(x client.Message) {
	each(m, &m.advanced, func(l *V2TIMAdvancedMsgListener) { give(l.OnRecvNewMessage, messageOf(x)) })
	if x.Self {
		return
	}
	from := V2TIMUserInfo{UserID: string(x.Sender)}
	each(m, &m.simple, func(l *V2TIMSimpleMsgListener) {
		switch {
		case x.Custom != nil && l.OnRecvC2CCustomMessage != nil:
			l.OnRecvC2CCustomMessage(msgID(x.Sender, x.ID), from, x.Custom.Data)
		case x.Custom == nil && l.OnRecvC2CTextMessage != nil:
			l.OnRecvC2CTextMessage(msgID(x.Sender, x.ID), from, x.Text)
		}
	})
}

func (m *V2TIMManager) recalled(x client.Message) {
	each(m, &m.advanced, func(l *V2TIMAdvancedMsgListener) {
		if l.OnRecvMessageRevoked != nil {
			l.OnRecvMessageRevoked(msgID(x.Sender, x.ID), V2TIMUserInfo{UserID: string(x.Sender)}, "")
		}
	})
}

// readByPeer gives the receipt the time of the message that was read last.
func (m *V2TIMManager) readByPeer(c *client.Client, id rollcall.ConversationID, sequence uint64) {
	r := V2TIMMessageReceipt{UserID: string(id.Peer()), Sequence: sequence}
	page, err := c.Messages(context.Background(), id, client.Page{Before: sequence + 1, Count: 1, Local: true})
	if err == nil && len(page.Messages) == 1 {
		r.Timestamp = page.Messages[0].Time.Unix()
	}
	each(m, &m.advanced, func(l *V2TIMAdvancedMsgListener) { give(l.OnRecvC2CReadReceipt, []V2TIMMessageReceipt{r}) })
}
