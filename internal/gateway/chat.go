package gateway

import (
	"context"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"rollcall.example/imcode"
	"rollcall.example/internal/chat"
	"rollcall.example/internal/talk"
	"rollcall.example/wire"
)

// maxContent bounds what a message says, in bytes of the schema's binary form.
const maxContent = 12 << 10

// talk serves a request about conversations; false: it is none.
func (c *conn) talk(ctx context.Context, f *wire.ClientFrame) bool {
	id, known := f.GetId(), true
	change := func(peer string, do func(q chat.Request) error) {
		if !c.loggedIn(id) {
			return
		}
		if err := do(chat.Request{Place: c.place, ID: id, Peer: peer}); err != nil {
			c.refuse(id, err)
			return
		}
		c.out.flush(c) // the answer is in it
	}
	switch r := f.GetRequest().(type) {
	case *wire.ClientFrame_Send:
		change(r.Send.GetPeer(), func(q chat.Request) error { return c.send(ctx, q, r.Send) })
	case *wire.ClientFrame_MarkRead:
		change(r.MarkRead.GetPeer(), func(q chat.Request) error { return c.g.chat.MarkRead(ctx, q, r.MarkRead.GetSequence()) })
	case *wire.ClientFrame_Pin:
		change(r.Pin.GetPeer(), func(q chat.Request) error { return c.g.chat.Pin(ctx, q, r.Pin.GetPinned()) })
	case *wire.ClientFrame_DeleteConversation:
		change(r.DeleteConversation.GetPeer(), func(q chat.Request) error { return c.g.chat.Delete(ctx, q) })
	case *wire.ClientFrame_Recall:
		change(r.Recall.GetPeer(), func(q chat.Request) error { return c.g.chat.Recall(ctx, q, r.Recall.GetSequence()) })
	case *wire.ClientFrame_DeleteMessages:
		change(r.DeleteMessages.GetPeer(), func(q chat.Request) error {
			return c.g.chat.DeleteMessages(ctx, q, r.DeleteMessages.GetSequences())
		})
	case *wire.ClientFrame_Sync:
		c.sync(ctx, id, r.Sync)
	case *wire.ClientFrame_ListMessages:
		c.listMessages(ctx, id, r.ListMessages)
	default:
		known = false
	}
	return known
}

// send sends a message.
func (c *conn) send(ctx context.Context, q chat.Request, r *wire.SendRequest) error {
	if !isMessageID(r.GetMessageId()) {
		return imcode.SDKInvalidParameters.Errorf("message id of %d bytes: want 1 to 64 of a-z, A-Z, 0-9, _ and -", len(r.GetMessageId()))
	}
	content, err := encodeContent(r.GetContent())
	if err != nil {
		return err
	}
	return c.g.chat.Send(ctx, q, r.GetMessageId(), content)
}

func isMessageID(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}

// encodeContent checks what a message says and spells it as it is kept.
func encodeContent(m *wire.Content) ([]byte, error) {
	switch k := m.GetKind().(type) {
	case *wire.Content_Text:
		if k.Text == "" {
			return nil, imcode.SDKInvalidParameters.Errorf("the text is empty")
		}
	case *wire.Content_Custom:
		if proto.Size(k.Custom) == 0 {
			return nil, imcode.SDKInvalidParameters.Errorf("the custom data is empty")
		}
	default:
		return nil, imcode.SDKInvalidParameters.Errorf("the message says nothing: want a text or custom data")
	}
	if n := proto.Size(m); n > maxContent {
		return nil, imcode.ServerBodySizeLimit.Errorf("%d bytes: want at most %d", n, maxContent)
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, imcode.SDKInvalidParameters.Errorf("the message cannot be spelled")
	}
	return b, nil
}

// sync tells what changed, in as many conversations as a frame holds.
func (c *conn) sync(ctx context.Context, id uint64, r *wire.SyncRequest) {
	if !c.loggedIn(id) {
		return
	}
	s, err := c.g.chat.Sync(ctx, c.place, r.GetSince(), r.GetAlteredSince(), count(r.GetCount()))
	if err != nil {
		c.refuse(id, err)
		return
	}
	views := make([]*wire.Conversation, len(s.Views))
	for i, v := range s.Views {
		views[i] = c.conversation(v)
	}
	c.fit(id, len(views), func(n int) *wire.ServerFrame {
		part := s.Cut(n)
		return &wire.ServerFrame{Body: &wire.ServerFrame_Sync{Sync: &wire.SyncAnswer{
			Conversations: views[:len(part.Views)], Change: part.Change, More: part.More, Alterations: alterations(part.Views),
		}}}
	})
}

