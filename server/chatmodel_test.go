package server_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// TestEveryHistoryIsTheModels: three people on two devices each talk, mark, pin, delete
// and recall, are cut off in the middle of what they ask, come back, and ask again,
// while the server restarts. A model of a few lines says what each request is answered
// with, what each device is pushed, and what it finds in what pages when it is back.
func TestEveryHistoryIsTheModels(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		round := 0
		rapid.Check(outsideBubble{t}, func(rt *rapid.T) {
			round++
			c := newChatter(w, round)
			rt.Repeat(map[string]func(*rapid.T){
				"send": c.send, "send more": c.send, "send again": c.again, "send and be cut off": c.cutOff, "mark": c.mark, "pin": c.pin,
				"delete": c.remove, "delete messages": c.erase, "recall": c.recall, "cut": c.cut, "come back": c.back,
				"restart": c.restart, "wait": c.wait, "read": c.read,
			})
			for _, d := range c.devices {
				c.connect(rt, d)
				c.readAll(rt, d)
				d.peer.hangUp()
			}
		})
	})
}

// outsideBubble hides from rapid that it is a test: it would ask for its deadline, of
// which there is none in a bubble.
type outsideBubble struct{ rapid.TB }

// A chatter is a run: its people, and what the model thinks.
type chatter struct {
	w       *world
	users   []string
	devices []*chatDevice
	talks   map[string]*chatTalk // by both users, in order
	changes map[string]uint64
	ids     int
}

// A chatDevice is a client.
type chatDevice struct {
	*device

	peer  *peer  // nil: not connected
	seen  uint64 // change number
	whole uint64 // up to which all of it was told
}

// A chatTalk is a conversation as the model has it.
type chatTalk struct {
	messages []*chatMessage
	sides    map[string]*chatSide
}

type chatSide struct {
	change, read, receipt, deletedTo uint64
	pinned, deleted                  bool
	altered                          []chatAltered
}

// A chatAltered is what a change has made of messages, for a side.
type chatAltered struct {
	change    uint64
	recalled  bool
	sequences []uint64
}

type chatMessage struct {
	sequence         uint64
	sender, id, text string
	at               time.Time
	recalled         bool
	deleted          map[string]bool
}

func newChatter(w *world, round int) *chatter {
	c := &chatter{w: w, talks: map[string]*chatTalk{}, changes: map[string]uint64{}}
	for _, name := range []string{"ann", "ben", "cid"} {
		user := fmt.Sprintf("%s%d", name, round)
		c.users = append(c.users, user)
		for id, p := range map[string]rollcall.Platform{"phone": rollcall.Android, "mac": rollcall.Mac} {
			c.devices = append(c.devices, &chatDevice{device: w.device(user, id, p)})
		}
	}
	slices.SortFunc(c.devices, func(a, b *chatDevice) int { return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.id, b.id)) })
	for _, d := range c.devices {
		d.peer = d.online()
	}
	return c
}

func (c *chatter) talk(a, b string) *chatTalk {
	key := min(a, b) + " " + max(a, b)
	if c.talks[key] == nil {
		c.talks[key] = &chatTalk{sides: map[string]*chatSide{a: {}, b: {}}}
	}
	return c.talks[key]
}

// who draws a device, which is connected then, and whom it has to do with.
func (c *chatter) who(rt *rapid.T) (d *chatDevice, peer string, x *chatTalk) {
	d = rapid.SampledFrom(c.devices).Draw(rt, "device")
	c.connect(rt, d)
	others := slices.DeleteFunc(slices.Clone(c.users), func(u string) bool { return u == d.user })
	peer = rapid.SampledFrom(others).Draw(rt, "peer")
	return d, peer, c.talk(d.user, peer)
}

// connect brings a device back, if it is cut off, and has it see what it has missed.
func (c *chatter) connect(rt *rapid.T, d *chatDevice) {
	if d.peer != nil {
		return
	}
	d.peer = d.device.back()
	for {
		first := d.seen == 0
		f := d.peer.ask(&wire.SyncRequest{Since: d.seen, AlteredSince: d.whole, Count: uint32(rapid.IntRange(1, 3).Draw(rt, "count"))})
		s := f.GetSync()
		var became []string
		for _, v := range s.GetConversations() {
			x := c.talk(d.user, v.GetPeer())
			if got, want := outlook(v), x.view(d.user, v.GetPeer()); got != want || v.GetChange() <= d.seen {
				rt.Fatalf("%s after change %d is told\n%s, want\n%s", d.user, d.seen, got, want)
			}
			d.seen = v.GetChange()
			if a := x.became(d.user, d.whole); a != "" && !first {
				became = append(became, v.GetPeer()+a)
			}
		}
		if got := becameOf(s.GetAlterations()); !slices.Equal(got, became) {
			rt.Fatalf("%s after change %d is told that %q, want %q", d.user, d.whole, got, became)
		}
		if rapid.IntRange(0, 9).Draw(rt, "lost before the next answer") == 0 {
			d.peer.hangUp()
			d.peer = d.device.back()
		}
		if !s.GetMore() {
			d.whole = d.seen
			if d.seen != s.GetChange() || d.seen != c.changes[d.user] {
				rt.Fatalf("%s has seen change %d, is told %v, want %d", d.user, d.seen, f, c.changes[d.user])
			}
			return
		}
	}
}

