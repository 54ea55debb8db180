package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"rollcall.example"
)

// A verdict is one rule run once in a random history.
type verdict struct {
	before  State
	o       Outcome
	now     time.Time
	rules   Rules
	request request
}

// holds checks what holds after every rule.
func (v verdict) holds(t *rapid.T) {
	v.numbersGrow(t)
	v.whoIsIn(t)
	v.whoLeft(t)
	v.kickRows(t)
	v.bounds(t)
	if v.before.Exists() && !v.o.State.Exists() && v.request.name != "delete" {
		t.Fatalf("%s made the account unknown", v.request.name)
	}
	if !v.before.Exists() && v.o.State.Exists() && v.o.Answer != Granted {
		t.Fatalf("%s signed somebody up although it got %q", v.request.name, said(v.o))
	}
	if !v.before.Exists() && !v.o.State.Exists() && len(v.o.Events) > 0 {
		t.Fatalf("%s left history of an account that does not exist: %q", v.request.name, happened(v.o))
	}
}

func (v verdict) numbersGrow(t *rapid.T) {
	a, b := v.before, v.o.State
	if b.Counter < a.Counter || b.HighestSigTime < a.HighestSigTime || b.RESTKickCounter < a.RESTKickCounter ||
		b.ValidFrom < a.ValidFrom || b.ActiveDay < a.ActiveDay || b.ActiveMonth < a.ActiveMonth {
		t.Fatalf("%s made a number smaller:\n%+v\n%+v", v.request.name, a, b)
	}
	for _, try := range a.Tries {
		if now := highest(b, string(try.Device)); now != 0 && now < try.Highest {
			t.Fatalf("%s made the try number of %s smaller: %d, before %d", v.request.name, try.Device, now, try.Highest)
		}
	}
	for _, x := range b.Sessions {
		if old, there := a.session(numbered(x.Number)); there && x.Conn < old.Conn {
			t.Fatalf("%s made the connection of session %d smaller", v.request.name, x.Number)
		}
	}
}

// whoIsIn: in order, one per device, nobody who was not there before or is the
// newest now.
func (v verdict) whoIsIn(t *rapid.T) {
	s := v.o.State
	if !slices.IsSortedFunc(s.Sessions, byNumber) {
		t.Fatalf("%s left sessions in disorder: %q", v.request.name, show(s))
	}
	devices := map[rollcall.DeviceID]bool{}
	for _, x := range s.Sessions {
		_, was := v.before.session(numbered(x.Number))
		switch {
		case devices[x.Device]:
			t.Fatalf("%s left device %s with two sessions", v.request.name, x.Device)
		case x.Number > s.Counter:
			t.Fatalf("session %d is above the counter, %d", x.Number, s.Counter)
		case !was && x.Number <= v.before.Counter:
			t.Fatalf("%s raised session %d from the dead", v.request.name, x.Number)
		case !was && (v.request.login == nil || v.o.Answer != Granted || x.Number != v.before.Counter+1):
			t.Fatalf("%s, answered %q, made session %d", v.request.name, said(v.o), x.Number)
		case (x.Node == "") == x.Away.IsZero():
			t.Fatalf("session %d is on node %q and away since %v", x.Number, x.Node, x.Away)
		}
		devices[x.Device] = true
	}
}

// whoLeft: everybody who is not there any more is among the ended, once, with a
// cause, and nobody else is.
func (v verdict) whoLeft(t *rapid.T) {
	var left, ended []uint64
	for _, x := range v.before.Sessions {
		if _, still := v.o.State.session(numbered(x.Number)); !still {
			left = append(left, x.Number)
		}
	}
	for _, e := range v.o.Ended {
		ended = append(ended, e.Session.Number)
		by := e.Notice.By.Session
		switch reason := e.Notice.Reason; {
		case e.Kind != EventKicked:
		case reason == NewerLogin && v.request.login != nil && v.o.Answer == Granted && by == v.o.Session.Number && by > e.Session.Number:
		case reason == SameDeviceElsewhere && v.request.login != nil && v.o.Answer == Granted && e.Session.Device == v.o.Session.Device:
		case reason == SecretUsedTwice && v.o.Answer == Told && v.o.Notice.Session == e.Session.Number:
		case reason == acts[v.request.name] && v.o.Answer == Granted && by != e.Session.Number:
		default:
			t.Fatalf("%s kicked session %d without cause: %+v", v.request.name, e.Session.Number, e.Notice)
		}
	}
	slices.Sort(ended)
	if !slices.Equal(left, ended) {
		t.Fatalf("%s: sessions %v are gone, %v ended", v.request.name, left, ended)
	}
}

