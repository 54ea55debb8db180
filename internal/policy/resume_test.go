package policy

import (
	"reflect"
	"testing"
	"time"

	"rollcall.example/imcode"
)

// step is a resume with other changing halves.
func step(present, next string) func(*Resume) {
	return func(q *Resume) { q.Present, q.Next = hash("%s", present), hash("%s", next) }
}

// fixed is a resume with another fixed half.
func fixed(of string) func(*Resume) { return func(q *Resume) { q.Fixed = hash("%s", of) } }

// later is a resume some time after noon.
func later(d time.Duration) func(*Resume) { return func(q *Resume) { q.Now = noon.Add(d) } }

// TestResume: the secret's steps and the same session again.
func TestResume(t *testing.T) {
	for _, tt := range []struct {
		name, from string
		in         Resume
		answer     string
		want       string
		wrong      bool
	}{
		{"the present half makes the step", "a1-", resume(1, step("present 1", "next 1")), "granted 1", "a1", false},
		{"the half before with the same next is the same step", "a1-", resume(1, step("before 1", "present 1")), "granted 1", "a1", false},
		{"the half before with another next: used twice", "a1", resume(1, step("before 1", "next 1")), "told 1 twice", "a1!twice", true},
		{"an older half: used twice", "a1-", resume(1, step("x", "present 1")), "told 1 twice", "a1!twice", true},
		{"a wrong fixed half: log in again, nothing changes", "a1-", resume(1, fixed("x")), "log in again", "a1-", true},
		{"the secret of another session", "a1- w1", resume(1, fixed("fixed 2")), "log in again", "a1- w1", true},
		{"while connected it is superseded", "a1 w1", resume(1), "granted 1", "a1 w1", false},
		{"never at the cost of others, whatever the limits now", "a1 a2- a3", resume(2), "granted 2", "a1 a2 a3", false},
		{"nor of platforms that exclude each other now", "a1- i1", resume(1), "granted 1", "a1 i1", false},
		{"2 a session that nobody knows", "a1", resume(7), "log in again", "a1", false},
		{"the row is not told to who proves nothing", "a1!operator", resume(1, fixed("x")), "log in again", "a1!operator", true},
		{"after 7 days away", "a1-", resume(1, later(7*day)), "log in again", "", false},
		{"a second before", "a1-", resume(1, later(7*day-second)), "granted 1", "a1", false},
		{"the Web after 60 s away", "w1-", resume(1, later(minute)), "log in again", "", false},
		{"the Web a second before", "w1-", resume(1, later(59*second)), "granted 1", "w1", false},
		{"its UserSig in the last good second", "a1", resume(1, later(sigLife)), "granted 1", "a1", false},
		{"its UserSig over", "a1", resume(1, later(sigLife+second)), "told 1 expired as expired", "", false},
		{"away for too long before its UserSig was over", "a1-", resume(1, later(sigLife+second)), "log in again", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := resumeSession(t, account(tt.from), tt.in, grouped(Multi(), "ai"))
			check(t, o, tt.answer, tt.want)
			if o.Wrong != tt.wrong {
				t.Errorf("counted as wrong: %v, want %v", o.Wrong, tt.wrong)
			}
			if told := o.Answer == Told; o.Proved != told {
				t.Errorf("proved %v, want %v", o.Proved, told)
			}
		})
	}
}

// TestResumedSession: a higher connection, a step made once, a history row, a
// coming online.
func TestResumedSession(t *testing.T) {
	before := account("a1-")
	before.ActiveDay, before.ActiveMonth = 20261031, 202610
	q := resume(1)
	q.Node, q.Address = "n2", "192.0.2.7"
	o := resumeSession(t, before, q, Multi())
	want := before.Sessions[0]
	want.Conn, want.Node, want.Address, want.Away = 2, "n2", "192.0.2.7", time.Time{}
	want.Secret.Before, want.Secret.Present = hash("present 1"), hash("next 1")
	if o.Session != want || o.State.Sessions[0] != want {
		t.Errorf("resumed as %+v, want %+v", o.Session, want)
	}
	if len(o.Events) != 1 || o.Events[0].Kind != EventResume || o.Events[0].Fold != foldReturns || o.Events[0].Address != "192.0.2.7" {
		t.Errorf("history %+v, want a resume that folds", o.Events)
	}
	if o.State.ActiveDay != 20261123 || o.State.ActiveMonth != 202611 {
		t.Errorf("online on %d, in %d", o.State.ActiveDay, o.State.ActiveMonth)
	}
	q.Try = 12 // the answer was lost
	o = resumeSession(t, o.State, q, Multi())
	if o.Session.Conn != 3 || o.Session.Secret != want.Secret {
		t.Errorf("the same step again: %+v, want connection 3 and the same secret", o.Session)
	}
	q.Try, q.Next = 13, hash("a clone's next half")
	check(t, resumeSession(t, o.State, q, Multi()), "told 1 twice", "a1!twice")
}

