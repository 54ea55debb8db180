package conformance

import (
	"context"
	"slices"

	"rollcall.example"
	"rollcall.example/client"
)

func goHearsChat(c *client.Client, hear func(Event)) {
	c.AddListener(client.Listener{
		NewMessage:      func(m client.Message) { hear(Event{Kind: NewMessage, Said: goSaid(m)}) },
		MessageRecalled: func(m client.Message) { hear(Event{Kind: Recalled, Said: goSaid(m)}) },
		ReadByPeer: func(id rollcall.ConversationID, _ uint64) {
			hear(Event{Kind: ReadByPeer, Said: Said{From: string(id.Peer())}})
		},
		TotalUnreadChanged: func(n int) { hear(Event{Kind: UnreadChanges, Count: n}) },
	})
}

func goSaid(m client.Message) Said {
	return Said{ID: m.ID, Sequence: m.Sequence, From: string(m.Sender), Text: m.Text, Recalled: m.Recalled}
}

// chat makes a call about messages.
func (d *goDevice) chat(ctx context.Context, q Request) error {
	id := rollcall.ConversationWith(rollcall.UserID(q.Peer))
	switch {
	case q.Kind == SendResult:
		_, err := d.client.Send(ctx, client.Outgoing{To: rollcall.UserID(q.Peer), ID: q.Said.ID, Text: q.Said.Text})
		return err
	case q.Kind == RecallResult:
		return d.client.Recall(ctx, id, q.Said.Sequence)
	case q.Kind == MarkResult:
		return d.client.MarkRead(ctx, id, 0)
	case q.Kind == PinResult:
		return d.client.Pin(ctx, id, q.Pinned)
	case q.Said.Sequence == 0:
		return d.client.DeleteConversation(ctx, id)
	default:
		return d.client.DeleteMessages(ctx, id, q.Said.Sequence)
	}
}

// Talks implements Chatter.
func (d *goDevice) Talks() (list []Talk, unread int, err error) {
	page, err := d.client.Conversations(context.Background(), client.ListOptions{Count: 100})
	if err != nil {
		return nil, 0, err
	}
	for _, x := range page.Conversations {
		t := Talk{Peer: string(x.Peer), Unread: x.Unread, Pinned: x.Pinned}
		if x.LastMessage != nil {
			last := goSaid(*x.LastMessage)
			t.Last = &last
		}
		list = append(list, t)
	}
	unread, err = d.client.TotalUnread(context.Background())
	return list, unread, err
}

// History implements Chatter.
func (d *goDevice) History(peer string, onDevice bool) (all []Said, err error) {
	page, err := d.client.Messages(context.Background(), rollcall.ConversationWith(rollcall.UserID(peer)), client.Page{Count: 100, Local: onDevice})
	if err != nil {
		return nil, err
	}
	for _, m := range page.Messages {
		all = append(all, goSaid(m))
	}
	for _, g := range page.Gaps {
		at := slices.IndexFunc(all, func(m Said) bool { return m.Sequence > g.Last })
		if at < 0 {
			at = len(all)
		}
		all = slices.Insert(all, at, Said{Sequence: g.First, Gap: true})
	}
	return all, nil
}

// Wipe implements Chatter.
func (d *goDevice) Wipe(user string) error { return d.client.WipeCache(user) }
