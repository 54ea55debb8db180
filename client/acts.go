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
	peer, err := peerOf(ctx, id)
	if err == nil && sequence == 0 {
		sequence, err = c.last(peer)
	}
	if err != nil {
		return err
	}
	return c.ask(ctx, c.act(&wire.ClientFrame{Request: &wire.ClientFrame_MarkRead{MarkRead: &wire.MarkReadRequest{
		Peer: peer, Sequence: sequence,
	}}}, nil))
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
	peer, err := peerOf(ctx, id)
	if err != nil {
		return err
	}
	return c.ask(ctx, c.act(&wire.ClientFrame{Request: &wire.ClientFrame_Pin{Pin: &wire.PinRequest{
		Peer: peer, Pinned: pinned,
	}}}, nil))
}

// DeleteConversation deletes a conversation with all its messages, for the account
// on all its devices; the other side keeps its own. It comes back with the next
// message.
func (c *Client) DeleteConversation(ctx context.Context, id rollcall.ConversationID) error {
	peer, err := peerOf(ctx, id)
	if err != nil {
		return err
	}
	return c.ask(ctx, c.act(&wire.ClientFrame{Request: &wire.ClientFrame_DeleteConversation{
		DeleteConversation: &wire.DeleteConversationRequest{Peer: peer},
	}}, nil))
}

// DeleteMessages deletes messages of a conversation for the account, at most 50;
// the other side keeps them.
func (c *Client) DeleteMessages(ctx context.Context, id rollcall.ConversationID, sequences ...uint64) error {
	peer, err := peerOf(ctx, id)
	if err != nil {
		return err
	}
	if n := len(sequences); n < 1 || n > maxDeletes || slices.Contains(sequences, 0) {
		return imcode.SDKInvalidParameters.Errorf("delete %d messages: want 1 to %d, by their sequences", n, maxDeletes)
	}
	return c.ask(ctx, c.act(&wire.ClientFrame{Request: &wire.ClientFrame_DeleteMessages{
		DeleteMessages: &wire.DeleteMessagesRequest{Peer: peer, Sequences: sequences},
	}}, nil))
}

// Recall takes back a message that the account has sent: both sides keep an empty
// one. Too late (after 2 minutes, if the app says nothing else) is
// imcode.RevokeTimeLimit (20016), somebody else's imcode.MessageNotFound (20022).
func (c *Client) Recall(ctx context.Context, id rollcall.ConversationID, sequence uint64) error {
	peer, err := peerOf(ctx, id)
	if err != nil {
		return err
	}
	if sequence == 0 {
		return imcode.SDKInvalidParameters.Errorf("recall of message 0: want a sequence from 1 on")
	}
	return c.ask(ctx, c.act(&wire.ClientFrame{Request: &wire.ClientFrame_Recall{Recall: &wire.RecallRequest{
		Peer: peer, Sequence: sequence,
	}}}, nil))
}

// act is a request that is answered with a change. take looks at it, unless nil.
func (c *Client) act(f *wire.ClientFrame, take func(*seat, *wire.Change) bool) *request {
	good := true
	return &request{
		frame: f,
		hear: func(s *seat, a *wire.ServerFrame) {
			ch := a.GetChange()
			if ch == nil {
				return
			}
			if take != nil {
				good = take(s, ch)
			}
			c.engine.changed(s, ch)
		},
		take: func(a *wire.ServerFrame) bool { return a.GetChange() != nil && good },
	}
}
