// Package history reads an account's past from the rows of its history: who was
// logged in at a moment, and why a device was signed out, in sentences that a
// support person can read to a user.
//
// All of it is pure: rows, the account's present state and the time come in.
//
// # What callers may rely on
//
//   - Replayed to now, the rows give the sessions that the state has.
//   - Rows that retention has dropped make no wrong answer: what the rest cannot
//     tell is said to be unknown.
package history

import (
	"cmp"
	"slices"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// Link tells whether a session had a connection at a moment.
type Link uint8

// The links. Connections that come and go within a minute share rows, and a
// server that dies writes none: Unclear is what the rows cannot tell.
const (
	Unclear Link = iota
	Connected
	Away
)

func (l Link) String() string {
	return [...]string{Unclear: "unclear", Connected: "connected", Away: "away"}[l]
}

// A Session is one that was logged in at a moment.
type Session struct {
	Number     uint64
	Device     rollcall.DeviceID
	DeviceName string
	Platform   rollcall.Platform
	Since      time.Time // its login; zero: before the rows that are kept
	Link       Link
	LinkSince  time.Time // since when it was so; zero: not known
}

// A Past is an account's history, session by session.
type Past struct {
	// From is when the rows that are kept begin; zero: there are none. Of an
	// earlier moment only those are known who are still logged in.
	From  time.Time
	lives []*life // by number
}

// A life is one session from its login to its end.
type life struct {
	Session

	logged  bool      // the row of its login is there
	seen    time.Time // the latest that its rows tell of
	in      bool      // the state has it
	ended   time.Time // zero: not yet
	moments []moment  // when its link is known to have changed, earliest first
	folded  []folded  // rows that stand for moments which are not known
	last    Link      // its link at its end, or now; Unclear: not known
	lastAt  time.Time
}

// A moment is a known change of a link.
type moment struct {
	at     time.Time
	row    int64
	link   Link
	shared bool // its row stands for others too, so that its id gives no order
}

// A folded row stands for changes between its first and its last.
type folded struct {
	from, to time.Time
	link     Link
}

// Replay reads the rows of an account, in any order, and its state of now, which
// has to be read before the rows: what happens in between is then in the rows. The
// oldest rows may be missing.
func Replay(rows []store.HistoryRow, state policy.State, now time.Time) Past {
	rows = slices.SortedFunc(slices.Values(rows), func(a, b store.HistoryRow) int { return cmp.Compare(a.ID, b.ID) })
	lives := map[uint64]*life{}
	var p Past
	for _, r := range rows {
		if p.From.IsZero() || r.At.Before(p.From) {
			p.From = r.At
		}
		if r.Session == 0 {
			continue
		}
		l := lives[r.Session]
		if l == nil {
			l = &life{Session: Session{Number: r.Session}}
			lives[r.Session] = l
			p.lives = append(p.lives, l)
		}
		l.read(r, p.From)
	}
	for _, x := range state.Sessions {
		l := lives[x.Number]
		if l == nil {
			l = &life{}
			p.lives = append(p.lives, l)
		}
		l.isIn(x, now)
	}
	for _, l := range p.lives {
		l.arrange(state)
	}
	slices.SortFunc(p.lives, func(a, b *life) int { return cmp.Compare(a.Number, b.Number) })
	return p
}

// read takes a row of the session.
func (l *life) read(r store.HistoryRow, from time.Time) {
	l.seen, l.Device, l.Platform = r.Last, r.Device, r.Platform
	l.DeviceName = cmp.Or(r.DeviceName, l.DeviceName)
	switch r.Kind {
	case policy.EventLogin:
		l.logged, l.Since = true, r.At
		l.know(r, Connected)
	case policy.EventResume:
		l.know(r, Connected)
	case policy.EventAway:
		l.know(r, Away)
	default:
	}
	if !l.ended.IsZero() || !ends(r) {
		return
	}
	l.ended, l.lastAt = r.At, r.At
	switch {
	case r.Kind == policy.EventKeptOut: // it was evicted before the rows that are kept
		l.ended = from
	case r.Kind == policy.EventKicked && r.Connected:
		l.last = Connected
	case r.Kind == policy.EventKicked, r.Kind == policy.EventLapsed:
		l.last = Away
	}
}

// know takes the changes of the link that a row stands for.
func (l *life) know(r store.HistoryRow, link Link) {
	l.moments = append(l.moments, moment{r.At, r.ID, link, r.Count > 1})
	if r.Count > 1 {
		l.moments = append(l.moments, moment{r.Last, r.ID, link, true})
	}
	if r.Count > 2 {
		l.folded = append(l.folded, folded{r.At, r.Last, link})
	}
}

// isIn takes what the state says of a session that has not ended.
func (l *life) isIn(x policy.Session, now time.Time) {
	l.Session = Session{Number: x.Number, Device: x.Device, DeviceName: x.DeviceName, Platform: x.Platform, Since: x.Since}
	if !l.ended.IsZero() {
		return
	}
	l.last, l.lastAt, l.in = Connected, now, true
	if x.Node == "" {
		l.last, l.lastAt = Away, x.Away
	}
}

// arrange puts what is known of the session in order. One that is not in any more
// and whose end is missing, as after a clock went back, ends with its last row.
func (l *life) arrange(state policy.State) {
	slices.SortStableFunc(l.moments, func(a, b moment) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.row, b.row)) })
	if l.ended.IsZero() && !l.in && l.Number <= state.Counter {
		l.ended = l.seen
	}
}