// alterations are what became of messages of these conversations.
func alterations(views []talk.View) (all []*wire.Alterations) {
	for _, v := range views {
		if a := v.Alterations; a != nil {
			all = append(all, &wire.Alterations{Peer: string(v.Peer), Recalled: a.Recalled, Deleted: a.Deleted, All: a.All})
		}
	}
	return all
}

// count is a number of a frame; what is beyond all bounds stays so.
func count(n uint32) int { return int(min(n, 1<<20)) }

// listMessages tells a page of a conversation, with as many messages as a frame holds.
func (c *conn) listMessages(ctx context.Context, id uint64, r *wire.ListMessagesRequest) {
	if !c.loggedIn(id) {
		return
	}
	span := talk.Span{Before: r.GetBefore(), After: r.GetAfter(), Count: count(r.GetCount())}
	page, err := c.g.chat.Messages(ctx, c.place, r.GetPeer(), span)
	if err != nil {
		c.refuse(id, err)
		return
	}
	own := string(c.place.Account().User)
	c.fit(id, len(page.Messages), func(n int) *wire.ServerFrame {
		part := page.Cut(n, span)
		return &wire.ServerFrame{Body: &wire.ServerFrame_Messages{Messages: &wire.MessagesAnswer{
			Messages: c.messages(part.Messages, own, r.GetPeer()), FromSequence: part.From, ToSequence: part.To, Complete: part.Complete,
			KeptFrom: part.KeptFrom, Change: part.Change,
		}}}
	})
}

// fit answers with the largest part of n things that a frame holds, at least one.
func (c *conn) fit(id uint64, n int, part func(n int) *wire.ServerFrame) {
	for {
		f := part(n)
		f.Id = id
		size := proto.Size(f)
		if size <= wire.MaxFrame || n <= 1 {
			b := c.frame(f)
			if len(b) <= wire.MaxFrame || n <= 1 {
				c.out.put(c, b, false)
				return
			}
			size = len(b)
		}
		n = max(1, min(n-1, n*wire.MaxFrame/size))
	}
}

// change spells a change.
func (c *conn) change(ch talk.Change) *wire.ServerFrame {
	w := &wire.Change{Number: ch.Number, Conversation: c.conversationOf(string(ch.Owner), ch.View), Deleted: ch.Erased}
	latest := ch.View.Latest
	for _, m := range ch.Messages {
		if latest != nil && latest.Sequence == m.Sequence && latest.Recalled == m.Recalled {
			w.Messages = append(w.Messages, w.GetConversation().GetLastMessage())
			continue
		}
		w.Messages = append(w.Messages, c.message(m, string(ch.Owner), string(ch.View.Peer)))
	}
	return &wire.ServerFrame{Body: &wire.ServerFrame_Change{Change: w}}
}

func (c *conn) conversation(v talk.View) *wire.Conversation {
	return c.conversationOf(string(c.place.Account().User), v)
}

func (c *conn) conversationOf(own string, v talk.View) *wire.Conversation {
	w := &wire.Conversation{
		Peer: string(v.Peer), Change: v.Change, LastSequence: v.Last, ReadSequence: v.Read, PeerReadSequence: v.PeerRead,
		Unread: uint32(min(v.Unread, 1<<32-1)), Pinned: v.Pinned, DeletedSequence: v.DeletedTo, Deleted: v.Deleted,
	}
	if v.Latest != nil {
		w.LastMessage = c.message(*v.Latest, own, string(v.Peer))
	}
	return w
}

func (c *conn) messages(all []talk.Message, own, peer string) []*wire.Message {
	list := make([]*wire.Message, len(all))
	for i, m := range all {
		list[i] = c.message(m, own, peer)
	}
	return list
}

func (c *conn) message(m talk.Message, own, peer string) *wire.Message {
	w := &wire.Message{Sequence: m.Sequence, Sender: peer, MessageId: m.ID, TimeMs: m.Time.UnixMilli(), Recalled: m.Recalled}
	if m.Own {
		w.Sender = own
	}
	if m.Recalled {
		return w
	}
	if !c.sub.Text() { // it is spelled already
		w.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, contentField, protowire.BytesType), m.Content))
		return w
	}
	content := new(wire.Content)
	if err := proto.Unmarshal(m.Content, content); err != nil {
		c.g.opt.Log.Error("read the content of a message", "err", err)
	}
	w.Content = content
	return w
}

// contentField is where a message's content stands in it.
var contentField = (*wire.Message)(nil).ProtoReflect().Descriptor().Fields().ByName("content").Number()
