package cache

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"rollcall.example/wire"
)

// A server is what a cache copies: one account's conversations, said as the wire
// says them.
type server struct {
	change uint64
	now    int64
	all    map[string]*talk
}

type talk struct {
	view     *wire.Conversation
	messages map[uint64]*wire.Message // that the account has not deleted
	kept     uint64                   // earlier ones are too old
	altered  []alteration
	lost     uint64 // what became of messages by this change and before is not known any more
}

// An alteration is what a change has made of a message.
type alteration struct {
	change, sequence uint64
	recalled         bool
}

func newServer() *server { return &server{now: 1000, all: make(map[string]*talk)} }

// step changes a conversation.
func (s *server) step(peer string, act func(*talk) *wire.Change) *wire.Change {
	t := s.all[peer]
	if t == nil {
		t = &talk{view: &wire.Conversation{Peer: peer}, messages: make(map[uint64]*wire.Message), kept: 1}
		s.all[peer] = t
	}
	s.now++
	ch := act(t)
	s.change++
	t.view.Change = s.change
	t.view.LastMessage = nil
	for i := t.view.GetLastSequence(); i > t.view.GetDeletedSequence() && t.view.GetLastMessage() == nil; i-- {
		t.view.LastMessage = t.messages[i]
	}
	ch.Number = s.change
	ch.Conversation = t.view
	return proto.Clone(ch).(*wire.Change)
}

func (s *server) send(peer, sender string) *wire.Change {
	return s.step(peer, func(t *talk) *wire.Change {
		t.view.LastSequence++
		t.view.Deleted = false
		m := &wire.Message{
			Sequence: t.view.GetLastSequence(), Sender: sender, TimeMs: s.now, MessageId: fmt.Sprint(s.now),
			Content: &wire.Content{Kind: &wire.Content_Text{Text: fmt.Sprint(peer, s.now)}},
		}
		t.messages[m.GetSequence()] = m
		return &wire.Change{Messages: []*wire.Message{m}}
	})
}

func (s *server) recall(peer string, sequence uint64) *wire.Change {
	return s.step(peer, func(t *talk) *wire.Change {
		m := t.messages[sequence]
		if m == nil || sequence < t.kept {
			return &wire.Change{}
		}
		t.altered = append(t.altered, alteration{s.change + 1, sequence, true})
		m = &wire.Message{Sequence: sequence, Sender: m.GetSender(), TimeMs: m.GetTimeMs(), MessageId: m.GetMessageId(), Recalled: true}
		t.messages[sequence] = m
		return &wire.Change{Messages: []*wire.Message{m}}
	})
}

func (s *server) remove(peer string, sequence uint64) *wire.Change {
	return s.step(peer, func(t *talk) *wire.Change {
		if sequence > t.view.GetLastSequence() {
			return &wire.Change{}
		}
		delete(t.messages, sequence)
		t.altered = append(t.altered, alteration{s.change + 1, sequence, false})
		return &wire.Change{Deleted: []uint64{sequence}}
	})
}

func (s *server) removeAll(peer string) *wire.Change {
	return s.step(peer, func(t *talk) *wire.Change {
		t.view.DeletedSequence, t.view.Deleted = t.view.GetLastSequence(), true
		clear(t.messages)
		return &wire.Change{}
	})
}

func (s *server) sync(since, altered uint64, count int) *wire.SyncAnswer {
	a := &wire.SyncAnswer{Change: s.change}
	for _, t := range s.all {
		if t.view.GetChange() > since {
			a.Conversations = append(a.Conversations, proto.Clone(t.view).(*wire.Conversation))
		}
	}
	slices.SortFunc(a.GetConversations(), func(x, y *wire.Conversation) int { return int(x.GetChange()) - int(y.GetChange()) })
	if len(a.GetConversations()) > count {
		a.Conversations, a.More = a.GetConversations()[:count], true
		a.Change = a.GetConversations()[count-1].GetChange()
	}
	for _, v := range a.GetConversations() {
		if x := s.all[v.GetPeer()].since(altered); x != nil && since > 0 {
			x.Peer = v.GetPeer()
			a.Alterations = append(a.Alterations, x)
		}
	}
	return a
}

