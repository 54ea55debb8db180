// Package node knows who is connected here: the roster of the sessions that this
// process serves. The store is the truth about sessions; the roster is the truth
// about connections.
//
// # A connection's place
//
// A connection reserves a Place for its account before its login or resume is
// committed, and binds it to the session afterwards. What the store decides
// about that session in between (another login may evict it at once) is kept for
// the place and handed over by Bind. So no order of commits and messages lets an
// evicted session be served.
//
// # What callers may rely on
//
//   - Once End has returned, an ended session is sent nothing but its notice.
//   - Of two connections of one session the one with the higher number is
//     served; the other is closed as superseded.
package node

import (
	"slices"
	"sync"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/talk"
	"rollcall.example/wire"
)

// A Conn is a connection that the gateway hands in. Its methods do not block
// and do not call back into the roster.
type Conn interface {
	// Tell makes the notice the last frame that is sent; the connection closes on
	// its acknowledgement, or soon.
	Tell(policy.Notice)
	// Close closes the connection.
	Close(wire.Close)
	// Push sends a change: the answer to a request, or 0, which a connection that
	// has much to send already may drop in favour of a later one.
	Push(request uint64, c talk.Change)
}

// A Roster is the live sessions of this process.
type Roster struct {
	mu       sync.Mutex
	accounts map[rollcall.Account]*presence
	online   map[rollcall.AppID]*tally
	risen    chan struct{}
}

// A presence is what is connected of one account. It is there while it has a
// place or something lost to tell.
type presence struct {
	places []*Place
	lost   []policy.Lost
}

// A Place is one connection's place in the roster.
type Place struct {
	roster  *Roster
	account rollcall.Account
	conn    Conn
	session uint64 // 0: reserved only
	number  uint64 // of the connection
	counted bool   // as its session's
	ended   []policy.Ended
}

// NewRoster returns an empty roster.
func NewRoster() *Roster {
	return &Roster{
		accounts: map[rollcall.Account]*presence{}, online: map[rollcall.AppID]*tally{}, risen: make(chan struct{}, 1),
	}
}

// Reserve takes a place for a connection that is about to log in to, or resume,
// a session of the account. Every place must be released.
func (r *Roster) Reserve(a rollcall.Account, c Conn) *Place {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &Place{roster: r, account: a, conn: c}
	seen := r.accounts[a]
	if seen == nil {
		seen = &presence{}
		r.accounts[a] = seen
	}
	seen.places = append(seen.places, p)
	return p
}

// Account is the account that the place was reserved for.
func (p *Place) Account() rollcall.Account { return p.account }

// Session is the session that the place is bound to, and the connection's
// number; zeros while it is only reserved.
func (p *Place) Session() (session, conn uint64) {
	p.roster.mu.Lock()
	defer p.roster.mu.Unlock()
	return p.session, p.number
}

// Lost lists connections of the account that are gone although the store may
// not have heard of it yet.
func (r *Roster) Lost(a rollcall.Account) []policy.Lost {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seen := r.accounts[a]; seen != nil {
		return slices.Clone(seen.lost)
	}
	return nil
}

// Bind gives the place its session, as committed. What became of the session
// between commit and now is returned: then it must not be served. An older
// connection of the session is closed; if a newer one is bound already, this one
// is.
func (p *Place) Bind(x policy.Session) (ended policy.Ended, over bool) {
	r := p.roster
	r.mu.Lock()
	defer r.mu.Unlock()
	p.session, p.number = x.Number, x.Conn
	for _, e := range p.ended {
		if e.Session.Number == x.Number {
			return e, true
		}
	}
	p.ended = nil
	latest := true
	for _, other := range r.accounts[p.account].places {
		switch {
		case other == p || other.session != x.Number:
		case other.number < p.number:
			r.uncount(other)
			other.conn.Close(wire.Close{Code: wire.CloseSuperseded, Connection: p.number})
		default:
			latest = false
			p.conn.Close(wire.Close{Code: wire.CloseSuperseded, Connection: other.number})
		}
	}
	if latest {
		r.count(p)
	}
	return policy.Ended{}, false
}

// Release gives the place up: its connection is gone. A place that was bound
// stays known as lost until Forget; the result says whether it was.
func (p *Place) Release() (lost policy.Lost, bound bool) {
	r := p.roster
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.accounts[p.account]
	seen.places = slices.DeleteFunc(seen.places, func(o *Place) bool { return o == p })
	if p.session != 0 {
		r.uncount(p)
		lost, bound = policy.Lost{Session: p.session, Conn: p.number}, true
		seen.lost = append(seen.lost, lost)
	}
	r.tidy(p.account, seen)
	return lost, bound
}

// Forget drops a lost connection: the store knows of it now.
func (p *Place) Forget(l policy.Lost) {
	r := p.roster
	r.mu.Lock()
	defer r.mu.Unlock()
	if seen := r.accounts[p.account]; seen != nil {
		seen.lost = slices.DeleteFunc(seen.lost, func(o policy.Lost) bool { return o == l })
		r.tidy(p.account, seen)
	}
}

func (r *Roster) tidy(a rollcall.Account, seen *presence) {
	if len(seen.places) == 0 && len(seen.lost) == 0 {
		delete(r.accounts, a)
	}
}

// End tells or closes the connections of sessions that ended, except one: the
// place of the client whose own login or logout ended it, which gets its answer
// (nil: none).
func (r *Roster) End(a rollcall.Account, ended []policy.Ended, except *Place) {
	if len(ended) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.accounts[a]
	if seen == nil {
		return
	}
	for _, e := range ended {
		for _, p := range seen.places {
			if p.session == e.Session.Number {
				r.uncount(p)
			}
			switch {
			case p == except && (p.session == 0 || e.Kind == policy.EventLogout):
			case p.session == 0:
				p.ended = append(p.ended, e)
			case p.session == e.Session.Number:
				Finish(p.conn, e)
			}
		}
	}
}

// Answer answers a request of the place's connection with a change, if its session
// is still served there.
func (p *Place) Answer(request uint64, c talk.Change) {
	p.roster.mu.Lock()
	defer p.roster.mu.Unlock()
	p.conn.Push(request, c)
}

// Push sends a change to all connections of an account's sessions, except one (nil:
// none).
func (r *Roster) Push(a rollcall.Account, c talk.Change, except *Place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.accounts[a]
	if seen == nil {
		return
	}
	for _, p := range seen.places {
		if p.session != 0 && p != except {
			p.conn.Push(0, c)
		}
	}
}

// Finish tells or closes one connection, as the end of its session asks.
func Finish(c Conn, e policy.Ended) {
	switch e.Kind {
	case policy.EventKicked, policy.EventExpired:
		c.Tell(e.Notice)
	case policy.EventLogout:
		c.Close(wire.Close{Code: wire.CloseLoggedOut})
	default:
		c.Close(wire.Close{Code: wire.CloseReplaced})
	}
}
