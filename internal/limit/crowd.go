package limit

import (
	"container/heap"
	"container/list"
	"sync"
)

// A Crowd bounds how many guests are inside at once, each of whom comes from
// somewhere, its key. Until it has settled a guest waits, and who waits makes room
// when there is none: of the key that most wait from, the one that has waited for
// longest. So a crowd that only waits pushes itself out, and keeps nobody else from
// settling.
//
// Fields are set before use. All methods may be called concurrently, also those of
// a nil Guest, which do nothing.
type Crowd[K comparable] struct {
	Max        int // inside at most; 0: no bound
	MaxEach    int // of one key; 0: no bound
	MaxWaiting int // of those that wait; 0: no bound

	// Brings tells which keys bring guests of others along, as proxies do: MaxEach does
	// not hold for them. A guest moves to its own key when that is known. nil: none.
	Brings func(K) bool

	mu      sync.Mutex
	parties map[K]*party[K]
	waiting parties[K] // those that have a guest that waits
	inside  int
	waits   int
	turn    uint64
}

// A Guest is one of a crowd. Its zero value has not entered yet.
type Guest[K comparable] struct {
	Owner any // whatever it stands for

	crowd *Crowd[K]
	party *party[K]     // nil: it is not inside
	wait  *list.Element // in its party's waiting; nil: it does not wait
	since uint64        // the turn at which it began to wait
}

// A party is the guests of one key.
type party[K comparable] struct {
	key     K
	size    int
	waiting list.List // of *Guest, who has waited for longest in front
	place   int       // in the crowd's waiting
}

// A Refusal is why a guest may not enter.
type Refusal int

// The refusals.
const (
	Admitted  Refusal = iota
	NoRoom            // everybody inside has settled
	NoRoomFor         // the same of those from the guest's key
)

// Enter admits a guest, to wait. Somebody who waits may have to go for it: out, who
// is inside no more, and is to be told so by the caller.
func (c *Crowd[K]) Enter(g *Guest[K], key K) (out *Guest[K], why Refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g.crowd = c
	return c.enter(g, key)
}

// Move makes a guest one of another key, as if it entered from there; refused, it is
// inside no more.
func (g *Guest[K]) Move(key K) (out *Guest[K], why Refusal) {
	if g == nil {
		return nil, Admitted
	}
	c := g.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if g.party == nil {
		return nil, NoRoom
	}
	c.remove(g)
	return c.enter(g, key)
}

func (c *Crowd[K]) enter(g *Guest[K], key K) (out *Guest[K], why Refusal) {
	p := c.parties[key]
	if p != nil && c.MaxEach > 0 && p.size >= c.MaxEach && (c.Brings == nil || !c.Brings(key)) {
		if out = p.first(); out == nil {
			return nil, NoRoomFor
		}
		c.remove(out)
	}
	c.add(g, key)
	if out == nil && (c.Max > 0 && c.inside > c.Max || c.MaxWaiting > 0 && c.waits > c.MaxWaiting) {
		out = c.waiting[0].first()
		c.remove(out)
		if out == g {
			return nil, NoRoom
		}
	}
	return out, Admitted
}

// Eject lets the guest go that would have to for the next one; nil: nobody waits.
func (c *Crowd[K]) Eject() *Guest[K] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		return nil
	}
	out := c.waiting[0].first()
	c.remove(out)
	return out
}

// Inside is how many are inside, and how many of them wait.
func (c *Crowd[K]) Inside() (all, waiting int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inside, c.waits
}

// Settle keeps the guest from having to go, for good or while something is done
// for it. False: it is not inside any more.
func (g *Guest[K]) Settle() bool {
	if g == nil {
		return true
	}
	g.crowd.mu.Lock()
	defer g.crowd.mu.Unlock()
	g.crowd.stop(g)
	return g.party != nil
}

// Wait makes a guest that has settled wait again, behind all others. Somebody who
// waits may have to go for it, as at Enter, and be it the guest itself.
func (g *Guest[K]) Wait() (out *Guest[K]) {
	if g == nil {
		return nil
	}
	c := g.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if g.party == nil || g.wait != nil {
		return nil
	}
	c.start(g)
	if c.MaxWaiting > 0 && c.waits > c.MaxWaiting {
		out = c.waiting[0].first()
		c.remove(out)
	}
	return out
}

// Leave is the guest's going by itself. It may be repeated.
func (g *Guest[K]) Leave() {
	if g == nil {
		return
	}
	g.crowd.mu.Lock()
	defer g.crowd.mu.Unlock()
	if g.party != nil {
		g.crowd.remove(g)
	}
}

func (c *Crowd[K]) add(g *Guest[K], key K) {
	p := c.parties[key]
	if p == nil {
		if c.parties == nil {
			c.parties = make(map[K]*party[K])
		}
		p = &party[K]{key: key}
		c.parties[key] = p
	}
	g.party = p
	p.size++
	c.inside++
	c.start(g)
}

func (c *Crowd[K]) remove(g *Guest[K]) {
	c.stop(g)
	p := g.party
	g.party = nil
	c.inside--
	if p.size--; p.size == 0 {
		delete(c.parties, p.key)
	}
}

// start makes a guest wait.
func (c *Crowd[K]) start(g *Guest[K]) {
	p := g.party
	c.turn++
	g.since, g.wait = c.turn, p.waiting.PushBack(g)
	c.waits++
	if p.waiting.Len() == 1 {
		heap.Push(&c.waiting, p)
	} else {
		heap.Fix(&c.waiting, p.place)
	}
}

// stop ends a guest's waiting, if it waits.
func (c *Crowd[K]) stop(g *Guest[K]) {
	if g.wait == nil {
		return
	}
	p := g.party
	p.waiting.Remove(g.wait)
	g.wait = nil
	c.waits--
	if p.waiting.Len() == 0 {
		heap.Remove(&c.waiting, p.place)
	} else {
		heap.Fix(&c.waiting, p.place)
	}
}

// first is the guest that has waited for longest; nil: nobody waits.
func (p *party[K]) first() *Guest[K] {
	if e := p.waiting.Front(); e != nil {
		return e.Value.(*Guest[K])
	}
	return nil
}

// parties is a heap: in front the one whose guest goes first.
type parties[K comparable] []*party[K]

func (h parties[K]) Len() int { return len(h) }

func (h parties[K]) Less(i, j int) bool {
	a, b := h[i], h[j]
	if a.waiting.Len() != b.waiting.Len() {
		return a.waiting.Len() > b.waiting.Len()
	}
	f, g := a.first(), b.first()
	return f != nil && g != nil && f.since < g.since // one that is about to be removed has none
}

func (h parties[K]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push is heap.Interface's.
func (h *parties[K]) Push(x any) {
	p := x.(*party[K])
	p.place = len(*h)
	*h = append(*h, p)
}

// Pop is heap.Interface's.
func (h *parties[K]) Pop() any {
	last := len(*h) - 1
	p := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return p
}
