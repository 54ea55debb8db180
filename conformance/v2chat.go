package conformance

import (
	"slices"
	"strings"

	"rollcall.example/imcode"
	"rollcall.example/v2tim"
)

func v2HearsChat(m *v2tim.V2TIMManager, hear func(Event)) {
	m.AddAdvancedMsgListener(&v2tim.V2TIMAdvancedMsgListener{
		OnRecvNewMessage: func(x v2tim.V2TIMMessage) { hear(Event{Kind: NewMessage, Said: v2Said(x)}) },
		OnRecvMessageRevoked: func(id string, by v2tim.V2TIMUserInfo, _ string) {
			hear(Event{Kind: Recalled, Said: Said{ID: v2ID(by.UserID, id), From: by.UserID}})
		},
		OnRecvC2CReadReceipt: func(all []v2tim.V2TIMMessageReceipt) {
			for _, r := range all {
				hear(Event{Kind: ReadByPeer, Said: Said{From: r.UserID}})
			}
		},
	})
	m.AddConversationListener(&v2tim.V2TIMConversationListener{
		OnTotalUnreadMessageCountChanged: func(n int64) { hear(Event{Kind: UnreadChanges, Count: int(n)}) },
	})
}

// v2ID is the sender's own name of a message: scenarios give messages theirs.
func v2ID(sender, msgID string) string { return strings.TrimPrefix(msgID, sender+".") }

func v2Said(m v2tim.V2TIMMessage) Said {
	s := Said{ID: v2ID(m.Sender, m.MsgID), Sequence: m.Sequence, From: m.Sender, Recalled: m.Status == v2tim.V2TIM_MSG_STATUS_LOCAL_REVOKED}
	if m.TextElem != nil {
		s.Text = m.TextElem.Text
	}
	return s
}

// chat makes a call about messages.
func (d v2Device) chat(q Request, callback v2tim.V2TIMCallback) {
	id := "c2c_" + q.Peer
	one := v2tim.V2TIMMessage{UserID: q.Peer, MsgID: q.Said.ID, Sequence: q.Said.Sequence}
	switch {
	case q.Kind == SendResult:
		m := d.manager.CreateTextMessage(q.Said.Text)
		m.MsgID = q.Said.ID
		d.manager.SendMessage(m, q.Peer, v2tim.V2TIMValueCallback[v2tim.V2TIMMessage]{
			OnSuccess: func(v2tim.V2TIMMessage) { callback.OnSuccess() }, OnError: callback.OnError,
		})
	case q.Kind == RecallResult:
		d.manager.RevokeMessage(one, callback)
	case q.Kind == MarkResult:
		d.manager.CleanConversationUnreadMessageCount(id, 0, 0, callback)
	case q.Kind == PinResult:
		d.manager.PinConversation(id, q.Pinned, callback)
	case q.Said.Sequence == 0:
		d.manager.DeleteConversation(id, callback)
	default:
		d.manager.DeleteMessages([]v2tim.V2TIMMessage{one}, callback)
	}
}

// v2Wait waits for the result of a call.
func v2Wait[T any](call func(v2tim.V2TIMValueCallback[T])) (value T, err error) {
	done := make(chan struct{})
	call(v2tim.V2TIMValueCallback[T]{
		OnSuccess: func(v T) { value = v; close(done) },
		OnError:   func(code int, desc string) { err = imcode.Code(code).Errorf("%s", desc); close(done) },
	})
	<-done
	return value, err
}

// Talks implements Chatter.
func (d v2Device) Talks() (list []Talk, unread int, err error) {
	page, err := v2Wait(func(c v2tim.V2TIMValueCallback[v2tim.V2TIMConversationResult]) {
		d.manager.GetConversationList(0, 100, c)
	})
	if err != nil {
		return nil, 0, err
	}
	for _, x := range page.ConversationList {
		t := Talk{Peer: x.UserID, Unread: x.UnreadCount, Pinned: x.IsPinned}
		if x.LastMessage != nil {
			last := v2Said(*x.LastMessage)
			t.Last = &last
		}
		list = append(list, t)
	}
	n, err := v2Wait(d.manager.GetTotalUnreadMessageCount)
	return list, int(n), err
}

// History implements Chatter.
func (d v2Device) History(peer string, onDevice bool) ([]Said, error) {
	o := v2tim.V2TIMMessageListGetOption{GetType: v2tim.V2TIM_GET_CLOUD_OLDER_MSG, UserID: peer, Count: 100}
	if onDevice {
		o.GetType = v2tim.V2TIM_GET_LOCAL_OLDER_MSG
	}
	found, err := v2Wait(func(c v2tim.V2TIMValueCallback[[]v2tim.V2TIMMessage]) { d.manager.GetHistoryMessageList(o, c) })
	var all []Said
	for _, m := range slices.Backward(found) {
		all = append(all, v2Said(m))
	}
	return all, err
}

// Wipe implements Chatter.
func (d v2Device) Wipe(user string) error {
	_, err := v2Wait(func(c v2tim.V2TIMValueCallback[struct{}]) {
		d.manager.WipeCache(user, v2tim.V2TIMCallback{OnSuccess: func() { c.OnSuccess(struct{}{}) }, OnError: c.OnError})
	})
	return err
}
