package client_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/memnet"
	"rollcall.example/wire"
)

var (
	talkSeed  = flag.Uint64("talk.seed", 0, "tell only the talk of this seed")
	talkCount = flag.Uint64("talk.count", 8, "tell so many talks")
)

// TestTalks lets some devices talk at random through a server that does its worst
// and a network that is cut. Every message is told once to every device but the
// one that sent it, in order; and in the end all read the same.
func TestTalks(t *testing.T) {
	first, last := uint64(1), *talkCount
	if *talkSeed > 0 {
		first, last = *talkSeed, *talkSeed
	}
	for seed := first; seed <= last && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("again with -run TestTalks -talk.seed %d", seed)
				}
			}()
			tk := newTalk(t, seed)
			for range 150 {
				tk.step()
			}
			tk.end()
		})
	}
}

// A talk is some devices and the office.
type talk struct {
	t       *testing.T
	rnd     *rand.Rand
	office  *office
	net     *memnet.Network
	phones  []*talker
	results chan result

	mu   sync.Mutex      // of what callbacks write down, here and in the talkers
	sent map[string]bool // by its id: it is known to be durable
}

// A talker is a device, which is closed and opened again now and then.
type talker struct {
	*client.Client

	user     string
	name     string
	options  client.Options
	endpoint *memnet.Endpoint
	cut      bool
	told     map[rollcall.ConversationID][]uint64
	own      map[string]bool // ids of what it sent
	unsure   map[string]bool // of what it had sent when it was closed, and does not know of
}

type result struct {
	phone *talker
	o     client.Outgoing
	err   error
}

func newTalk(t *testing.T, seed uint64) *talk {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 0))
	tk := &talk{
		t: t, rnd: rnd, net: &memnet.Network{}, sent: make(map[string]bool), results: make(chan result, 10_000),
		office: &office{
			rnd: rand.New(rand.NewPCG(seed, 1)), changes: make(map[string]uint64), views: make(map[string]map[string]*wire.Conversation),
			gone: make(map[string]map[uint64]bool), altered: make(map[string][]altered), said: make(map[string][]*wire.Message), lines: make(map[*counter]bool),
		},
	}
	l, err := tk.net.Listen("rollcall.test:80")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: tk.office}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	for i, user := range []string{"alice", "alice", "bob", "carol"} {
		p := &talker{
			user: user, name: fmt.Sprint(user, i), told: make(map[rollcall.ConversationID][]uint64), own: make(map[string]bool), unsure: make(map[string]bool),
		}
		p.endpoint = tk.net.Endpoint(p.name)
		p.options = client.Options{DataDirectory: t.TempDir(), Dial: p.endpoint.Dial}
		tk.phones = append(tk.phones, p)
		tk.open(p)
	}
	time.Sleep(time.Minute) // all are in
	return tk
}

func (tk *talk) open(p *talker) {
	var err error
	if p.Client, err = client.Open(app, address, p.options); err != nil {
		tk.t.Fatal(err)
	}
	tk.t.Cleanup(func() { _ = p.Close() })
	p.AddListener(client.Listener{NewMessage: func(m client.Message) {
		tk.mu.Lock()
		defer tk.mu.Unlock()
		tk.check(p, m)
		p.told[m.Conversation] = append(p.told[m.Conversation], m.Sequence)
	}})
	logIn(p.Client, p.user)
}

// logIn logs in, until it succeeds.
func logIn(c *client.Client, user string) {
	c.StartLogin(user, sig(user, 24*time.Hour), func(err error) {
		if err != nil && imcode.Of(err) != imcode.Interrupted && imcode.Of(err) != imcode.NotInitialized {
			time.AfterFunc(10*time.Second, func() { logIn(c, user) })
		}
	})
}

// check: a message is told once and in order, and not to who sent it.
func (tk *talk) check(p *talker, m client.Message) {
	told := p.told[m.Conversation]
	if n := len(told); n > 0 && told[n-1] >= m.Sequence || p.own[m.ID] && !p.unsure[m.ID] {
		tk.t.Errorf("%s was told %v and then %d of %s (its own: %v)", p.name, told, m.Sequence, m.Conversation, p.own[m.ID])
	}
}

func (tk *talk) step() {
	p := tk.phones[tk.rnd.IntN(len(tk.phones))]
	switch tk.rnd.IntN(20) {
	case 0, 1:
		p.endpoint.Cut(memnet.Unplug)
		p.cut = true
	case 2, 3, 4:
		p.endpoint.Mend()
		p.cut = false
	case 5:
		_ = p.Close()
		tk.mu.Lock()
		for id := range p.own {
			p.unsure[id] = !tk.sent[id]
		}
		tk.mu.Unlock()
		tk.open(p)
	case 6:
		id := tk.peer(p)
		p.StartMarkRead(id, 0, func(error) {})
	case 7:
		tk.recall(p)
	case 9:
		tk.remove(p)
	case 8:
		_, err := p.Messages(context.Background(), tk.peer(p), client.Page{Count: 1 + tk.rnd.IntN(20)})
		if code := imcode.Of(err); err != nil && code != imcode.NotLoggedIn {
			tk.t.Errorf("a page: %v", err)
		}
	default:
		tk.send(p, client.Outgoing{To: tk.peer(p).Peer(), Text: fmt.Sprint("hello ", tk.rnd.IntN(1000))})
	}
	time.Sleep(time.Duration(tk.rnd.IntN(3000)) * time.Millisecond)
	synctest.Wait()
	for len(tk.results) > 0 {
		if r := <-tk.results; imcode.Of(r.err) == imcode.WaitAckTimeout {
			tk.send(r.phone, r.o) // with the same id
		}
	}
}

