package server_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/server"
	"rollcall.example/wire"
)

var crowdSeed = flag.Uint64("crowd.seed", 0, "let the crowd of this seed talk; 0: a new one")

const (
	crowdUsers    = 50
	crowdMessages = 12       // of each device
	crowdSlow     = "slow"   // whose device does not read
	crowdText     = 6 << 10  // of a message to it
	crowdMemory   = 1 << 20  // that it may cost, test and all
	crowdAtOnce   = 30 << 20 // that all of it may take beside
)

// TestACrowd lets a hundred devices of fifty people write to each other at once, and to
// one more who is connected and does not read. They are cut off in the middle of what
// they ask, come back, and ask again. In the end all devices of both sides have the same
// of each conversation: what was acknowledged, once, where the acknowledgement said, and
// in the order in which each has sent it. Who does not read has held up nobody, at no
// moment of the fake time, and has cost no more than its bounds; when it reads it finds
// everything.
func TestACrowd(t *testing.T) {
	seed := *crowdSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	defer func() {
		if t.Failed() {
			t.Logf("again with -run %s -crowd.seed %d", t.Name(), seed)
		}
	}()
	story(t, server.Config{}, func(t *testing.T, w *world) {
		c := &crowd{w: w, acked: map[string]uint64{}}
		slow := c.join(crowdSlow, "phone", rollcall.Android, seed, 0)
		for i := range crowdUsers {
			user := fmt.Sprint("user", i)
			c.join(user, "phone", rollcall.Android, seed, uint64(2*i+1))
			c.join(user, "mac", rollcall.Mac, seed, uint64(2*i+2))
		}
		before := heap()
		began := time.Now()
		var all sync.WaitGroup
		for _, m := range c.members {
			if m != slow {
				all.Go(m.talk)
			}
		}
		all.Wait()
		if took := time.Since(began); took > 0 {
			t.Errorf("somebody was held up: %v have passed", took)
		}
		if grown := heap() - before; grown > crowdAtOnce {
			t.Errorf("it took %d bytes of memory", grown)
		}
		for _, m := range c.members {
			if m != slow {
				m.settle()
			}
		}
		c.checkSlow(slow)
		slow.settle()
		c.check()
		for _, m := range c.members {
			m.peer.hangUp()
		}
	})
}

// A crowd is devices that write to each other.
type crowd struct {
	w       *world
	members []*crowdMember

	mu    sync.Mutex
	acked map[string]uint64 // sequences by the ids of messages
}

// A crowdMember is a device, with what it knows.
type crowdMember struct {
	*device

	crowd *crowd
	rnd   *rand.Rand
	peer  *peer
	seen  uint64              // change number
	heard uint64              // the highest one that was heard of
	have  map[string][]string // messages by the other side, from the first on
	last  map[string]uint64   // that there are
	sent  map[string][]string // ids, in order
	cuts  int
}

func (c *crowd) join(user, id string, p rollcall.Platform, seed, number uint64) *crowdMember {
	m := &crowdMember{
		device: c.w.device(user, id, p), crowd: c, rnd: rand.New(rand.NewPCG(seed, number)),
		have: map[string][]string{}, last: map[string]uint64{}, sent: map[string][]string{},
	}
	m.connect(m.attempt())
	c.members = append(c.members, m)
	return m
}

// connect connects, from the device's own place.
func (m *crowdMember) connect(request any) {
	m.peer = m.w.speak(m.w.dialFrom(m.user+"-"+m.id), wire.Proto)
	m.granted(m.ask(request)) // before which something may be pushed
}

// talk sends messages, to the slow one each fourth, and is cut off now and then.
func (m *crowdMember) talk() {
	for i := range crowdMessages {
		to, says := crowdSlow, strings.Repeat("x", crowdText)
		if i%4 > 0 {
			to, says = m.somebody(), fmt.Sprint("hello ", i)
		}
		q := text(to, fmt.Sprintf("%s-%s-%d", m.user, m.id, i), says)
		m.sent[to] = append(m.sent[to], q.GetMessageId())
		switch m.rnd.IntN(6) {
		case 0: // with the message on its way, or arrived, or lost
			m.peer.send(q)
			m.cut()
		case 1:
			m.cut()
		}
		ch := m.ask(q).GetChange()
		if len(ch.GetMessages()) != 1 || ch.GetMessages()[0].GetMessageId() != q.GetMessageId() {
			m.w.t.Errorf("%s is answered %s with %v", m.user, q.GetMessageId(), ch)
			return
		}
		m.crowd.mu.Lock()
		m.crowd.acked[q.GetMessageId()] = ch.GetMessages()[0].GetSequence()
		m.crowd.mu.Unlock()
	}
}

func (m *crowdMember) somebody() string {
	for {
		if user := fmt.Sprint("user", m.rnd.IntN(crowdUsers)); user != m.user {
			return user
		}
	}
}

