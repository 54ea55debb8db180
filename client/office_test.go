package client_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// An office is a server of messages that does its worst within the rules: it
// loses pushes, cuts connections before an answer, and gives short pages. It lets
// everybody in.
type office struct {
	rnd *rand.Rand

	mu       sync.Mutex
	sessions uint64
	changes  map[string]uint64
	views    map[string]map[string]*wire.Conversation // by account and peer
	gone     map[string]map[uint64]bool               // by account and peer: deleted
	altered  map[string][]altered                     // by account and peer
	said     map[string][]*wire.Message               // by both
	lines    map[*counter]bool
}

// An altered message was recalled, or deleted by a side, in a change of the account's.
type altered struct {
	change, sequence uint64
	recalled         bool
}

// A counter is where a connection is served.
type counter struct {
	ws   *websocket.Conn
	user string
}

func both(a, b string) string { return min(a, b) + " " + max(a, b) }

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{string(wire.Proto)}})
	if err != nil {
		return
	}
	defer ws.CloseNow()
	c := &counter{ws: ws}
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.lines, c)
	}()
	for {
		_, b, err := ws.Read(context.Background())
		f := new(wire.ClientFrame)
		if err != nil || wire.Proto.Decode(b, f) != nil || !o.serve(c, f) {
			return
		}
	}
}

// serve answers a frame; false: the connection is cut instead.
func (o *office) serve(c *counter, f *wire.ClientFrame) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := &wire.ServerFrame{}
	user := func() *wire.ServerFrame_Session {
		o.lines[c] = true
		o.sessions++
		return &wire.ServerFrame_Session{Session: &wire.SessionAnswer{
			Session: o.sessions, Connection: o.sessions, ExpiresS: time.Now().Add(24 * time.Hour).Unix(), HeartbeatMs: 60_000,
		}}
	}
	switch q := f.GetRequest().(type) {
	case *wire.ClientFrame_Login:
		c.user = q.Login.GetUserId()
		a.Body = user()
	case *wire.ClientFrame_Resume:
		c.user = q.Resume.GetUserId()
		a.Body = user()
	case *wire.ClientFrame_Logout:
		a.Body = &wire.ServerFrame_Logout{Logout: &wire.LogoutAnswer{Known: true}}
	case *wire.ClientFrame_Sync:
		a.Body = &wire.ServerFrame_Sync{Sync: o.sync(c.user, q.Sync)}
	case *wire.ClientFrame_ListMessages:
		a.Body = &wire.ServerFrame_Messages{Messages: o.page(c.user, q.ListMessages)}
	case *wire.ClientFrame_Send:
		a.Body = &wire.ServerFrame_Change{Change: o.take(c, q.Send)}
	case *wire.ClientFrame_MarkRead:
		a.Body = &wire.ServerFrame_Change{Change: o.read(c, q.MarkRead)}
	case *wire.ClientFrame_Recall:
		a.Body = &wire.ServerFrame_Refusal{Refusal: &wire.Refusal{Code: int32(imcode.RevokeTimeLimit)}}
		if ch := o.recall(c, q.Recall); ch != nil {
			a.Body = &wire.ServerFrame_Change{Change: ch}
		}
	case *wire.ClientFrame_DeleteMessages:
		a.Body = &wire.ServerFrame_Change{Change: o.remove(c, q.DeleteMessages)}
	default:
		return true
	}
	if o.rnd.IntN(40) == 0 {
		return false
	}
	a.Id = f.GetId()
	c.write(a)
	return true
}

func (c *counter) write(f *wire.ServerFrame) {
	f.TimeMs = time.Now().UnixMilli()
	b, err := wire.Proto.Encode(f)
	if err != nil {
		panic(err)
	}
	_ = c.ws.Write(context.Background(), websocket.MessageBinary, b) // who is gone hears nothing
}

func (o *office) view(user, peer string) *wire.Conversation {
	if o.views[user] == nil {
		o.views[user] = make(map[string]*wire.Conversation)
	}
	v := o.views[user][peer]
	if v == nil {
		v = &wire.Conversation{Peer: peer}
		o.views[user][peer] = v
	}
	return v
}

// changed makes a change of the user's conversation, and pushes it to those of its
// sessions that are not c's, if it does not get lost.
func (o *office) changed(c *counter, user, peer string, ch *wire.Change) *wire.Change {
	v := o.view(user, peer)
	all := o.said[both(user, peer)]
	v.LastSequence = uint64(len(all))
	v.LastMessage, v.Unread = nil, 0
	for _, m := range all {
		if o.gone[user+" "+peer][m.GetSequence()] {
			continue
		}
		v.LastMessage = m
		if m.GetSender() == peer && m.GetSequence() > v.GetReadSequence() {
			v.Unread++
		}
	}
	o.changes[user]++
	v.Change = o.changes[user]
	ch.Number, ch.Conversation = v.GetChange(), v
	ch = proto.Clone(ch).(*wire.Change)
	for other := range o.lines {
		if other.user == user && other != c && o.rnd.IntN(10) > 0 {
			other.write(&wire.ServerFrame{Body: &wire.ServerFrame_Change{Change: ch}})
		}
	}
	return ch
}