// became is what became of messages after a change number of a side.
func (x *chatTalk) became(own string, since uint64) string {
	var recalled, deleted []uint64
	for _, a := range x.sides[own].altered {
		switch {
		case a.change <= since:
		case a.recalled:
			recalled = append(recalled, a.sequences...)
		default:
			deleted = append(deleted, a.sequences...)
		}
	}
	if len(recalled)+len(deleted) == 0 {
		return ""
	}
	slices.Sort(recalled)
	slices.Sort(deleted)
	return fmt.Sprint(recalled, deleted)
}

// becameOf tells alterations as "bob[1][2 3]": what was recalled, then what was deleted.
func becameOf(all []*wire.Alterations) (words []string) {
	for _, a := range all {
		word := fmt.Sprint(a.GetPeer(), a.GetRecalled(), a.GetDeleted())
		if a.GetAll() {
			word += " any"
		}
		words = append(words, word)
	}
	return words
}

// view is what outlook tells of a side.
func (x *chatTalk) view(own, peer string) string {
	me, other := x.sides[own], x.sides[peer]
	last := uint64(len(x.messages))
	unread, latest := 0, ""
	for _, m := range x.messages {
		if m.sender == peer && m.sequence > me.read {
			unread++
		}
		if x.visible(m, own) {
			latest = m.said()
		}
	}
	s := fmt.Sprintf("%s: change %d, last %d [%s], read %d, by peer %d, unread %d", peer, me.change, last, latest, me.read, other.receipt, unread)
	if me.pinned {
		s += ", pinned"
	}
	if me.deletedTo > 0 {
		s += fmt.Sprintf(", deleted to %d", me.deletedTo)
	}
	if me.deleted {
		s += ", not listed"
	}
	return s
}

func (x *chatTalk) visible(m *chatMessage, own string) bool {
	return !m.deleted[own] && m.sequence > x.sides[own].deletedTo
}

func (m *chatMessage) said() string {
	text := m.text
	if m.recalled {
		text = "-"
	}
	return fmt.Sprintf("%d %s %s", m.sequence, m.sender, text)
}

// touch counts a change of a side.
func (c *chatter) touch(x *chatTalk, user string) {
	c.changes[user]++
	x.sides[user].change = c.changes[user]
}

// alter writes down what the change that was counted last has made of messages.
func (c *chatter) alter(x *chatTalk, user string, recalled bool, sequences []uint64) {
	x.sides[user].altered = append(x.sides[user].altered, chatAltered{c.changes[user], recalled, sequences})
}

// expect asks what a device asks, and checks the answer and all pushes against the
// model, which has made the change of it; code: it refuses.
func (c *chatter) expect(rt *rapid.T, d *chatDevice, peer string, request any, code imcode.Code, message *chatMessage) {
	rt.Helper()
	x := c.talk(d.user, peer)
	f := d.peer.ask(request)
	if code != 0 {
		if got := imcode.Code(f.GetRefusal().GetCode()); got != code {
			rt.Fatalf("%s asks %v, and is answered %v, want %d", d.user, request, f, code)
		}
		return
	}
	c.told(rt, d.user, peer, x, f, message)
	d.seen = f.GetChange().GetNumber()
	d.whole = d.seen
	c.pushes(rt, d, d.user, peer, message)
}

// told checks a change.
func (c *chatter) told(rt *rapid.T, own, peer string, x *chatTalk, f *wire.ServerFrame, message *chatMessage) {
	rt.Helper()
	ch := f.GetChange()
	if got, want := outlook(ch.GetConversation()), x.view(own, peer); got != want || ch.GetNumber() != c.changes[own] {
		rt.Fatalf("%s is told change %d, %v\n%s, want %d\n%s", own, ch.GetNumber(), f.GetRefusal(), got, c.changes[own], want)
	}
	want := ""
	if message != nil && x.visible(message, own) {
		want = message.said()
	}
	if got := said(ch.GetMessages()); got != want {
		rt.Fatalf("%s is told of message %q, want %q", own, got, want)
	}
}

