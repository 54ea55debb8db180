package client_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/rollcalltest"
)

// TestTalksOnAServer is TestTalks on a real server, which is restarted and killed.
// What it has acknowledged is in every history once, and all read the same.
func TestTalksOnAServer(t *testing.T) {
	first, last := uint64(1), *talkCount/2
	if *talkSeed > 0 {
		first, last = *talkSeed, *talkSeed
	}
	for seed := first; seed <= last && !t.Failed(); seed++ {
		rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
			defer func() {
				if t.Failed() {
					t.Logf("again with -run TestTalksOnAServer -talk.seed %d", seed)
				}
			}()
			s.SetPolicy("multi", nil)
			tk := &realTalk{t: t, server: s, rnd: rand.New(rand.NewPCG(seed, 2)), durable: make(map[string]bool)}
			tk.add("alice", rollcall.Android)
			tk.add("alice", rollcall.Mac)
			tk.add("bob", rollcall.Android)
			tk.add("carol", rollcall.Web)
			for range 150 {
				tk.step()
			}
			tk.end()
		})
	}
}

// A realTalk is some devices and a server.
type realTalk struct {
	t      *testing.T
	server *rollcalltest.Server
	rnd    *rand.Rand
	phones []*realTalker

	mu      sync.Mutex
	sent    int
	durable map[string]bool // acknowledged, by their ids
	again   []func()        // to be sent with the same id
}

// A realTalker is a device, and what its app has heard.
type realTalker struct {
	*rollcalltest.Client

	user string
	told map[rollcall.ConversationID][]uint64
	own  map[string]bool
}

func (tk *realTalk) add(user string, platform rollcall.Platform) {
	p := &realTalker{
		Client: tk.server.Client(user, platform), user: user,
		told: make(map[rollcall.ConversationID][]uint64), own: make(map[string]bool),
	}
	p.SDK.AddListener(client.Listener{NewMessage: func(m client.Message) {
		tk.mu.Lock()
		defer tk.mu.Unlock()
		told := p.told[m.Conversation]
		if n := len(told); n > 0 && told[n-1] >= m.Sequence || p.own[m.ID] {
			tk.t.Errorf("%s was told %v and then %d of %s", user, told, m.Sequence, m.Conversation)
		}
		p.told[m.Conversation] = append(told, m.Sequence)
	}})
	if err := p.Login(); err != nil {
		tk.t.Fatal(err)
	}
	tk.phones = append(tk.phones, p)
}

func (tk *realTalk) step() {
	p := tk.phones[tk.rnd.IntN(len(tk.phones))]
	to := tk.peer(p)
	id := rollcall.ConversationWith(to)
	switch tk.rnd.IntN(20) {
	case 0, 1:
		p.Cut()
	case 2, 3, 4:
		p.Mend()
	case 5:
		tk.restart()
	case 6:
		p.SDK.StartMarkRead(id, 0, func(error) {})
	case 7:
		x, err := p.SDK.Conversation(context.Background(), id)
		if err == nil && x.LastMessage != nil && x.LastMessage.Self {
			p.SDK.StartRecall(id, x.LastMessage.Sequence, func(error) {})
		}
	case 8:
		if _, err := p.SDK.Messages(context.Background(), id, client.Page{Count: 1 + tk.rnd.IntN(20)}); err != nil {
			tk.t.Errorf("a page: %v", err)
		}
	default:
		tk.send(p, client.Outgoing{To: to, Text: fmt.Sprint("hello ", tk.rnd.IntN(1000))})
	}
	time.Sleep(time.Duration(tk.rnd.IntN(3000)) * time.Millisecond)
	tk.sendAgain()
}

func (tk *realTalk) restart() {
	switch tk.rnd.IntN(3) {
	case 0:
		tk.server.Kill()
		tk.server.Start()
	case 1:
		tk.server.Restart()
	}
}

func (tk *realTalk) peer(p *realTalker) rollcall.UserID {
	for {
		if other := tk.phones[tk.rnd.IntN(len(tk.phones))]; other.user != p.user {
			return rollcall.UserID(other.user)
		}
	}
}

func (tk *realTalk) send(p *realTalker, o client.Outgoing) {
	tk.mu.Lock()
	if o.ID == "" {
		tk.sent++
		o.ID = fmt.Sprint("message-", tk.sent)
	}
	p.own[o.ID] = true
	tk.mu.Unlock()
	p.SDK.StartSend(o, func(_ client.Message, err error) {
		tk.mu.Lock()
		defer tk.mu.Unlock()
		if err == nil {
			tk.durable[o.ID] = true
		} else if imcode.Of(err) == imcode.WaitAckTimeout {
			tk.again = append(tk.again, func() { tk.send(p, o) })
		}
	})
}

func (tk *realTalk) sendAgain() {
	synctest.Wait()
	tk.mu.Lock()
	again := tk.again
	tk.again = nil
	tk.mu.Unlock()
	for _, send := range again {
		send()
	}
}

// end lets all come back and compares what they have.
func (tk *realTalk) end() {
	for _, p := range tk.phones {
		p.Mend()
	}
	for range 10 {
		time.Sleep(2 * time.Minute)
		tk.sendAgain()
	}
	histories := make(map[string][]string)
	for _, p := range tk.phones {
		for _, user := range []string{"alice", "bob", "carol"} {
			if user == p.user {
				continue
			}
			got := tk.read(p, rollcall.ConversationWith(rollcall.UserID(user)))
			pair := both(p.user, user)
			if other, ok := histories[pair]; ok && !slices.Equal(got, other) {
				tk.t.Errorf("%s read %q and %q", pair, without(got, other), without(other, got))
			}
			histories[pair] = got
		}
	}
	found := make(map[string]int)
	for _, lines := range histories {
		for _, line := range lines {
			var id string
			_, _ = fmt.Sscan(line, &id)
			found[id]++
		}
	}
	for id := range tk.durable {
		if found[id] != 1 {
			tk.t.Errorf("%s was acknowledged, and is there %d times", id, found[id])
		}
	}
}

// read is a device's own history, oldest first, of which all was told.
func (tk *realTalk) read(p *realTalker, id rollcall.ConversationID) (all []string) {
	for before := uint64(0); ; {
		page, err := p.SDK.Messages(context.Background(), id, client.Page{Before: before, Count: 7, Local: true})
		if err != nil || len(page.Gaps) > 0 {
			tk.t.Fatalf("%s reads %s: gaps %v, %v", p.user, id, page.Gaps, err)
		}
		for _, m := range slices.Backward(page.Messages) {
			all = append(all, fmt.Sprint(m.ID, " ", m.Sequence, " ", m.Text))
			if !slices.Contains(p.told[id], m.Sequence) && !p.own[m.ID] && !m.Recalled {
				tk.t.Errorf("%s was told %v of %s, and not %d", p.user, p.told[id], id, m.Sequence)
			}
		}
		if page.End {
			slices.Reverse(all)
			return all
		}
		before = page.Messages[0].Sequence
	}
}