// since is what became of messages after a change.
func (t *talk) since(change uint64) *wire.Alterations {
	x := &wire.Alterations{All: t.lost > change}
	for _, a := range t.altered {
		switch {
		case a.change <= change || x.GetAll():
		case a.recalled:
			x.Recalled = append(x.Recalled, a.sequence)
		default:
			x.Deleted = append(x.Deleted, a.sequence)
		}
	}
	if len(x.GetRecalled())+len(x.GetDeleted()) == 0 && !x.GetAll() {
		return nil
	}
	return x
}

func (s *server) page(f Fetch, count int) *wire.MessagesAnswer {
	t := s.all[f.Peer]
	a := &wire.MessagesAnswer{Complete: true, KeptFrom: t.kept, Change: s.change}
	older := f.After == 0
	for i := range t.view.GetLastSequence() {
		sequence := i + 1
		if older {
			sequence = t.view.GetLastSequence() - i
		}
		m := t.messages[sequence]
		if m == nil || sequence < t.kept || sequence <= f.After || f.Before > 0 && sequence >= f.Before {
			continue
		}
		if len(a.GetMessages()) == count {
			a.Complete = false
			break
		}
		a.Messages = append(a.Messages, proto.Clone(m).(*wire.Message))
	}
	if older {
		slices.Reverse(a.GetMessages())
	}
	if n := len(a.GetMessages()); n > 0 {
		a.FromSequence, a.ToSequence = a.GetMessages()[0].GetSequence(), a.GetMessages()[n-1].GetSequence()
		if older && a.GetComplete() {
			a.FromSequence = 1
		}
	}
	return a
}

// A phone has a cache, and an app that is told of messages.
type phone struct {
	t      *rapid.T
	path   string
	cache  *Cache
	server *server
	born   int64
	away   bool
	told   map[string][]uint64
	own    map[string]bool // ids of what it has sent
}

func nobodys(string, *wire.Message) bool { return false }

func (p *phone) mine(_ string, m *wire.Message) bool { return p.own[m.GetMessageId()] }

func (p *phone) open() {
	var err error
	if p.cache, err = Open(p.path, "alice", "alice"); err != nil {
		p.t.Fatal(err)
	}
}

// follow brings the cache up to what the server has, with whatever happens there
// meanwhile.
func (p *phone) follow(meanwhile func()) {
	for range 1000 {
		since, whole := p.cache.State().Change, p.cache.State().Whole
		a := p.server.sync(since, whole, rapid.IntRange(1, 3).Draw(p.t, "so many views"))
		meanwhile()
		n, err := p.cache.TakeSync(since, a, p.born)
		p.must(err)
		if a.GetMore() {
			if rapid.IntRange(0, 9).Draw(p.t, "lost before the next answer") == 0 {
				p.must(p.cache.Close())
				p.open()
			}
			continue
		}
		for range 1000 {
			f, ok, err := p.cache.Behind()
			p.must(err)
			if !ok {
				break
			}
			a := p.server.page(f, rapid.IntRange(1, 30).Draw(p.t, "so many messages"))
			meanwhile()
			n, _, err = p.cache.TakeMessages(f, a, p.mine)
			p.must(err)
		}
		if p.cache.State().Change == p.server.change && !n.Behind {
			return
		}
	}
	p.t.Fatal("it never comes to an end")
}

func (p *phone) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// push pushes a change; true: the device is to follow what it missed.
func (p *phone) push(ch *wire.Change) bool {
	if p.away || rapid.IntRange(0, 9).Draw(p.t, "lost") == 0 {
		return false
	}
	n, err := p.cache.TakeChange(ch, p.mine)
	p.must(err)
	return n.Missed || n.Behind
}