// pushes has all that are connected, but for one, hear of what changed last.
func (c *chatter) pushes(rt *rapid.T, except *chatDevice, own, peer string, message *chatMessage) {
	rt.Helper()
	for _, d := range c.devices {
		if d == except || d.peer == nil || d.user != own && d.user != peer || d.seen == c.changes[d.user] {
			continue
		}
		other := peer
		if d.user == peer {
			other = own
		}
		f := d.peer.read()
		if n := f.GetChange().GetNumber(); f.GetId() != 0 || n != d.seen+1 {
			rt.Fatalf("%s on %s has seen change %d and is pushed %v", d.user, d.id, d.seen, f)
		}
		c.told(rt, d.user, other, c.talk(own, peer), f, message)
		d.seen++
		d.whole = d.seen
	}
}

// say is a message in the model.
func (c *chatter) say(d *chatDevice, peer string, x *chatTalk) (*chatMessage, *wire.SendRequest) {
	c.ids++
	m := &chatMessage{
		sequence: uint64(len(x.messages) + 1), sender: d.user, id: fmt.Sprint("m", c.ids), text: fmt.Sprint("text", c.ids),
		at: time.Now(), deleted: map[string]bool{},
	}
	x.messages = append(x.messages, m)
	for _, user := range []string{d.user, peer} {
		x.sides[user].deleted = false
		c.touch(x, user)
	}
	return m, text(peer, m.id, m.text)
}

func (c *chatter) send(rt *rapid.T) {
	d, peer, x := c.who(rt)
	m, q := c.say(d, peer, x)
	c.expect(rt, d, peer, q, 0, m)
}

// cutOff: the message is there, its answer is not, and so the device sends it again.
func (c *chatter) cutOff(rt *rapid.T) {
	d, peer, x := c.who(rt)
	m, q := c.say(d, peer, x)
	d.peer.send(q)
	synctest.Wait()
	d.peer.hangUp()
	synctest.Wait()
	d.peer = nil
	c.pushes(rt, nil, d.user, peer, m)
	if rapid.Bool().Draw(rt, "restarted meanwhile") {
		c.restart(rt)
	}
	c.connect(rt, d)
	c.expect(rt, d, peer, q, 0, m)
}

// again sends a message again, as it was or not.
func (c *chatter) again(rt *rapid.T) {
	d, peer, x := c.who(rt)
	var own []*chatMessage
	for _, m := range x.messages {
		if m.sender == d.user {
			own = append(own, m)
		}
	}
	if len(own) == 0 {
		c.expect(rt, d, peer, text("nobody", "m0", "hi"), imcode.InvalidRecipient, nil)
		return
	}
	m := rapid.SampledFrom(own).Draw(rt, "message")
	if rapid.Bool().Draw(rt, "another text") && !m.recalled {
		c.expect(rt, d, peer, text(peer, m.id, "other"), imcode.SDKInvalidParameters, nil)
		return
	}
	c.expect(rt, d, peer, text(peer, m.id, m.text), 0, m)
}

// sequence draws one of a conversation's, or one that is none.
func (x *chatTalk) sequence(rt *rapid.T) (n uint64, bad imcode.Code) {
	last := len(x.messages)
	n = uint64(rapid.IntRange(0, last+1).Draw(rt, "sequence"))
	if n == 0 || n > uint64(last) {
		bad = imcode.SDKInvalidParameters
	}
	return n, bad
}

func (c *chatter) mark(rt *rapid.T) {
	d, peer, x := c.who(rt)
	n, bad := x.sequence(rt)
	if me := x.sides[d.user]; bad == 0 {
		if n > me.read {
			me.read = n
			c.touch(x, d.user)
		}
		if n > me.receipt {
			me.receipt = n
			c.touch(x, peer)
		}
	}
	c.expect(rt, d, peer, &wire.MarkReadRequest{Peer: peer, Sequence: n}, bad, nil)
}

func (c *chatter) pin(rt *rapid.T) {
	d, peer, x := c.who(rt)
	yes := rapid.Bool().Draw(rt, "pinned")
	bad := imcode.SDKInvalidParameters
	if len(x.messages) > 0 {
		bad = 0
		if me := x.sides[d.user]; me.pinned != yes {
			me.pinned = yes
			c.touch(x, d.user)
		}
	}
	c.expect(rt, d, peer, &wire.PinRequest{Peer: peer, Pinned: yes}, bad, nil)
}