// acts are the reasons that acts of operators and users give.
var acts = map[string]Reason{
	"kick": Operator, "sign out": SignedOutElsewhere, "revoke": RESTKick, "disable": AccountDisabled,
	"delete": AccountDeleted, "apply": PolicyApplied,
}

// kickRows: one for each session that was kicked and for no other, none for a
// session that is in, none removed but by what may.
func (v verdict) kickRows(t *rapid.T) {
	s := v.o.State
	full := len(s.Kicks) >= max(MinKickRows, v.rules.admits())
	rows := map[uint64]bool{}
	for _, k := range s.Kicks {
		if _, in := s.session(numbered(k.Session)); in || rows[k.Session] {
			t.Fatalf("%s left kick rows %q", v.request.name, show(s))
		}
		rows[k.Session] = true
		was := slices.ContainsFunc(v.before.Kicks, func(b Kick) bool { return b == k })
		fresh := slices.ContainsFunc(v.o.Ended, func(e Ended) bool { return e.Kind == EventKicked && e.Session.Number == k.Session })
		keptOut := slices.ContainsFunc(v.before.Kicks, func(b Kick) bool {
			b.Reason, b.By, b.At = k.Reason, k.By, k.At
			return b == k && v.o.Answer == Granted && k.Reason == acts[v.request.name] && k.Reason != Silently
		})
		if was == fresh && !keptOut {
			t.Fatalf("%s: the kick row of session %d was there: %v, its session was kicked: %v", v.request.name, k.Session, was, fresh)
		}
	}
	for _, e := range v.o.Ended {
		if e.Kind == EventKicked && !rows[e.Session.Number] && !full {
			t.Fatalf("%s kicked session %d and left no row", v.request.name, e.Session.Number)
		}
	}
	for _, k := range v.before.Kicks {
		if rows[k.Session] || full || v.now.Sub(k.At) > KickRowLife || v.mayRemove(k) {
			continue
		}
		t.Fatalf("%s, answered %q, removed the kick row of session %d", v.request.name, said(v.o), k.Session)
	}
}

// mayRemove tells whether the request is one that removes kick row k.
func (v verdict) mayRemove(k Kick) bool {
	switch q := v.request; {
	case q.login != nil:
		seen := q.login.KickSeen == k.Session || v.o.Answer == Granted && q.login.LastSession == k.Session && q.login.Device == k.Device
		return seen && q.login.proves(k.Secret) && k.Reason != SecretUsedTwice
	case q.name == "logout":
		return v.o.Answer == Granted
	case strings.HasPrefix(q.name, "ack"):
		return k.Reason != SecretUsedTwice && q.name == fmt.Sprintf("ack %d", k.Session)
	}
	return false
}

func (v verdict) bounds(t *rapid.T) {
	s := v.o.State
	if v.o.Answer == Granted && v.request.login != nil && len(s.Kicks) > max(MinKickRows, v.rules.admits(), len(v.before.Kicks)) {
		t.Fatalf("%d kick rows", len(s.Kicks))
	}
	for _, x := range s.Sessions {
		if highest(s, string(x.Device)) == 0 {
			t.Fatalf("%s forgot the try number of %s, which is in", v.request.name, x.Device)
		}
	}
}

// judged checks what an answer of a kind may and must not do.
func (v verdict) judged(t *rapid.T) {
	idle := Expire(v.before, v.now, v.rules).State // what time alone does
	switch {
	case v.o.Answer == Stale:
		if !reflect.DeepEqual(v.o.State.Sessions, idle.Sessions) || !reflect.DeepEqual(v.o.State.Tries, idle.Tries) || v.o.Highest == 0 {
			t.Fatalf("a stale %s changed the account:\n%+v\nbefore:\n%+v", v.request.name, v.o.State, v.before)
		}
	case v.o.Answer == Unknown, v.o.Answer == LogInAgain && v.o.Wrong:
		if !reflect.DeepEqual(v.o.State, v.before) {
			t.Fatalf("%s proved nothing and changed the account:\n%+v\nbefore:\n%+v", v.request.name, v.o.State, v.before)
		}
	case v.o.Answer == Granted && v.o.State.Counter > v.before.Counter:
		v.newSession(t)
	case v.o.Answer == Granted && v.request.name == "resume", v.o.Answer == Granted && v.request.login != nil:
		old, _ := v.before.session(numbered(v.o.Session.Number))
		if v.o.Session.Conn != old.Conn+1 || len(v.o.State.Sessions) != len(idle.Sessions) {
			t.Fatalf("%s: session %d came back on connection %d after %d, with %d of %d sessions still there",
				v.request.name, old.Number, v.o.Session.Conn, old.Conn, len(v.o.State.Sessions), len(idle.Sessions))
		}
	}
	if proved := v.o.Answer == Granted || v.request.login != nil || v.request.name == "expire"; proved {
		for _, x := range v.o.State.Sessions {
			if over(x, v.now) {
				t.Fatalf("%s left session %d, which is over: %+v", v.request.name, x.Number, x)
			}
		}
	}
}