// look reads a page of the latest messages, while things go on.
func (p *phone) look(meanwhile func()) {
	for _, peer := range slices.Sorted(maps.Keys(p.server.all)) {
		x := p.server.all[peer]
		last, err := p.cache.Last(peer)
		p.must(err)
		f := Fetch{Peer: peer, Last: last}
		if rapid.Bool().Draw(p.t, "in the middle") {
			f.Before = rapid.Uint64Range(1, 1+x.view.GetLastSequence()).Draw(p.t, "before")
		}
		a := p.server.page(f, rapid.IntRange(1, 5).Draw(p.t, "so many"))
		meanwhile()
		_, _, err = p.cache.TakeMessages(f, a, p.mine)
		p.must(err)
	}
}

// listen tells the app some of what is to be told.
func (p *phone) listen(count int) {
	for range count {
		all, err := p.cache.Untold(3)
		p.must(err)
		for _, x := range all {
			ok, err := p.cache.Told(x.View.GetPeer(), x.Message.GetSequence())
			p.must(err)
			if ok {
				p.told[x.View.GetPeer()] = append(p.told[x.View.GetPeer()], x.Message.GetSequence())
			}
		}
	}
}

// history is a conversation as an app reads it, page by page from the server.
func (p *phone) history(peer string) (all []string) {
	for before := uint64(0); ; {
		last, err := p.cache.Last(peer)
		p.must(err)
		f := Fetch{Peer: peer, Before: before, Last: last}
		var page Page
		for {
			n, got, err := p.cache.TakeMessages(f, p.server.page(f, rapid.IntRange(1, 5).Draw(p.t, "so many")), p.mine)
			p.must(err)
			if n.Stale {
				p.t.Fatal("an answer of now is stale")
			}
			page, err = p.cache.Page(peer, before, 0, 4)
			p.must(err)
			if got.First <= 1 || len(page.Messages) == 4 && got.First <= page.Messages[0].GetSequence() {
				break
			}
			f.Before = got.First
		}
		if len(page.Gaps) > 0 {
			p.t.Fatalf("gaps in what the server gave: %v", page.Gaps)
		}
		for _, m := range slices.Backward(page.Messages) {
			all = append(all, fmt.Sprintf("%d %s", m.GetSequence(), m.GetContent().GetText()))
		}
		if page.End {
			slices.Reverse(all)
			return all
		}
		before = page.Messages[0].GetSequence()
	}
}

// TestCopies lets a server and a device that comes and goes live through random
// histories. Every message is told once and in order, and what is read in the end
// is what the server has.
func TestCopies(t *testing.T) {
	dir := t.TempDir()
	files := 0
	rapid.Check(t, func(t *rapid.T) {
		files++
		p := &phone{t: t, server: newServer(), path: filepath.Join(dir, fmt.Sprint(files)), told: make(map[string][]uint64), own: make(map[string]bool)}
		p.open()
		defer func() { _ = p.cache.Close() }()
		live := func() *wire.Change { return p.live(t) }
		for range rapid.IntRange(0, 20).Draw(t, "before") {
			if ch := live(); len(ch.GetMessages()) == 1 && p.mine("", ch.GetMessages()[0]) {
				_, err := p.cache.TakeChange(ch, p.mine)
				p.must(err)
			}
		}
		p.born = p.server.now + 1
		before := make(map[string]uint64)
		for peer, x := range p.server.all {
			before[peer] = x.view.GetLastSequence()
		}
		p.follow(func() {})
		meanwhile := func() {
			if rapid.Bool().Draw(t, "meanwhile") {
				p.push(live())
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 12).Draw(t, "what") {
			case 0:
				p.away = true
			case 1:
				p.away = false
				p.follow(meanwhile)
			case 2:
				p.must(p.cache.Close())
				p.open()
			case 3, 4:
				p.listen(1)
			case 5:
				if !p.away {
					p.look(meanwhile)
				}
			default:
				if p.push(live()) {
					p.follow(meanwhile)
				}
			}
		}
		p.follow(func() {})
		p.listen(100)
		for _, peer := range slices.Sorted(maps.Keys(p.server.all)) {
			x := p.server.all[peer]
			p.checkTold(peer, x, before[peer])
			p.checkLocal(peer, x)
			checkHistory(t, peer, x, p.history(peer))
			p.checkLocal(peer, x)
		}
	})
}

