package client

import (
	"context"
	"encoding/hex"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// Bounds of a message.
const (
	MaxMessageBytes = 12 << 10 // of its content, all in all, as it is sent
	maxMessageID    = 64
)

// A Message was sent by one side of a conversation.
type Message struct {
	Conversation rollcall.ConversationID
	Sequence     uint64 // counted within the conversation, from 1
	ID           string // as its sender named it
	Sender       rollcall.UserID
	Time         time.Time // when the server took it

	// What it says; nothing when it was recalled.
	Text            string
	Custom          *Custom // instead of a text
	CloudCustomData string
	Recalled        bool

	Self     bool // the account that is in has sent it
	Read     bool // by the account that is in; what it has sent is read
	PeerRead bool // sent by it, and read by the other side
}

// Custom is data that only the app understands.
type Custom struct {
	Data        []byte
	Description string
	Extension   string
}

// An Outgoing is a message to be sent: a text, or Custom.
type Outgoing struct {
	To rollcall.UserID

	// ID names the message: 1 to 64 of a-z A-Z 0-9 _ -; "" lets the client draw
	// one. The same ID to the same account is the same message, however often it
	// is sent.
	ID string

	Text            string
	Custom          *Custom
	CloudCustomData string
}

// SendText sends a text to another account. See Send.
func (c *Client) SendText(ctx context.Context, to rollcall.UserID, text string) (Message, error) {
	return c.Send(ctx, Outgoing{To: to, Text: text})
}

// SendCustom sends data of the app's own to another account. See Send.
func (c *Client) SendCustom(ctx context.Context, to rollcall.UserID, data Custom) (Message, error) {
	return c.Send(ctx, Outgoing{To: to, Custom: &data})
}

// Send sends a message, and returns when the server has it on disk. With an error
// the Message has its ID, and what was to be sent; so it does, and no Sequence, when it
// was sent again and the account has deleted it meanwhile.
//
// With imcode.WaitAckTimeout (9520) nobody here knows whether the server has it:
// send it again with the same ID, and there is still one. With another content
// the ID is imcode.SDKInvalidParameters (6017), as is a message of nothing; over
// 12 KB is imcode.MsgBodySizeLimit (8001), no such account
// imcode.InvalidRecipient (20003). With nobody in it is imcode.NotLoggedIn (6014),
// without a connection imcode.Disconnected (9508): nothing is queued.
func (c *Client) Send(ctx context.Context, o Outgoing) (Message, error) {
	o.complete()
	m := o.message()
	err := c.answered(ctx)(c.sending(o, &m))
	return m, err
}

// StartSend is Send for those who wait by callback. It returns the message's ID.
func (c *Client) StartSend(o Outgoing, done func(Message, error)) (id string) {
	o.complete()
	m := o.message()
	c.begun(func(err error) { done(m, err) })(c.sending(o, &m))
	return o.ID
}

// sending is the request that sends o; its answer fills in m.
func (c *Client) sending(o Outgoing, m *Message) (*request, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	frame := &wire.ClientFrame{Request: &wire.ClientFrame_Send{Send: &wire.SendRequest{
		Peer: string(o.To), MessageId: o.ID, Content: o.content(),
	}}}
	c.engine.sent.add(string(o.To), o.ID)
	return c.act(frame, func(s *seat, ch *wire.Change) {
		if ch.GetConversation().GetPeer() != string(o.To) {
			return
		}
		for _, x := range ch.GetMessages() {
			if x.GetMessageId() == o.ID && x.GetSender() == string(s.User) {
				*m = messageOf(s.User, ch.GetConversation(), x)
			}
		}
	}), nil
}

func (o *Outgoing) complete() {
	if o.ID == "" {
		o.ID = hex.EncodeToString(newHalf())
	}
}

// check refuses what the server would refuse.
func (o *Outgoing) check() error {
	if _, err := rollcall.ParseUserID(string(o.To)); err != nil {
		return err
	}
	texts := []string{o.Text, o.CloudCustomData}
	empty := o.Text == ""
	if x := o.Custom; x != nil {
		texts = append(texts, x.Description, x.Extension)
		empty = len(x.Data)+len(x.Description)+len(x.Extension) == 0
	}
	size := proto.Size(o.content())
	switch {
	case !isMessageID(o.ID):
		return imcode.SDKInvalidParameters.Errorf("message id of %d bytes: want 1 to %d of a-z, A-Z, 0-9, _ and -", len(o.ID), maxMessageID)
	case o.Text != "" && o.Custom != nil:
		return imcode.SDKInvalidParameters.Errorf("a text and custom data: want one of them")
	case empty:
		return imcode.SDKInvalidParameters.Errorf("the message is empty")
	case size > MaxMessageBytes:
		return imcode.MsgBodySizeLimit.Errorf("a message of %d bytes: want at most %d", size, MaxMessageBytes)
	case !utf8.ValidString(strings.Join(texts, "")):
		return imcode.SDKInvalidParameters.Errorf("the message is not UTF-8: only custom data may be bytes")
	}
	return nil
}

func isMessageID(id string) bool {
	return id != "" && len(id) <= maxMessageID && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}

func (o *Outgoing) content() *wire.Content {
	w := &wire.Content{CloudCustomData: o.CloudCustomData}
	if x := o.Custom; x != nil {
		w.Kind = &wire.Content_Custom{Custom: &wire.Custom{Data: x.Data, Description: x.Description, Extension: x.Extension}}
	} else {
		w.Kind = &wire.Content_Text{Text: o.Text}
	}
	return w
}

// message is what is known of it before it was sent.
func (o *Outgoing) message() Message {
	return Message{
		Conversation: rollcall.ConversationWith(o.To), ID: o.ID,
		Text: o.Text, Custom: o.Custom, CloudCustomData: o.CloudCustomData, Self: true, Read: true,
	}
}

// messageOf is a message as the account self sees it.
func messageOf(self rollcall.UserID, v *wire.Conversation, m *wire.Message) Message {
	mine := m.GetSender() == string(self)
	x := Message{
		Conversation:    rollcall.ConversationWith(rollcall.UserID(v.GetPeer())),
		Sequence:        m.GetSequence(),
		ID:              m.GetMessageId(),
		Sender:          rollcall.UserID(m.GetSender()),
		Time:            time.UnixMilli(m.GetTimeMs()),
		Text:            m.GetContent().GetText(),
		CloudCustomData: m.GetContent().GetCloudCustomData(),
		Recalled:        m.GetRecalled(),
		Self:            mine,
		Read:            mine || m.GetSequence() <= v.GetReadSequence(),
		PeerRead:        mine && m.GetSequence() <= v.GetPeerReadSequence(),
	}
	if d := m.GetContent().GetCustom(); d != nil {
		x.Custom = &Custom{Data: d.GetData(), Description: d.GetDescription(), Extension: d.GetExtension()}
	}
	return x
}

// maxSent bounds the messages that are known to be this client's own.
const maxSent = 10_000

// recent remembers which messages this client has sent, the latest of them: the
// app knows of them, so that they are no news when they come back. The zero value
// is empty.
type recent struct {
	mu    sync.Mutex
	known map[string]bool
	order []string
}

func (r *recent) add(peer, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := peer + " " + id
	if r.known[key] {
		return
	}
	if r.known == nil {
		r.known = make(map[string]bool)
	}
	if len(r.order) == maxSent {
		delete(r.known, r.order[0])
		r.order = r.order[1:]
	}
	r.known[key] = true
	r.order = append(r.order, key)
}

func (r *recent) has(peer, id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[peer+" "+id]
}
