package v2tim

import (
	"context"
	"slices"
	"strings"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
)

// What a message is and what became of it.
const (
	V2TIM_MSG_STATUS_SENDING       = 1
	V2TIM_MSG_STATUS_SEND_SUCC     = 2
	V2TIM_MSG_STATUS_SEND_FAIL     = 3
	V2TIM_MSG_STATUS_LOCAL_REVOKED = 6

	V2TIM_ELEM_TYPE_NONE   = 0
	V2TIM_ELEM_TYPE_TEXT   = 1
	V2TIM_ELEM_TYPE_CUSTOM = 2

	V2TIM_PRIORITY_DEFAULT = 0
	V2TIM_PRIORITY_HIGH    = 1
	V2TIM_PRIORITY_NORMAL  = 2
	V2TIM_PRIORITY_LOW     = 3
)

// A V2TIMMessage is a message of a one-to-one conversation.
type V2TIMMessage struct {
	MsgID           string // of no other message of another sender; to be compared, not to be taken apart
	Timestamp       int64  // in seconds since 1970 UTC
	Sender          string
	UserID          string // always the other side
	Status          int    // one of V2TIM_MSG_STATUS
	IsSelf          bool
	IsRead          bool
	IsPeerRead      bool
	ElemType        int // one of V2TIM_ELEM_TYPE
	TextElem        *V2TIMTextElem
	CustomElem      *V2TIMCustomElem
	CloudCustomData string

	// Sequence is our addition: the message's place in its conversation, counted
	// by the server from 1.
	Sequence uint64
}

// A V2TIMTextElem is what a text message says.
type V2TIMTextElem struct{ Text string }

// A V2TIMCustomElem is what only the app understands.
type V2TIMCustomElem struct {
	Data      []byte
	Desc      string
	Extension string
}

// A V2TIMUserInfo says who sent a message.
type V2TIMUserInfo struct{ UserID string }

// A V2TIMMessageReceipt tells that the other side has read what was sent until
// Timestamp.
type V2TIMMessageReceipt struct {
	UserID    string
	Timestamp int64

	// Sequence is our addition: of the message that was read last.
	Sequence uint64
}

// CreateTextMessage makes a text message for SendMessage.
func (m *V2TIMManager) CreateTextMessage(text string) *V2TIMMessage {
	return &V2TIMMessage{ElemType: V2TIM_ELEM_TYPE_TEXT, TextElem: &V2TIMTextElem{text}}
}

// CreateCustomMessage makes a custom message for SendMessage.
func (m *V2TIMManager) CreateCustomMessage(data []byte, desc, extension string) *V2TIMMessage {
	return &V2TIMMessage{ElemType: V2TIM_ELEM_TYPE_CUSTOM, CustomElem: &V2TIMCustomElem{data, desc, extension}}
}

// SendC2CTextMessage sends a text to userID and returns the message's id.
func (m *V2TIMManager) SendC2CTextMessage(text, userID string, callback V2TIMValueCallback[V2TIMMessage]) string {
	return m.SendMessage(m.CreateTextMessage(text), userID, callback)
}

// SendC2CCustomMessage sends data to userID and returns the message's id.
func (m *V2TIMManager) SendC2CCustomMessage(data []byte, userID string, callback V2TIMValueCallback[V2TIMMessage]) string {
	return m.SendMessage(m.CreateCustomMessage(data, "", ""), userID, callback)
}

// SendMessage sends a message that Create made to receiver, and returns its id,
// which it gives to the message as well. A message that was answered with 9520 may
// have arrived: send the same one again, it arrives once. (The vendor's has more
// parameters, of groups, priorities and push: we have none of these.)
func (m *V2TIMManager) SendMessage(message *V2TIMMessage, receiver string, callback V2TIMValueCallback[V2TIMMessage]) string {
	c := m.sdk(callback.failure())
	if c == nil {
		return ""
	}
	self := c.LoginUser()
	o := client.Outgoing{To: rollcall.UserID(receiver), ID: ownID(message.MsgID), CloudCustomData: message.CloudCustomData}
	if e := message.TextElem; e != nil {
		o.Text = e.Text
	}
	if e := message.CustomElem; e != nil {
		o.Custom = &client.Custom{Data: e.Data, Description: e.Desc, Extension: e.Extension}
	}
	message.MsgID = msgID(self, c.StartSend(o, func(sent client.Message, err error) {
		if sent.Sender == "" { // it was not answered
			sent.Sender = self
		}
		callback.result(messageOf(sent), err)
	}))
	return message.MsgID
}

// msgID is the MsgID of a message. Its sender names it as it likes, perhaps after one of
// the other side's: so the sender belongs to it.
func msgID(sender rollcall.UserID, id string) string { return string(sender) + "." + id }

// ownID is how a sender names a message of this MsgID, or of a name that the app gave it.
func ownID(msgID string) string { return msgID[strings.IndexByte(msgID, '.')+1:] }

// RevokeMessage takes back a message that this account has sent.
func (m *V2TIMManager) RevokeMessage(message V2TIMMessage, callback V2TIMCallback) {
	if c := m.sdk(callback); c != nil {
		c.StartRecall(with(message.UserID), message.Sequence, callback.result)
	}
}

// DeleteMessages deletes messages of one conversation for this account, at most
// 50.
func (m *V2TIMManager) DeleteMessages(messages []V2TIMMessage, callback V2TIMCallback) {
	c := m.sdk(callback)
	if c == nil {
		return
	}
	var sequences []uint64
	for _, x := range messages {
		if x.UserID == messages[0].UserID { // those of another conversation are none of this one
			sequences = append(sequences, x.Sequence)
		}
	}
	var id rollcall.ConversationID
	if len(messages) > 0 && len(sequences) == len(messages) {
		id = with(messages[0].UserID)
	}
	c.StartDeleteMessages(id, sequences, callback.result)
}