// TestClonedDirectory: two clients with one secret, and so one device, find
// each other out at the second use, and both are told.
func TestClonedDirectory(t *testing.T) {
	s := resumeSession(t, account("a1"), resume(1, step("present 1", "original's")), Multi()).State
	clone := resume(1, step("present 1", "clone's"))
	check(t, resumeSession(t, s, clone, Multi()), "stale 11", "a1")
	clone.Try = 12
	o := resumeSession(t, s, clone, Multi())
	check(t, o, "told 1 twice", "a1!twice")
	if len(o.Ended) != 1 || o.Ended[0].Notice != o.Notice || !o.Events[0].Connected {
		t.Errorf("the original is told %+v, the clone %+v", o.Ended, o.Notice)
	}
	o = acknowledge(t, o.State, 1)
	check(t, o, "", "a1!twice")
	original := resume(1, step("original's", "original's next"))
	original.Try = 13
	check(t, resumeSession(t, o.State, original, Multi()), "told 1 twice", "a1!twice")
}

func acknowledge(t *testing.T, s State, session uint64) Outcome {
	t.Helper()
	return judge(t, s, func(s State) Outcome {
		return AcknowledgeKick(s, Acknowledge{Now: noon, Session: session}, Multi())
	})
}

// TestOrderOfResume mends what is wrong with a resume one by one.
func TestOrderOfResume(t *testing.T) {
	s := account("a1")
	s.Disabled = true
	q := resume(1, later(sigLife+second), fixed("x"), step("x", "y"))
	q.Try = 10
	for _, mending := range []struct {
		mended string
		mend   func()
		answer string
	}{
		{"nothing", func() {}, "log in again"},
		{"the fixed half", func() { q.Fixed = hash("fixed 1") }, "told 1 expired as expired"},
		{"the end of the UserSig", func() { q.Now = noon }, "told 1 disabled 70051"},
		{"disabled", func() { s.Disabled = false }, "stale 10"},
		{"the try number", func() { q.Try = 11 }, "told 1 twice"},
		{"the changing half", func() { q.Present = hash("present 1") }, "granted 1"},
	} {
		mending.mend()
		if got := said(resumeSession(t, s, q, Multi())); got != mending.answer {
			t.Fatalf("after mending %s: %q, want %q", mending.mended, got, mending.answer)
		}
	}
}

// TestResumeOfTheGone: to who proves it disabled, then the kick row; then the last
// REST kick. A stranger learns nothing of the account's being disabled: an owner
// who cannot prove the session hears of it by the login that follows.
func TestResumeOfTheGone(t *testing.T) {
	s := account("a1!operator w1!rest m1")
	s.RESTKickCounter, s.Disabled = 2, true
	unknown := account("")
	unknown.Counter, unknown.RESTKickCounter = 9, 5
	for _, tt := range []struct {
		name    string
		from    State
		enabled bool
		in      Resume
		answer  string
		proved  bool
	}{
		{"disabled comes before the kick row", s, false, resume(1), "told 1 disabled 70051", true},
		{"disabled, unproved", s, false, resume(1, fixed("x")), "told 1 rest as expired", false},
		{"disabled, unproved, above the last REST kick", unknown, false, resume(6), "log in again", false},
		{"enabled again: the kick row", s, true, resume(1), "told 1 operator", true},
		{"a REST kick's row", s, true, resume(2), "told 2 rest as expired", true},
		{"unknown, not above the highest of the last REST kick", unknown, true, resume(5), "told 5 rest as expired", false},
		{"unknown, above it", unknown, true, resume(6), "log in again", false},
		{"no session named", unknown, true, resume(0), "log in again", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.from.Disabled = !tt.enabled
			o := resumeSession(t, tt.from, tt.in, Multi())
			if got := said(o); got != tt.answer || o.Proved != tt.proved {
				t.Errorf("answer %q, proved %v; want %q, %v", got, o.Proved, tt.answer, tt.proved)
			}
			if !reflect.DeepEqual(o.State, tt.from) {
				t.Errorf("an answer changed the account to %+v", o.State)
			}
		})
	}
}

