package node

import "rollcall.example"

// A tally counts the sessions of an app that are connected here.
type tally struct {
	now  int
	most int // since Anew
}

// count counts the place's session. The roster is locked, as for the others below.
func (r *Roster) count(p *Place) {
	t := r.online[p.account.App]
	if t == nil {
		t = &tally{}
		r.online[p.account.App] = t
	}
	p.counted = true
	t.now++
	if t.now <= t.most {
		return
	}
	t.most = t.now
	select {
	case r.risen <- struct{}{}:
	default:
	}
}

// uncount takes it back, if the place was counted: its session has ended, or has
// another connection, or none any more.
func (r *Roster) uncount(p *Place) {
	if p.counted {
		p.counted = false
		r.online[p.account.App].now--
	}
}

// Served is the number of sessions connected here.
func (r *Roster) Served() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := 0
	for _, t := range r.online {
		all += t.now
	}
	return all
}

// Most is, by app, the number of sessions that were connected here at once, at most,
// since Anew. A session that has ended, or is on two connections for a moment, counts
// no more than it should.
func (r *Roster) Most() map[rollcall.AppID]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[rollcall.AppID]int, len(r.online))
	for app, t := range r.online {
		all[app] = t.most
	}
	return all
}

// Anew begins the Most of an app anew, with what is connected now, and returns that.
func (r *Roster) Anew(app rollcall.AppID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.online[app]
	if t == nil {
		return 0
	}
	t.most = t.now
	return t.most
}

// Risen has a value when the Most of an app has grown since it was last taken.
func (r *Roster) Risen() <-chan struct{} { return r.risen }