// ends tells whether a row is that of a session's end, or of one that had ended
// before.
func ends(r store.HistoryRow) bool {
	switch r.Kind {
	case policy.EventLogout, policy.EventKicked, policy.EventExpired, policy.EventReplaced, policy.EventLapsed, policy.EventKeptOut, policy.EventSetBack:
		return true
	case policy.EventSignedUp, policy.EventLogin, policy.EventResume, policy.EventAway, policy.EventRefused,
		policy.EventRevoked, policy.EventDisabled, policy.EventEnabled, policy.EventDeleted:
	}
	return false
}

// At lists who was logged in at a moment, by session number.
func (p Past) At(t time.Time) []Session {
	var in []Session
	for _, l := range p.lives {
		gone := !l.ended.IsZero() && !l.ended.After(t)
		unknown := l.Since.IsZero() && t.Before(p.From)
		if gone || unknown || l.Since.After(t) {
			continue
		}
		x := l.Session
		x.Link, x.LinkSince = l.linkAt(t)
		in = append(in, x)
	}
	return in
}

// linkAt tells whether the session had a connection, and since when it was so.
func (l *life) linkAt(t time.Time) (Link, time.Time) {
	link, since := l.rowsSay(t)
	switch after := !t.Before(l.lastAt); { // the state knows better than the rows
	case l.in && after && l.last == Away:
		return Away, l.lastAt
	case l.in && after && link != Connected:
		return Connected, time.Time{}
	case l.last == Unclear, l.last == link, l.in && l.last == Away:
		return link, since
	}
	if n := len(l.moments); n == 0 || !t.Before(l.moments[n-1].at) {
		return Unclear, time.Time{} // it changed unnoticed between the last row and its end
	}
	return link, since
}

// rowsSay is the link as of the last change before t, unless a change of the
// other kind may lie between that the rows do not show.
func (l *life) rowsSay(t time.Time) (Link, time.Time) {
	i := len(l.moments) - 1
	for i >= 0 && l.moments[i].at.After(t) {
		i--
	}
	if i < 0 {
		return Unclear, time.Time{}
	}
	m := l.moments[i]
	other := Connected + Away - m.link
	for _, f := range l.folded {
		if f.link == other && f.from.Before(t) && t.Before(f.to) {
			return Unclear, time.Time{}
		}
	}
	if i+1 < len(l.moments) && m.link == Away && l.moments[i+1].link == Away && m.at.Before(t) {
		return Unclear, time.Time{} // a login tried again writes no row: it was back between
	}
	seen := l.logged // whether no row of the other kind is missing that reaches beyond m
	for _, x := range l.moments[:i] {
		if x.link == other && x.at.Equal(m.at) && (x.shared || m.shared) {
			return Unclear, time.Time{} // both at once: nobody knows which came first
		}
		seen = seen || x.link == other
	}
	if !seen {
		return Unclear, time.Time{}
	}
	return m.link, m.at
}