// live lets something happen at the server.
func (p *phone) live(t *rapid.T) *wire.Change {
	peer := rapid.SampledFrom([]string{"bob", "carol"}).Draw(t, "with")
	var last uint64
	if x := p.server.all[peer]; x != nil {
		last = x.view.GetLastSequence()
	}
	some := func() uint64 { return rapid.Uint64Range(max(1, last-min(last, 15)), max(1, last)).Draw(t, "which") }
	var ch *wire.Change
	switch rapid.IntRange(0, 11).Draw(t, "act") {
	case 0:
		ch = p.server.recall(peer, some())
	case 1, 2:
		ch = p.server.remove(peer, some())
	case 3:
		ch = p.server.removeAll(peer)
	case 4:
		return p.server.send(peer, "alice")
	case 5:
		if ch = p.server.send(peer, "alice"); !p.away {
			p.own[ch.GetMessages()[0].GetMessageId()] = true
		}
		return ch
	default:
		return p.server.send(peer, peer)
	}
	switch x := p.server.all[peer]; rapid.IntRange(0, 7).Draw(t, "and") {
	case 0:
		x.kept = max(x.kept, some())
	case 1:
		x.lost = p.server.change
	}
	return ch
}

// checkLocal: what the device shows without the server is as it is there, and all that
// it knows of.
func (p *phone) checkLocal(peer string, x *talk) {
	p.t.Helper()
	page, err := p.cache.Page(peer, 0, 0, 1000)
	p.must(err)
	shown := make(map[uint64]bool)
	for _, m := range page.Messages {
		shown[m.GetSequence()] = true
		if is := x.messages[m.GetSequence()]; !proto.Equal(m, is) {
			p.t.Fatalf("of %s is shown %v, and it is %v", peer, m, is)
		}
	}
	for sequence := range x.messages {
		missing := sequence >= x.kept && !shown[sequence]
		for _, g := range page.Gaps {
			missing = missing && (sequence < g.First || sequence > g.Last)
		}
		if missing {
			p.t.Fatalf("of %s is not shown %v, nor a gap: %v", peer, x.messages[sequence], page.Gaps)
		}
	}
}

// checkHistory: what the server has, and earlier messages than it has: it may not
// keep them any more.
func checkHistory(t *rapid.T, peer string, x *talk, got []string) {
	var want []string
	var first uint64
	for i := x.kept; i <= x.view.GetLastSequence(); i++ {
		if m := x.messages[i]; m != nil {
			if first == 0 {
				first = i
			}
			want = append(want, fmt.Sprintf("%d %s", i, m.GetContent().GetText()))
		}
	}
	if len(want) == 0 {
		return
	}
	got = slices.DeleteFunc(got, func(line string) bool {
		var sequence uint64
		_, _ = fmt.Sscanf(line, "%d", &sequence)
		return sequence < first
	})
	if !slices.Equal(got, want) {
		t.Fatalf("history of %s: %q, want %q", peer, got, want)
	}
}

// checkTold: in order, once, none from before, and all that are still there.
func (p *phone) checkTold(peer string, x *talk, before uint64) {
	told := p.told[peer]
	for i, sequence := range told {
		if sequence <= before || i > 0 && sequence <= told[i-1] {
			p.t.Fatalf("told %v, of which up to %d are old", told, before)
		}
	}
	for sequence, m := range x.messages {
		is := slices.Contains(told, sequence)
		if own := p.mine(peer, m); own && is || !own && sequence > before && sequence >= x.kept && !m.GetRecalled() && !is {
			p.t.Fatalf("told %v; %d is its own: %t", told, sequence, own)
		}
	}
}