func (c *chatter) remove(rt *rapid.T) {
	d, peer, x := c.who(rt)
	bad := imcode.SDKInvalidParameters
	if last := uint64(len(x.messages)); last > 0 {
		bad = 0
		me := x.sides[d.user]
		same := me.deletedTo == last && me.read == last && me.deleted && !me.pinned
		if me.deletedTo, me.read, me.deleted, me.pinned = last, last, true, false; !same {
			c.touch(x, d.user)
		}
	}
	c.expect(rt, d, peer, &wire.DeleteConversationRequest{Peer: peer}, bad, nil)
}

func (c *chatter) erase(rt *rapid.T) {
	d, peer, x := c.who(rt)
	n, bad := x.sequence(rt)
	all := []uint64{n}
	if bad == 0 {
		var gone []uint64
		for _, m := range x.messages {
			if m.sequence%5 == n%5 { // some others too
				all = append(all, m.sequence)
				if x.visible(m, d.user) {
					gone = append(gone, m.sequence)
				}
				m.deleted[d.user] = true
			}
		}
		if len(gone) > 0 {
			c.touch(x, d.user)
			c.alter(x, d.user, false, gone)
		}
	}
	c.expect(rt, d, peer, &wire.DeleteMessagesRequest{Peer: peer, Sequences: all[:min(len(all), 50)]}, bad, nil)
}

func (c *chatter) recall(rt *rapid.T) {
	d, peer, x := c.who(rt)
	n, bad := x.sequence(rt)
	var m *chatMessage
	if bad == 0 {
		switch m = x.messages[n-1]; {
		case m.sender != d.user:
			bad = imcode.MessageNotFound
		case m.recalled:
			bad = imcode.AlreadyRecalled
		case time.Since(m.at) > 2*time.Minute:
			bad = imcode.RevokeTimeLimit
		default:
			m.recalled = true
			for _, user := range []string{d.user, peer} {
				c.touch(x, user)
				c.alter(x, user, true, []uint64{n})
			}
		}
	}
	c.expect(rt, d, peer, &wire.RecallRequest{Peer: peer, Sequence: n}, bad, m)
}

func (c *chatter) cut(rt *rapid.T) {
	d := rapid.SampledFrom(c.devices).Draw(rt, "device")
	if d.peer != nil {
		d.peer.hangUp()
		d.peer = nil
	}
}

func (c *chatter) back(rt *rapid.T) { c.connect(rt, rapid.SampledFrom(c.devices).Draw(rt, "device")) }

func (c *chatter) restart(*rapid.T) {
	for _, d := range c.devices {
		if d.peer != nil {
			d.peer.hangUp()
			d.peer = nil
		}
	}
	c.w.stop()
	c.w.start()
}

func (c *chatter) wait(rt *rapid.T) {
	time.Sleep(time.Duration(rapid.IntRange(1, 100).Draw(rt, "seconds")) * time.Second)
}

func (c *chatter) read(rt *rapid.T) {
	d := rapid.SampledFrom(c.devices).Draw(rt, "device")
	c.connect(rt, d)
	c.readAll(rt, d)
}

// readAll reads each conversation of a device from end to end, in pages.
func (c *chatter) readAll(rt *rapid.T, d *chatDevice) {
	for _, peer := range c.users {
		if peer == d.user {
			continue
		}
		x := c.talk(d.user, peer)
		var want []string
		for _, m := range x.messages {
			if x.visible(m, d.user) {
				want = append(want, m.said())
			}
		}
		forward := rapid.Bool().Draw(rt, "forward") && len(x.messages) > 0
		q := &wire.ListMessagesRequest{Peer: peer, Count: uint32(rapid.IntRange(1, 5).Draw(rt, "count"))}
		var got []string
		if forward { // after 0 is the end: it begins with the first as it is
			q.Before, q.Count = 2, 1
			got = append(got, strings.Split(said(d.peer.list(q).GetMessages()), ", ")...)
			q.Before, q.After = 0, 1
		}
		for {
			page := d.peer.list(q)
			part := strings.Split(said(page.GetMessages()), ", ")
			if got = append(part, got...); forward {
				got = append(got[len(part):], part...)
			}
			if page.GetComplete() {
				break
			}
			q.Before = page.GetFromSequence()
			if forward {
				q.Before, q.After = 0, page.GetToSequence()
			}
		}
		got = slices.DeleteFunc(got, func(s string) bool { return s == "" })
		if !slices.Equal(got, want) {
			rt.Fatalf("%s reads with %s, forward %t\n%q, want\n%q", d.user, peer, forward, got, want)
		}
	}
}