func (o *office) take(c *counter, q *wire.SendRequest) *wire.Change {
	key := both(c.user, q.GetPeer())
	for _, m := range o.said[key] {
		if m.GetMessageId() == q.GetMessageId() {
			return proto.Clone(&wire.Change{
				Number: o.changes[c.user], Conversation: o.view(c.user, q.GetPeer()), Messages: []*wire.Message{m},
			}).(*wire.Change)
		}
	}
	m := &wire.Message{
		Sequence: uint64(len(o.said[key]) + 1), Sender: c.user, MessageId: q.GetMessageId(),
		TimeMs: time.Now().UnixMilli(), Content: q.GetContent(),
	}
	o.said[key] = append(o.said[key], m)
	o.changed(nil, q.GetPeer(), c.user, &wire.Change{Messages: []*wire.Message{m}})
	return o.changed(c, c.user, q.GetPeer(), &wire.Change{Messages: []*wire.Message{m}})
}

func (o *office) read(c *counter, q *wire.MarkReadRequest) *wire.Change {
	v, other := o.view(c.user, q.GetPeer()), o.view(q.GetPeer(), c.user)
	v.ReadSequence = max(v.GetReadSequence(), q.GetSequence())
	other.PeerReadSequence = v.GetReadSequence()
	o.changed(nil, q.GetPeer(), c.user, &wire.Change{})
	return o.changed(c, c.user, q.GetPeer(), &wire.Change{})
}

func (o *office) recall(c *counter, q *wire.RecallRequest) *wire.Change {
	all := o.said[both(c.user, q.GetPeer())]
	m := proto.Clone(all[q.GetSequence()-1]).(*wire.Message)
	m.Content, m.Recalled = nil, true
	all[q.GetSequence()-1] = m
	o.alter(c.user, q.GetPeer(), true, q.GetSequence())
	o.alter(q.GetPeer(), c.user, true, q.GetSequence())
	o.changed(nil, q.GetPeer(), c.user, &wire.Change{Messages: []*wire.Message{m}})
	return o.changed(c, c.user, q.GetPeer(), &wire.Change{Messages: []*wire.Message{m}})
}

// alter writes down what becomes of a message with the account's next change.
func (o *office) alter(user, peer string, recalled bool, sequence uint64) {
	key := user + " " + peer
	o.altered[key] = append(o.altered[key], altered{o.changes[user] + 1, sequence, recalled})
}

func (o *office) remove(c *counter, q *wire.DeleteMessagesRequest) *wire.Change {
	key := c.user + " " + q.GetPeer()
	if o.gone[key] == nil {
		o.gone[key] = make(map[uint64]bool)
	}
	for _, sequence := range q.GetSequences() {
		o.gone[key][sequence] = true
		o.alter(c.user, q.GetPeer(), false, sequence)
	}
	return o.changed(c, c.user, q.GetPeer(), &wire.Change{Deleted: q.GetSequences()})
}

func (o *office) sync(user string, q *wire.SyncRequest) *wire.SyncAnswer {
	a := &wire.SyncAnswer{Change: o.changes[user]}
	for _, v := range o.views[user] {
		if v.GetChange() > q.GetSince() {
			a.Conversations = append(a.Conversations, v)
		}
	}
	slices.SortFunc(a.GetConversations(), func(x, y *wire.Conversation) int { return int(x.GetChange()) - int(y.GetChange()) })
	if len(a.GetConversations()) > 1 && o.rnd.IntN(2) == 0 {
		a.Conversations, a.More = a.GetConversations()[:1], true
		a.Change = a.GetConversations()[0].GetChange()
	}
	for _, v := range a.GetConversations() {
		x := &wire.Alterations{Peer: v.GetPeer(), All: o.rnd.IntN(10) == 0}
		for _, m := range o.altered[user+" "+v.GetPeer()] {
			switch {
			case m.change <= q.GetAlteredSince() || x.GetAll():
			case m.recalled:
				x.Recalled = append(x.Recalled, m.sequence)
			default:
				x.Deleted = append(x.Deleted, m.sequence)
			}
		}
		a.Alterations = append(a.Alterations, x)
	}
	return proto.Clone(a).(*wire.SyncAnswer)
}

func (o *office) page(user string, q *wire.ListMessagesRequest) *wire.MessagesAnswer {
	a := &wire.MessagesAnswer{Complete: true, Change: o.changes[user]}
	if len(o.said[both(user, q.GetPeer())]) > 0 {
		a.KeptFrom = 1
	}
	count := min(int(q.GetCount()), 1+o.rnd.IntN(30))
	all := slices.DeleteFunc(slices.Clone(o.said[both(user, q.GetPeer())]), func(m *wire.Message) bool {
		return o.gone[user+" "+q.GetPeer()][m.GetSequence()] || m.GetSequence() <= q.GetAfter() ||
			q.GetBefore() > 0 && m.GetSequence() >= q.GetBefore()
	})
	older := q.GetAfter() == 0
	if len(all) > count {
		a.Complete = false
		if older {
			all = all[len(all)-count:]
		} else {
			all = all[:count]
		}
	}
	a.Messages = all
	if len(all) > 0 {
		a.FromSequence, a.ToSequence = all[0].GetSequence(), all[len(all)-1].GetSequence()
		if older && a.GetComplete() {
			a.FromSequence = 1
		}
	}
	return proto.Clone(a).(*wire.MessagesAnswer)
}