// TestUnprovedTouchesNothing: not even what time ends.
func TestUnprovedTouchesNothing(t *testing.T) {
	before := account("a1- w1- a2!operator")
	for _, q := range []Resume{resume(1, fixed("x"), later(30*day)), resume(9, later(30*day))} {
		o := resumeSession(t, before, q, Multi())
		if said(o) != "log in again" || !reflect.DeepEqual(o.State, before) || len(o.Events)+len(o.Ended) > 0 {
			t.Errorf("an unproved resume of session %d changed the account: %q, %+v", q.Session, said(o), o)
		}
	}
	o := logOut(t, before, Logout{Now: noon.Add(30 * day), Device: "a1", Fixed: hash("x"), Try: 99}, Multi())
	if said(o) != "unknown" || !reflect.DeepEqual(o.State, before) || len(o.Events)+len(o.Ended) > 0 {
		t.Errorf("an unproved logout changed the account: %q, %+v", said(o), o)
	}
}

// TestWebPageResumesWebOnly: whatever secret the page has.
func TestWebPageResumesWebOnly(t *testing.T) {
	page := func(q *Resume) { q.Web = true }
	check(t, resumeSession(t, account("a1- w1-"), resume(1, page), Multi()), "refused 70402", "a1- w1-")
	check(t, resumeSession(t, account("a1- w1-"), resume(2, page), Multi()), "granted 2", "a1- w1")
}

// TestRenewal: a new UserSig for a session.
func TestRenewal(t *testing.T) {
	ends := int(sigLife.Seconds())
	for _, tt := range []struct {
		name       string
		from, till int // the new UserSig, in seconds from noon
		validFrom  int
		code       imcode.Code
	}{
		{"one that ends later", 9, ends + 9, 0, 0},
		{"one that ends in the same second", 9, ends, 0, 0},
		{"one that ends sooner", 9, ends - 1, 0, imcode.InvalidParameters},
		{"one that ends sooner, the present one being revoked", 9, ends - 1, 1, 0},
		{"one that is over", 0, -1, 0, imcode.UserSigExpired},
		{"one that was revoked", 0, ends, 1, imcode.UserSigExpired},
		{"one from the future", 301, ends + 9, 0, imcode.UserSigCheckFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := account("a1")
			before.ValidFrom = noon.Unix() + int64(tt.validFrom)
			renewal := Renewal{SigTime: noon.Unix() + int64(tt.from), SigEnds: noon.Unix() + int64(tt.till)}
			renewed := judge(t, before, func(s State) Outcome {
				return RenewSig(s, Renew{Now: noon, Session: 1, Renewal: renewal}, Multi())
			})
			carried := resumeSession(t, before, resume(1, func(q *Resume) { q.Renewal = &renewal }), Multi())
			if renewed.Code != tt.code || carried.Renewal != tt.code || carried.Answer != Granted {
				t.Errorf("renewed: %q; carried by a resume: %q, renewal %d; want %d", said(renewed), said(carried), carried.Renewal, tt.code)
			}
			want := before.Sessions[0]
			if tt.code == 0 {
				want.SigTime, want.SigEnds = renewal.SigTime, renewal.SigEnds
			}
			for _, o := range []Outcome{renewed, carried} {
				x := o.State.Sessions[0]
				if x.SigTime != want.SigTime || x.SigEnds != want.SigEnds || o.State.HighestSigTime < x.SigTime {
					t.Errorf("the session's UserSig is %d to %d, want %d to %d", x.SigTime, x.SigEnds, want.SigTime, want.SigEnds)
				}
			}
			if refused := tt.code != 0; refused != (happened(renewed) != "") {
				t.Errorf("history %q", happened(renewed))
			}
		})
	}
}

// TestRenewalTooLate: the session has ended meanwhile.
func TestRenewalTooLate(t *testing.T) {
	good := Renewal{SigTime: noon.Unix(), SigEnds: noon.Add(2 * sigLife).Unix()}
	now := noon.Add(sigLife + second)
	o := judge(t, account("a1"), func(s State) Outcome { return RenewSig(s, Renew{Now: now, Session: 1, Renewal: good}, Multi()) })
	check(t, o, "refused 6014", "")
	back := resume(1, later(sigLife+second), func(q *Resume) { q.Renewal = &good })
	check(t, resumeSession(t, account("a1"), back, Multi()), "log in again", "")
}