// newSession holds a login against the oracle, and against the limits.
func (v verdict) newSession(t *rapid.T) {
	q, s := *v.request.login, v.o.State
	if want := oracle(v.before, q, v.now, v.rules); !slices.Equal(endings(v.o), want) {
		t.Fatalf("a login of %s to %q ended %q, want %q", q.Device, show(v.before), endings(v.o), want)
	}
	switch newest := s.Sessions[len(s.Sessions)-1]; {
	case newest != v.o.Session || newest.Number != v.before.Counter+1 || newest.Device != q.Device || newest.Conn != 1:
		t.Fatalf("the newest is %+v, granted was %+v", newest, v.o.Session)
	case v.before.Disabled || v.rules.Refused[q.Platform] || q.SigTime < v.before.ValidFrom || q.SigEnds < v.now.Unix() || q.Try <= highest(v.before, string(q.Device)):
		t.Fatalf("a login that had to be refused was granted: %+v", q)
	}
	number := 0
	for _, x := range s.Sessions {
		if x.Platform == q.Platform {
			number++
		} else if v.rules.Group[x.Platform] == v.rules.Group[q.Platform] {
			t.Fatalf("%s and %s are in one group and both in: %q", x.Platform, q.Platform, show(s))
		}
	}
	if number > v.rules.Limit[q.Platform] {
		t.Fatalf("%d sessions on %s, the limit is %d", number, q.Platform, v.rules.Limit[q.Platform])
	}
}

// endings lists who ended and how, in order.
func endings(o Outcome) []string {
	var out []string
	for _, e := range o.Ended {
		out = append(out, fmt.Sprintf("%d %s %s", e.Session.Number, e.Kind, e.Notice.Reason.word()))
	}
	return out
}

// over tells whether time has ended a session, in the words of docs/login.md.
func over(x Session, now time.Time) bool {
	away := now.Sub(x.Away)
	return now.Unix() > x.SigEnds || x.Node == "" && (away >= 7*24*time.Hour || x.Platform == rollcall.Web && away >= 60*time.Second)
}

// oracle says who ends when a login is granted, written as naively as "Who has to
// go" in docs/login.md reads: one after another, looking at everybody each time.
func oracle(s State, q Login, now time.Time, r Rules) []string {
	var out []string
	in := map[uint64]Session{}
	for _, x := range s.Sessions {
		in[x.Number] = x
	}
	lowest := func(match func(Session) bool) (Session, bool) {
		for n := uint64(0); n <= s.Counter; n++ {
			if x, ok := in[n]; ok && match(x) {
				delete(in, n)
				return x, true
			}
		}
		return Session{}, false
	}
	connected := func(x Session) bool {
		for _, l := range q.Lost {
			if l.Session == x.Number && l.Conn == x.Conn {
				return false
			}
		}
		return x.Node != ""
	}
	for x, ok := lowest(func(x Session) bool { return over(x, now) }); ok; x, ok = lowest(func(x Session) bool { return over(x, now) }) {
		end := EventExpired.String() + " " + SigEnded.word()
		if x.Node == "" && !x.Away.Add(x.awayLimit()).After(time.Unix(x.SigEnds, 0)) {
			end = "lapsed silently"
		}
		out = append(out, fmt.Sprintf("%d %s", x.Number, end))
	}
	if own, ok := lowest(func(x Session) bool { return x.Device == q.Device }); ok {
		end := "kicked samedevice"
		if !connected(own) || q.proves(own.Secret) {
			end = "replaced silently"
		}
		out = append(out, fmt.Sprintf("%d %s", own.Number, end))
	}
	evict := func(match func(Session) bool) bool {
		x, ok := lowest(match)
		if ok {
			out = append(out, fmt.Sprintf("%d kicked newer", x.Number))
		}
		return ok
	}
	for evict(func(x Session) bool { return x.Platform != q.Platform && r.Group[x.Platform] == r.Group[q.Platform] }) {
	}
	for {
		same := 1 // the new one
		for _, x := range in {
			if x.Platform == q.Platform {
				same++
			}
		}
		if same <= r.Limit[q.Platform] {
			return out
		}
		if !evict(func(x Session) bool { return x.Platform == q.Platform && !connected(x) }) {
			evict(func(x Session) bool { return x.Platform == q.Platform })
		}
	}
}