// cut cuts the device off; it comes back, and sees what it has missed.
func (m *crowdMember) cut() {
	m.cuts++
	m.peer.hangUp()
	m.connect(m.resume())
	m.settle()
}

// ask asks, and takes what is pushed before the answer.
func (m *crowdMember) ask(request any) *wire.ServerFrame {
	id := m.peer.send(request)
	for {
		f := m.peer.read()
		if ch := f.GetChange(); ch != nil {
			m.take(ch)
		}
		if f.GetId() == id {
			return f
		}
		if f.GetId() != 0 {
			m.w.t.Errorf("%s is answered %v", m.user, f)
		}
	}
}

// take takes a change, if it is the next.
func (m *crowdMember) take(ch *wire.Change) {
	m.heard = max(m.heard, ch.GetNumber())
	if ch.GetNumber() != m.seen+1 {
		return
	}
	m.seen++
	v := ch.GetConversation()
	m.last[v.GetPeer()] = v.GetLastSequence()
	for _, x := range ch.GetMessages() {
		m.put(v.GetPeer(), x)
	}
}

func (m *crowdMember) put(other string, x *wire.Message) {
	if n := uint64(len(m.have[other])); x.GetSequence() == n+1 {
		m.have[other] = append(m.have[other], fmt.Sprint(x.GetMessageId(), " by ", x.GetSender(), " ", len(x.GetContent().GetText())))
	}
}

// settle asks until nothing is missing.
func (m *crowdMember) settle() {
	for first := true; first || m.seen < m.heard; first = false {
		for more := true; more; {
			s := m.ask(&wire.SyncRequest{Since: m.seen, Count: 100}).GetSync()
			for _, v := range s.GetConversations() {
				m.last[v.GetPeer()] = max(m.last[v.GetPeer()], v.GetLastSequence())
			}
			m.seen, more = max(m.seen, s.GetChange()), s.GetMore()
		}
		for other := range m.last {
			m.catchUp(other)
		}
	}
}

func (m *crowdMember) catchUp(other string) {
	for have := uint64(len(m.have[other])); have < m.last[other]; have = uint64(len(m.have[other])) {
		q := &wire.ListMessagesRequest{Peer: other, After: have, Count: 100}
		if have == 0 { // after 0 would be the end
			q.Before, q.Count = 2, 1
		}
		page := m.ask(q).GetMessages()
		for _, x := range page.GetMessages() {
			m.put(other, x)
		}
		if uint64(len(m.have[other])) == have {
			m.w.t.Errorf("%s has %d of %d messages with %s, and is given %v", m.user, have, m.last[other], other, page)
			return
		}
	}
}

// checkSlow lets the slow one go away for a moment, and sees what it has cost.
func (c *crowd) checkSlow(slow *crowdMember) {
	c.w.t.Helper()
	synctest.Wait()
	with := heap()
	slow.peer.hangUp()
	synctest.Wait()
	cost := with - heap()
	c.w.t.Logf("who does not read has cost %d bytes", cost)
	if cost > crowdMemory {
		c.w.t.Errorf("it may cost %d", crowdMemory)
	}
	slow.connect(slow.resume())
}

// check holds what all have against each other, and against what was acknowledged.
func (c *crowd) check() {
	c.w.t.Helper()
	talks := map[string][]string{}
	cuts := 0
	for _, m := range c.members {
		cuts += m.cuts
		for other, mine := range m.have {
			key := min(m.user, other) + " " + max(m.user, other)
			if theirs, ok := talks[key]; ok && !slices.Equal(mine, theirs) {
				c.w.t.Errorf("%s has of %s\n%q, others have\n%q", m.user, key, mine, theirs)
			}
			talks[key] = mine
		}
	}
	found := map[string]uint64{}
	for key, all := range talks {
		for i, line := range all {
			id, _, _ := strings.Cut(line, " ")
			if found[id] != 0 {
				c.w.t.Errorf("%s is there twice, with %s", id, key)
			}
			found[id] = uint64(i + 1)
		}
	}
	for id, sequence := range c.acked {
		if found[id] != sequence {
			c.w.t.Errorf("%s was acknowledged as message %d, and is %d", id, sequence, found[id])
		}
	}
	for _, m := range c.members {
		for to, ids := range m.sent {
			if !slices.IsSortedFunc(ids, func(a, b string) int { return int(found[a]) - int(found[b]) }) {
				c.w.t.Errorf("%s has sent %s %q, which are in another order", m.user, to, ids)
			}
		}
	}
	if want := 2 * crowdUsers * crowdMessages; len(found) != want || len(c.acked) != want || cuts < want/10 {
		c.w.t.Errorf("%d messages are there, %d were acknowledged, want %d; %d cuts", len(found), len(c.acked), want, cuts)
	}
}