func (tk *talk) peer(p *talker) rollcall.ConversationID {
	for {
		if other := tk.phones[tk.rnd.IntN(len(tk.phones))]; other.user != p.user {
			return rollcall.ConversationWith(rollcall.UserID(other.user))
		}
	}
}

func (tk *talk) send(p *talker, o client.Outgoing) {
	tk.mu.Lock()
	if o.ID == "" {
		o.ID = fmt.Sprint(p.name, "-", len(tk.sent))
		tk.sent[o.ID] = false
	}
	p.own[o.ID] = true
	tk.mu.Unlock()
	p.StartSend(o, func(_ client.Message, err error) {
		if err == nil {
			tk.mu.Lock()
			tk.sent[o.ID] = true
			tk.mu.Unlock()
		}
		tk.results <- result{p, o, err}
	})
}

// recall takes back something that the account has said.
func (tk *talk) recall(p *talker) {
	id := tk.peer(p)
	page, err := p.Messages(context.Background(), id, client.Page{Count: 30, Local: true})
	if err != nil || len(page.Messages) == 0 {
		return
	}
	if m := page.Messages[tk.rnd.IntN(len(page.Messages))]; m.Self {
		p.StartRecall(id, m.Sequence, func(error) {})
	}
}

// remove deletes some of what there is, for the account.
func (tk *talk) remove(p *talker) {
	id := tk.peer(p)
	x, err := p.Conversation(context.Background(), id)
	if err == nil && x.LastSequence > 0 {
		p.StartDeleteMessages(id, []uint64{1 + tk.rnd.Uint64N(x.LastSequence), x.LastSequence}, func(error) {})
	}
}

// end lets all come back, and holds what they have against the office.
func (tk *talk) end() {
	for _, p := range tk.phones {
		p.endpoint.Mend()
	}
	time.Sleep(10 * time.Minute)
	// One more message each way finds what a lost push has left.
	for _, p := range tk.phones {
		for _, to := range []rollcall.UserID{"alice", "bob", "carol"} {
			if string(to) != p.user {
				tk.send(p, client.Outgoing{To: to, Text: "bye"})
				time.Sleep(time.Minute)
			}
		}
	}
	for _, p := range tk.phones {
		p.endpoint.Cut(memnet.Reset)
		p.endpoint.Mend()
	}
	time.Sleep(10 * time.Minute)
	synctest.Wait()
	for _, p := range tk.phones {
		for _, peer := range slices.Sorted(maps.Keys(tk.office.views[p.user])) {
			tk.compare(p, peer)
		}
	}
}

func (tk *talk) compare(p *talker, peer string) {
	id := rollcall.ConversationWith(rollcall.UserID(peer))
	var want, got []string
	for _, m := range tk.office.said[both(p.user, peer)] {
		if tk.office.gone[p.user+" "+peer][m.GetSequence()] {
			continue
		}
		want = append(want, fmt.Sprint(m.GetSequence(), " ", m.GetMessageId(), " ", m.GetContent().GetText()))
		told := slices.Contains(p.told[id], m.GetSequence())
		switch {
		case p.own[m.GetMessageId()] || m.GetRecalled():
		case !told:
			tk.t.Errorf("%s was told %v of %s, and not %d", p.name, p.told[id], id, m.GetSequence())
		}
	}
	for before := uint64(0); ; {
		page, err := p.Messages(context.Background(), id, client.Page{Before: before, Count: 7, Local: true})
		if err != nil || len(page.Gaps) > 0 {
			tk.t.Fatalf("%s reads %s: gaps %v, %v", p.name, id, page.Gaps, err)
		}
		for _, m := range slices.Backward(page.Messages) {
			got = append(got, fmt.Sprint(m.Sequence, " ", m.ID, " ", m.Text))
		}
		if page.End {
			break
		}
		before = page.Messages[0].Sequence
	}
	slices.Reverse(got)
	if !slices.Equal(got, want) {
		tk.t.Errorf("%s reads of %s %q, and not %q", p.name, id, without(got, want), without(want, got))
	}
}

// without is what is in one and not in the other.
func without(one, other []string) []string {
	return slices.DeleteFunc(slices.Clone(one), func(line string) bool { return slices.Contains(other, line) })
}
