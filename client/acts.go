package client

import (
	"context"
	"slices"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// maxDeletes bounds the messages that are deleted with one call.
const maxDeletes = 50

// MarkRead says that the account has read a conversation up to a message; 0: up to
// the latest that this device knows of. Its other devices hear of it, and the
// other side as ReadByPeer.
//
// It asks the server, as do the other calls that change something: with nobody in
// it is imcode.NotLoggedIn (6014), without a connection imcode.Disconnected
// (9508), without an answer imcode.WaitAckTimeout (9520): it may be repeated.
func (c *Client) MarkRead(ctx context.Context, id rollcall.ConversationID, sequence uint64) error {
	return c.answered(ctx)(c.markRead(id, sequence))
}

// StartMarkRead is MarkRead for those who wait by callback.
func (c *Client) StartMarkRead(id rollcall.ConversationID, sequence uint64, done func(error)) {
	c.begun(done)(c.markRead(id, sequence))
}

func (c *Client) markRead(id rollcall.ConversationID, sequence uint64) (*request, error) {
	peer, err := peerOf(id)
	if err == nil && sequence == 0 {
		sequence, err = c.last(peer)
	}
	if err != nil {
		return nil, err
	}
	return c.act(&wire.ClientFrame{Request: &wire.ClientFrame_MarkRead{MarkRead: &wire.MarkReadRequest{
		Peer: peer, Sequence: sequence,
	}}}, nil), nil
}

// last is the latest message of a conversation, as far as this device knows.
func (c *Client) last(peer string) (sequence uint64, err error) {
	err = c.read(func(b *box) error {
		if !c.engine.isIn(b) {
			return imcode.NotLoggedIn.Errorf("nobody is in: log in first")
		}
		sequence, err = b.cache.Last(peer)
		if err == nil && sequence == 0 {
			err = errNoConversation(peer)
		}
		return err
	})
	return sequence, err
}

// Pin pins a conversation to the top of the list, or lets it go. More than 50 are
// code 51012.
func (c *Client) Pin(ctx context.Context, id rollcall.ConversationID, pinned bool) error {
	return c.answered(ctx)(c.pin(id, pinned))
}

// StartPin is Pin for those who wait by callback.
func (c *Client) StartPin(id rollcall.ConversationID, pinned bool, done func(error)) {
	c.begun(done)(c.pin(id, pinned))
}

func (c *Client) pin(id rollcall.ConversationID, pinned bool) (*request, error) {
	peer, err := peerOf(id)
	return c.act(&wire.ClientFrame{Request: &wire.ClientFrame_Pin{Pin: &wire.PinRequest{
		Peer: peer, Pinned: pinned,
	}}}, nil), err
}

// DeleteConversation deletes a conversation with all its messages, for the account
// on all its devices; the other side keeps its own. It comes back with the next
// message.
func (c *Client) DeleteConversation(ctx context.Context, id rollcall.ConversationID) error {
	return c.answered(ctx)(c.deleteConversation(id))
}

// StartDeleteConversation is DeleteConversation for those who wait by callback.
func (c *Client) StartDeleteConversation(id rollcall.ConversationID, done func(error)) {
	c.begun(done)(c.deleteConversation(id))
}

func (c *Client) deleteConversation(id rollcall.ConversationID) (*request, error) {
	peer, err := peerOf(id)
	return c.act(&wire.ClientFrame{Request: &wire.ClientFrame_DeleteConversation{
		DeleteConversation: &wire.DeleteConversationRequest{Peer: peer},
	}}, nil), err
}

// DeleteMessages deletes messages of a conversation for the account, at most 50;
// the other side keeps them.
func (c *Client) DeleteMessages(ctx context.Context, id rollcall.ConversationID, sequences ...uint64) error {
	return c.answered(ctx)(c.deleteMessages(id, sequences))
}

// StartDeleteMessages is DeleteMessages for those who wait by callback.
func (c *Client) StartDeleteMessages(id rollcall.ConversationID, sequences []uint64, done func(error)) {
	c.begun(done)(c.deleteMessages(id, sequences))
}

func (c *Client) deleteMessages(id rollcall.ConversationID, sequences []uint64) (*request, error) {
	peer, err := peerOf(id)
	if n := len(sequences); err == nil && (n < 1 || n > maxDeletes || slices.Contains(sequences, 0)) {
		err = imcode.SDKInvalidParameters.Errorf("delete %d messages: want 1 to %d, by their sequences", n, maxDeletes)
	}
	return c.act(&wire.ClientFrame{Request: &wire.ClientFrame_DeleteMessages{
		DeleteMessages: &wire.DeleteMessagesRequest{Peer: peer, Sequences: sequences},
	}}, nil), err
}

// Recall takes back a message that the account has sent: both sides keep an empty
// one. Too late (after 2 minutes, if the app says nothing else) is
// imcode.RevokeTimeLimit (20016), somebody else's imcode.MessageNotFound (20022).
func (c *Client) Recall(ctx context.Context, id rollcall.ConversationID, sequence uint64) error {
	return c.answered(ctx)(c.recall(id, sequence))
}

// StartRecall is Recall for those who wait by callback.
func (c *Client) StartRecall(id rollcall.ConversationID, sequence uint64, done func(error)) {
	c.begun(done)(c.recall(id, sequence))
}

func (c *Client) recall(id rollcall.ConversationID, sequence uint64) (*request, error) {
	peer, err := peerOf(id)
	if err == nil && sequence == 0 {
		err = imcode.SDKInvalidParameters.Errorf("recall of message 0: want a sequence from 1 on")
	}
	return c.act(&wire.ClientFrame{Request: &wire.ClientFrame_Recall{Recall: &wire.RecallRequest{
		Peer: peer, Sequence: sequence,
	}}}, nil), err
}

// answered makes a request, unless there is an error already, and waits for its
// answer.
func (c *Client) answered(ctx context.Context) func(*request, error) error {
	return func(r *request, err error) error {
		if err != nil {
			return err
		}
		return c.ask(ctx, r)
	}
}

// begun makes a request whose result comes by callback.
func (c *Client) begun(done func(error)) func(*request, error) {
	return func(r *request, err error) {
		if err != nil {
			c.startAnswered(err, done)
			return
		}
		c.startAsk(r, done)
	}
}

// act is a request that is answered with a change. take looks at it, unless nil, or
// the call was answered before.
func (c *Client) act(f *wire.ClientFrame, take func(*seat, *wire.Change)) *request {
	r := &request{frame: f, take: func(a *wire.ServerFrame) bool { return a.GetChange() != nil }}
	r.hear = func(s *seat, a *wire.ServerFrame) {
		ch := a.GetChange()
		if ch == nil {
			return
		}
		if take != nil && !r.answered {
			take(s, ch)
		}
		c.engine.changed(s, ch)
	}
	return r
}
