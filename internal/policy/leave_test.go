package policy

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// TestLogOut ends the session that its fixed half names, and only that (3).
func TestLogOut(t *testing.T) {
	for _, tt := range []struct {
		name, from string
		in         Logout
		answer     string
		want, rows string
	}{
		{"of a session", "a1 w1", Logout{Fixed: hash("fixed 1")}, "granted 1", "w1", "logout 1"},
		{"of one that is away", "a1- w1", Logout{Fixed: hash("fixed 1")}, "granted 1", "w1", "logout 1"},
		{"of a replaced session, after a newer login", "a1!newer a2", Logout{Fixed: hash("fixed 1")}, "granted 0", "a2", ""},
		{"of an attempt that never came", "a1", Logout{Fixed: hash("x"), Signed: true}, "granted 0", "a1", ""},
		{"that nothing proves", "a1", Logout{Fixed: hash("x")}, "unknown", "a1", ""},
		{"without a fixed half", "a1", Logout{}, "unknown", "a1", ""},
		{"of one whose UserSig was over", "a1", Logout{Fixed: hash("fixed 1"), Now: noon.Add(sigLife + second)}, "granted 0", "", "expired 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.Device, tt.in.Try = "a1", 11
			if tt.in.Now.IsZero() {
				tt.in.Now = noon
			}
			o := logOut(t, account(tt.from), tt.in, Multi())
			check(t, o, tt.answer, tt.want)
			if got := happened(o); got != tt.rows {
				t.Errorf("history %q, want %q", got, tt.rows)
			}
			if again := logOut(t, o.State, tt.in, Multi()); again.Answer != o.Answer || len(again.Events) != 0 {
				t.Errorf("repeated: %q, history %q", said(again), happened(again))
			}
		})
	}
	o := logOut(t, account("a1"), Logout{Now: noon, Device: "a1", Fixed: hash("fixed 1"), Try: 11}, Multi())
	if len(o.Ended) != 1 || o.Ended[0].Kind != EventLogout || o.Ended[0].Notice != (Notice{}) {
		t.Errorf("ended %+v, want a logout without a notice", o.Ended)
	}
}

// TestDisconnected counts only for the session's highest connection.
func TestDisconnected(t *testing.T) {
	disconnect := func(s State, session, conn uint64, now time.Time) Outcome {
		return judge(t, s, func(s State) Outcome {
			return Disconnected(s, Disconnect{Now: now, Session: session, Conn: conn}, Multi())
		})
	}
	resumed := resumeSession(t, account("a1 w1"), resume(1), Multi()).State
	for _, tt := range []struct {
		name          string
		session, conn uint64
		want, rows    string
	}{
		{"the highest connection", 1, 2, "a1- w1", "away 1"},
		{"one that was superseded", 1, 1, "a1 w1", ""},
		{"one that is not there yet", 1, 3, "a1 w1", ""},
		{"of a session that is not there", 9, 1, "a1 w1", ""},
	} {
		o := disconnect(resumed, tt.session, tt.conn, noon.Add(hour))
		if got := show(o.State); got != tt.want || happened(o) != tt.rows {
			t.Errorf("%s: %q, history %q; want %q, %q", tt.name, got, happened(o), tt.want, tt.rows)
		}
	}
	o := disconnect(resumed, 1, 2, noon.Add(hour))
	if x := o.State.Sessions[0]; !x.Away.Equal(noon.Add(hour)) || o.Session != x || o.Events[0].Fold != foldReturns {
		t.Errorf("away since %v, history %+v", x.Away, o.Events)
	}
	if twice := disconnect(o.State, 1, 2, noon.Add(2*hour)); !reflect.DeepEqual(twice.State, o.State) {
		t.Error("a second disconnect of the same connection moved the time it is away since")
	}
	o = disconnect(resumed, 1, 2, noon.Add(sigLife+second))
	if got := show(o.State); got != "" || happened(o) != "expired 1, expired 2" {
		t.Errorf("%q, history %q: its UserSig was over before", got, happened(o))
	}
}

// TestDue: the moment at which time alone ends a session.
func TestDue(t *testing.T) {
	for _, tt := range []struct {
		name, from string
		sigEnds    time.Duration // from noon
		due        time.Duration
		kind       EventKind
	}{
		{"connected: the second after its UserSig's last", "a1", hour, hour + second, EventExpired},
		{"away, its UserSig over earlier", "a1-", hour, hour + second, EventExpired},
		{"away for 7 days", "a1-", 8 * day, 7 * day, EventLapsed},
		{"the Web away for 60 s", "w1-", hour, minute, EventLapsed},
		{"the Web away, its UserSig over earlier", "w1-", 30 * second, 31 * second, EventExpired},
		{"the Web, connected", "w1", 8 * day, 8*day + second, EventExpired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := account(tt.from)
			s.Sessions[0].SigEnds = noon.Add(tt.sigEnds).Unix()
			due := noon.Add(tt.due)
			if got := s.Sessions[0].Due(); !got.Equal(due) {
				t.Errorf("due %v, want %v", got, due)
			}
			expire := func(now time.Time) Outcome {
				return judge(t, s, func(s State) Outcome { return Expire(s, now, Multi()) })
			}
			if o := expire(due.Add(-1)); !reflect.DeepEqual(o, Outcome{State: s}) {
				t.Errorf("a moment before it is due: %+v", o)
			}
			for _, now := range []time.Time{due, due.Add(30 * day)} { // how it ends does not depend on when that is seen
				o := expire(now)
				if len(o.State.Sessions) != 0 || len(o.Ended) != 1 || o.Ended[0].Kind != tt.kind || len(o.Events) != 1 || o.Events[0].Kind != tt.kind {
					t.Fatalf("at %v: ended %+v, history %q; want it %s", now, o.Ended, happened(o), tt.kind)
				}
				if n := o.Ended[0].Notice; n.Expired != (tt.kind == EventExpired) || n.Expired && !n.At.Equal(due) {
					t.Errorf("notice %+v", n)
				}
			}
		})
	}
}

