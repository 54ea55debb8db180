package policy

import (
	"fmt"
	"slices"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
)

// A decision is an Outcome in the making.
type decision struct {
	Outcome
	now   time.Time
	rules Rules
	node  string
	lost  []Lost
}

// A Lost connection is one that this node knows to be gone although the row
// may not say so yet.
type Lost struct{ Session, Conn uint64 }

// decide begins a decision on s, of which it keeps its own copy.
func decide(s State, now time.Time, r Rules) decision {
	s.Sessions = copied(s.Sessions)
	s.Kicks = copied(s.Kicks)
	s.Tries = copied(s.Tries)
	return decision{Outcome: Outcome{State: s}, now: now, rules: r}
}

// copied is a clone with room for one more.
func copied[T any](list []T) []T {
	if list == nil {
		return nil
	}
	return append(make([]T, 0, len(list)+1), list...)
}

// connected tells whether a session has a live connection as this node knows it.
func (d *decision) connected(x *Session) bool {
	return x.Node != "" && !slices.Contains(d.lost, Lost{x.Number, x.Conn})
}

// session finds the session that matches. Sessions are large: they are looked at
// where they are.
func (s *State) session(match func(*Session) bool) (Session, bool) {
	for i := range s.Sessions {
		if match(&s.Sessions[i]) {
			return s.Sessions[i], true
		}
	}
	return Session{}, false
}

func numbered(n uint64) func(*Session) bool {
	return func(x *Session) bool { return x.Number == n }
}

func ofDevice(id rollcall.DeviceID) func(*Session) bool {
	return func(x *Session) bool { return x.Device == id }
}

// place is where the session with a number is, or -1.
func (s *State) place(number uint64) int {
	for i := range s.Sessions {
		if s.Sessions[i].Number == number {
			return i
		}
	}
	return -1
}

// remove takes a session out. Its device's try number stays for TryLife from now.
func (d *decision) remove(x Session) {
	if i := d.State.place(x.Number); i >= 0 {
		d.State.Sessions = slices.Delete(d.State.Sessions, i, i+1)
	}
	for i := range d.State.Tries {
		if t := &d.State.Tries[i]; t.Device == x.Device {
			t.Seen = d.now
		}
	}
}

// put stores x in the place of the session with its number, or as the newest.
func (d *decision) put(x Session) {
	i := d.State.place(x.Number)
	if i < 0 {
		d.State.Sessions = append(d.State.Sessions, x)
		return
	}
	d.State.Sessions[i] = x
}

// connect gives x its next connection on this node.
func (d *decision) connect(x Session, address string) Session {
	x.Conn++
	x.Node = d.node
	x.Away = time.Time{}
	x.Address = address
	d.put(x)
	return x
}

func (d *decision) grant(x Session) Outcome {
	d.Answer, d.Session = Granted, x
	d.comeOnline()
	return d.Outcome
}

// comeOnline counts the account for the app's day and month. A clock or a zone
// that goes back counts nothing again.
func (d *decision) comeOnline() {
	zone := d.rules.Zone
	if zone == nil {
		zone = time.UTC
	}
	y, m, day := d.now.In(zone).Date()
	month := y*100 + int(m)
	d.State.ActiveMonth = max(d.State.ActiveMonth, month)
	d.State.ActiveDay = max(d.State.ActiveDay, month*100+day)
}

func (d *decision) answer(a Answer) Outcome {
	d.Answer = a
	return d.Outcome
}

func (d *decision) tell(n Notice, proved bool) Outcome {
	d.Answer, d.Notice, d.Code, d.Proved = Told, n, n.Code, proved
	return d.Outcome
}

// raise keeps a device's highest try number. What it reports is the answer to a
// frame that does not raise it: Stale, with the highest, or Refused. A device id is
// only a claim: without the bound on the jump, whoever holds a UserSig of the
// account could use up the numbers of another device for good.
func (d *decision) raise(device rollcall.DeviceID, n uint64) (Answer, bool) {
	i := slices.IndexFunc(d.State.Tries, func(t Try) bool { return t.Device == device })
	if i < 0 {
		d.State.Tries = append(d.State.Tries, Try{Device: device, Highest: n, Seen: d.now})
		d.boundTries()
		return 0, true
	}
	t := &d.State.Tries[i]
	switch {
	case n <= t.Highest:
		d.Highest = t.Highest
		return Stale, false
	case n-t.Highest > MaxTryJump:
		d.Code = imcode.InvalidParameters
		d.Detail = fmt.Sprintf("the try number is more than %d above the device's highest, %d", MaxTryJump, t.Highest)
		return Refused, false
	}
	t.Highest, t.Seen = n, d.now
	return 0, true
}

// remember notes which attempt of the device was granted last.
func (d *decision) remember(x Session) {
	for i := range d.State.Tries {
		if t := &d.State.Tries[i]; t.Device == x.Device {
			t.Fixed, t.Session = x.Secret.Fixed, x.Number
		}
	}
}

// boundTries forgets the try numbers of devices that have no session, and were
// not seen for TryLife and are not among the MaxOldTries seen last, or are not
// among the MaxTries seen last.
func (d *decision) boundTries() {
	if len(d.State.Tries) <= MaxOldTries {
		return
	}
	slices.SortStableFunc(d.State.Tries, func(a, b Try) int { return b.Seen.Compare(a.Seen) })
	kept := 0
	d.State.Tries = slices.DeleteFunc(d.State.Tries, func(t Try) bool {
		kept++
		if kept <= MaxOldTries || kept <= MaxTries && d.now.Sub(t.Seen) <= TryLife {
			return false
		}
		_, in := d.State.session(ofDevice(t.Device))
		return !in
	})
}

// refuse answers with a code. Nobody is signed up by a refusal, so that of an
// account that does not exist leaves no trace.
func (d *decision) refuse(before State, code imcode.Code, detail string) Outcome {
	d.Answer, d.Code, d.Detail = Refused, code, detail
	if !before.Exists() {
		d.Events = nil
		if len(before.Tries) == 0 {
			d.State = before
		}
	}
	return d.Outcome
}