// ClearC2CHistoryMessage deletes all messages with userID for this account. The
// conversation leaves the list until the next message.
func (m *V2TIMManager) ClearC2CHistoryMessage(userID string, callback V2TIMCallback) {
	if c := m.sdk(callback); c != nil {
		c.StartDeleteConversation(with(userID), callback.result)
	}
}

// MarkC2CMessageAsRead marks everything from userID as read.
//
// Deprecated: the vendor's newer name is CleanConversationUnreadMessageCount.
func (m *V2TIMManager) MarkC2CMessageAsRead(userID string, callback V2TIMCallback) {
	if c := m.sdk(callback); c != nil {
		c.StartMarkRead(with(userID), 0, callback.result)
	}
}

// Which way GetHistoryMessageList goes, and whether it asks the server.
const (
	V2TIM_GET_CLOUD_OLDER_MSG = 1
	V2TIM_GET_CLOUD_NEWER_MSG = 2
	V2TIM_GET_LOCAL_OLDER_MSG = 3
	V2TIM_GET_LOCAL_NEWER_MSG = 4
)

// A V2TIMMessageListGetOption says which messages are wanted.
type V2TIMMessageListGetOption struct {
	GetType int           // one of V2TIM_GET
	UserID  string        // of the other side
	Count   int           // 1 to 100, 20 are advised
	LastMsg *V2TIMMessage // those before or after this one; nil: the newest, and only older ones
}

// GetC2CHistoryMessageList brings at most count messages with userID that are
// older than lastMsg, the newest first; with nil the newest of all.
func (m *V2TIMManager) GetC2CHistoryMessageList(userID string, count int, lastMsg *V2TIMMessage, callback V2TIMValueCallback[[]V2TIMMessage]) {
	m.GetHistoryMessageList(V2TIMMessageListGetOption{
		GetType: V2TIM_GET_CLOUD_OLDER_MSG, UserID: userID, Count: count, LastMsg: lastMsg,
	}, callback)
}

// GetHistoryMessageList brings messages of a conversation: older ones with the
// newest first, newer ones with the oldest first. Those of the cloud come from the
// server while there is a connection, merged with what the device has.
func (m *V2TIMManager) GetHistoryMessageList(o V2TIMMessageListGetOption, callback V2TIMValueCallback[[]V2TIMMessage]) {
	c := m.sdk(callback.failure())
	if c == nil {
		return
	}
	client.Start(c, func(ctx context.Context) ([]V2TIMMessage, error) {
		p, newer, err := o.page()
		if err != nil {
			return nil, err
		}
		page, err := c.Messages(ctx, with(o.UserID), p)
		all := make([]V2TIMMessage, 0, len(page.Messages))
		for _, x := range page.Messages {
			all = append(all, messageOf(x))
		}
		if !newer {
			slices.Reverse(all)
		}
		return all, err
	}, callback.result)
}

// page is the page that is asked for, and whether it is one of newer messages.
func (o V2TIMMessageListGetOption) page() (p client.Page, newer bool, err error) {
	p.Count = o.Count
	p.Local = o.GetType == V2TIM_GET_LOCAL_OLDER_MSG || o.GetType == V2TIM_GET_LOCAL_NEWER_MSG
	newer = o.GetType == V2TIM_GET_CLOUD_NEWER_MSG || o.GetType == V2TIM_GET_LOCAL_NEWER_MSG
	switch last := o.LastMsg; {
	case o.GetType < V2TIM_GET_CLOUD_OLDER_MSG || o.GetType > V2TIM_GET_LOCAL_NEWER_MSG:
		err = imcode.SDKInvalidParameters.Errorf("GetType %d: want 1 to 4", o.GetType)
	case newer && last == nil:
		err = imcode.SDKInvalidParameters.Errorf("newer messages than none: want a LastMsg")
	case last == nil:
	case last.UserID != o.UserID:
		err = imcode.SDKInvalidParameters.Errorf("the LastMsg is of another conversation")
	case last.Sequence == 0:
		err = imcode.SDKInvalidParameters.Errorf("the LastMsg was not sent: it has no Sequence")
	case newer:
		p.After = last.Sequence
	default:
		p.Before = last.Sequence
	}
	return p, newer, err
}

func with(userID string) rollcall.ConversationID {
	return rollcall.ConversationWith(rollcall.UserID(userID))
}

func messageOf(x client.Message) V2TIMMessage {
	out := V2TIMMessage{
		MsgID:           msgID(x.Sender, x.ID),
		Sender:          string(x.Sender),
		UserID:          string(x.Conversation.Peer()),
		Status:          V2TIM_MSG_STATUS_SEND_SUCC,
		IsSelf:          x.Self,
		IsRead:          x.Read,
		IsPeerRead:      x.PeerRead,
		CloudCustomData: x.CloudCustomData,
		Sequence:        x.Sequence,
	}
	if !x.Time.IsZero() {
		out.Timestamp = x.Time.Unix()
	}
	switch {
	case x.Recalled:
		out.Status = V2TIM_MSG_STATUS_LOCAL_REVOKED
	case x.Custom != nil:
		out.ElemType = V2TIM_ELEM_TYPE_CUSTOM
		out.CustomElem = &V2TIMCustomElem{Data: x.Custom.Data, Desc: x.Custom.Description, Extension: x.Custom.Extension}
	default:
		out.ElemType = V2TIM_ELEM_TYPE_TEXT
		out.TextElem = &V2TIMTextElem{x.Text}
	}
	return out
}