// TestExpiryInsideEveryRule: what is due ends, although no sweep has run.
func TestExpiryInsideEveryRule(t *testing.T) {
	now := noon.Add(minute) // the Web's session is due
	for name, rule := range map[string]func(State) Outcome{
		"login":   func(s State) Outcome { return LogIn(s, login("m1", at(now)), Multi()) },
		"resume":  func(s State) Outcome { return ResumeSession(s, resume(1, later(minute)), Multi()) },
		"renewal": func(s State) Outcome { return RenewSig(s, Renew{Now: now, Session: 1}, Multi()) },
		"logout": func(s State) Outcome {
			return LogOut(s, Logout{Now: now, Device: "a1", Fixed: hash("fixed 1")}, Multi())
		},
		"disconnect":  func(s State) Outcome { return Disconnected(s, Disconnect{Now: now, Session: 1, Conn: 1}, Multi()) },
		"acknowledge": func(s State) Outcome { return AcknowledgeKick(s, Acknowledge{Now: now, Session: 3}, Multi()) },
		"expire":      func(s State) Outcome { return Expire(s, now, Multi()) },
	} {
		o := judge(t, account("a1 w1- i1!operator"), rule)
		if _, there := o.State.session(numbered(2)); there || len(o.Events) == 0 || o.Events[0].Kind != EventLapsed {
			t.Errorf("%s: sessions %q, history %q; want the Web's lapsed", name, show(o.State), happened(o))
		}
	}
	// What is due holds no place and evicts nobody.
	o := logIn(t, account("w1- w2"), login("w3", at(now)), limits("w2"))
	check(t, o, "granted 3", "w2 w3")
}

// TestCounting: once a day and once a month, in the app's time zone.
func TestCounting(t *testing.T) {
	at := func(s string) time.Time {
		moment, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	tokyo, lima := time.FixedZone("Tokyo", 9*3600), time.FixedZone("Lima", -5*3600)
	for _, tt := range []struct {
		now        string // in UTC
		zone       *time.Location
		day, month int
	}{
		{"2026-12-31 23:59", nil, 20261231, 202612},
		{"2027-01-01 00:00", nil, 20270101, 202701},
		{"2026-12-31 15:00", tokyo, 20270101, 202701},
		{"2026-12-31 14:59", tokyo, 20261231, 202612},
		{"2027-01-01 04:59", lima, 20261231, 202612},
	} {
		rules := Multi()
		rules.Zone = tt.zone
		now := at(tt.now)
		in := logIn(t, account(""), login("a1", func(q *Login) { q.Now = now }), rules)
		back := resumeSession(t, account("a1-"), resume(1, func(q *Resume) { q.Now = noon }), rules)
		if got := fmt.Sprint(in.State.ActiveDay, in.State.ActiveMonth); got != fmt.Sprint(tt.day, tt.month) {
			t.Errorf("%s in %v counts for %s, want %d %d", tt.now, tt.zone, got, tt.day, tt.month)
		}
		if back.State.ActiveDay != 20261123 {
			t.Errorf("a resume counts for %d", back.State.ActiveDay)
		}
	}
}

// TestWhatDoesNotCount: what is no login or resume does not count, nor does one
// that was refused.
func TestWhatDoesNotCount(t *testing.T) {
	s := account("a1 i1!operator")
	next := noon.Add(day)
	for name, o := range map[string]Outcome{
		"a renewal": RenewSig(s, Renew{Now: next, Session: 1, Renewal: Renewal{SigTime: next.Unix(), SigEnds: next.Add(sigLife).Unix()}}, Multi()),
		"a logout":  logOut(t, s, Logout{Now: next, Device: "a1", Fixed: hash("fixed 1"), Try: 11}, Multi()),
		"a refusal": logIn(t, s, login("w1", at(next), sig(0, 0)), Multi()),
		"a notice":  logIn(t, s, login("i1", at(next), last(2), auto), Multi()),
		"time":      Expire(s, next, Multi()),
	} {
		if o.State.ActiveDay != 20261123 {
			t.Errorf("%s counts as coming online on %d", name, o.State.ActiveDay)
		}
	}
}
