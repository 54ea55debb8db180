package conformance_test

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall.example/conformance"
	"rollcall.example/imcode"
)

// What is read of what web/sdk gives of messages and conversations.
type (
	said struct {
		ID, ConversationID, Type, From, Flow, Status string
		Sequence                                     uint64
		Payload                                      struct{ Text, Data, Description, Extension string }
		IsRevoked, IsRead, IsPeerRead                bool
	}
	listed struct {
		ConversationID string
		UnreadCount    int
		LastMessage    *said
		IsPinned       bool
	}
)

func (m said) said() conformance.Said {
	return conformance.Said{ID: m.ID, Sequence: m.Sequence, From: m.From, Text: m.Payload.Text, Recalled: m.IsRevoked}
}

// peerIn is the other side of a conversation, by its id.
func peerIn(conversation string) string { return strings.TrimPrefix(conversation, "C2C") }

// A naming is how a call names a message.
type naming struct {
	ID       string
	Sequence uint64 `json:"sequence"`
}

// about makes c the call that q asks for, of a conversation.
func (c *command) about(q conformance.Request) {
	c.User, c.Pinned = q.Peer, q.Pinned
	if q.Said.ID != "" || q.Said.Sequence > 0 {
		c.Message = &naming{q.Said.ID, q.Said.Sequence}
	}
	c.Text = strings.ToValidUTF8(q.Said.Text, "")
	c.Halved = !utf8.ValidString(q.Said.Text)
}

// hear takes an event of messages or of the list, on its way to the app.
func (d *browserDevice) hear(w word) {
	d.mu.Lock()
	d.heard = append(d.heard, w)
	d.mu.Unlock()
	for _, e := range chatEvents(w) {
		d.setup.Hear(e)
	}
}

// chatEvents are what scenarios know of an event.
func chatEvents(w word) (all []conformance.Event) {
	if w.Heard == "onTotalUnreadMessageCountUpdated" {
		e := conformance.Event{Kind: conformance.UnreadChanges}
		read(w.Data, &e.Count)
		return []conformance.Event{e}
	}
	kind, ok := map[string]conformance.Kind{
		"onMessageReceived": conformance.NewMessage, "onMessageRevoked": conformance.Recalled, "onMessageReadByPeer": conformance.ReadByPeer,
	}[w.Heard]
	if !ok {
		return nil
	}
	var list []said
	read(w.Data, &list)
	for _, m := range list {
		e := conformance.Event{Kind: kind, Said: m.said()}
		if kind == conformance.ReadByPeer { // one for each conversation
			e.Said = conformance.Said{From: peerIn(m.ConversationID)}
			if slices.Contains(all, e) {
				continue
			}
		}
		all = append(all, e)
	}
	return all
}

// read reads what the SDK gave, whatever the case of its names.
func read(data json.RawMessage, into any) {
	if err := json.Unmarshal(data, into); err != nil {
		panic(err)
	}
}

// any makes any call of the SDK, by its name.
func (d *browserDevice) any(method string, args ...any) (word, error) {
	list, err := json.Marshal(append([]any{}, args...))
	if err != nil {
		return word{}, err
	}
	done := make(chan word, 1)
	d.ask(command{Do: "any", User: method, Text: string(list)}, func(w word) { done <- w })
	return <-done, nil
}

// look makes a call that asks for something, of which into gets the data.
func (d *browserDevice) look(into any, method string, args ...any) error {
	w, err := d.any(method, args...)
	if err == nil && w.Code != 0 {
		err = imcode.Code(w.Code).Errorf("%s", w.Text)
	}
	if err == nil && into != nil {
		err = json.Unmarshal(w.Data, into)
	}
	return err
}

// Talks implements conformance.Chatter.
func (d *browserDevice) Talks() (list []conformance.Talk, unread int, err error) {
	var r struct {
		Data struct{ ConversationList []listed }
	}
	if err := d.look(&r, "getConversationList"); err != nil {
		return nil, 0, err
	}
	for _, x := range r.Data.ConversationList {
		t := conformance.Talk{Peer: peerIn(x.ConversationID), Unread: x.UnreadCount, Pinned: x.IsPinned}
		if x.LastMessage != nil {
			last := x.LastMessage.said()
			t.Last = &last
		}
		list = append(list, t)
	}
	err = d.look(&unread, "getTotalUnreadMessageCount")
	return list, unread, err
}

// History implements conformance.Chatter.
func (d *browserDevice) History(peer string, onDevice bool) (all []conformance.Said, err error) {
	var r struct {
		Data struct {
			MessageList []said
			Gaps        [][2]uint64
		}
	}
	if err := d.look(&r, "getMessageList", map[string]any{"conversationID": "C2C" + peer, "count": 100, "local": onDevice}); err != nil {
		return nil, err
	}
	for _, m := range r.Data.MessageList {
		if m.Status == "success" { // what was not sent is here, too
			all = append(all, m.said())
		}
	}
	for _, g := range r.Data.Gaps {
		at := slices.IndexFunc(all, func(m conformance.Said) bool { return m.Sequence > g[1] })
		if at < 0 {
			at = len(all)
		}
		all = slices.Insert(all, at, conformance.Said{Sequence: g[0], Gap: true})
	}
	return all, nil
}

// Wipe implements conformance.Chatter.
func (d *browserDevice) Wipe(user string) error { return d.look(nil, "wipeCache", user) }
