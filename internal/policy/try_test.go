package policy

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"rollcall.example"
)

func highest(s State, device string) uint64 {
	for _, t := range s.Tries {
		if t.Device == rollcall.DeviceID(device) {
			return t.Highest
		}
	}
	return 0
}

// TestTryNumbers: which frames raise a device's number, and what a number that
// is not above it gets.
func TestTryNumbers(t *testing.T) {
	const known, unknown = "fixed 1", "fixed of nobody"
	in := func(q Login) func(State) Outcome {
		return func(s State) Outcome { return LogIn(s, q, Multi()) }
	}
	back := func(q Resume) func(State) Outcome {
		return func(s State) Outcome { return ResumeSession(s, q, Multi()) }
	}
	out := func(q Logout) func(State) Outcome {
		q.Now, q.Device = noon, "a1"
		return func(s State) Outcome { return LogOut(s, q, Multi()) }
	}
	for _, tt := range []struct {
		name   string
		from   string
		rule   func(State) Outcome
		answer string
		want   string
		number uint64 // of a1 from now on; 10 before
	}{
		{"a login above it", "a1-", in(login("a1", try(99))), "granted 2", "a1", 99},
		{"a login equal to it is stale", "a1-", in(login("a1", try(10))), "stale 10", "a1-", 10},
		{"a login below it is stale", "a1-", in(login("a1", try(0))), "stale 10", "a1-", 10},
		{"a stale repetition of the attempt is stale, too", "a1-", in(login("a1", try(10), again(1))), "stale 10", "a1-", 10},
		{"a login refused for its UserSig raises it", "a1-", in(login("a1", try(20), sig(-9, -1))), "refused 70001", "a1-", 20},
		{"a login refused for its platform raises it", "a1-", in(login("a1", try(20), on('w'))), "refused 70402", "a1-", 20},
		{"a login that gets a notice raises it", "a1!operator", in(login("a1", try(20), auto, last(1))), "told 1 operator", "a1!operator", 20},
		{"another device's number does not matter", "a1 w1", in(login("w1", try(11), proof("present 2"))), "granted 3", "a1 w1", 10},
		{"a new device begins with any number", "w1", in(login("a1", try(1))), "granted 2", "w1 a1", 1},
		{"a resume above it", "a1-", back(resume(1, func(q *Resume) { q.Try = 12 })), "granted 1", "a1", 12},
		{"a resume equal to it is stale", "a1-", back(resume(1, func(q *Resume) { q.Try = 10 })), "stale 10", "a1-", 10},
		{"a stale second use of a secret changes nothing", "a1", back(resume(1, func(q *Resume) { q.Try, q.Present = 10, hash("x") })), "stale 10", "a1", 10},
		{"a secret used twice raises it", "a1", back(resume(1, func(q *Resume) { q.Present = hash("x") })), "told 1 twice", "a1!twice", 11},
		{"a wrong fixed half does not raise it", "a1", back(resume(1, func(q *Resume) { q.Fixed, q.Try = hash("x"), 50 })), "log in again", "a1", 10},
		{"a logout above it", "a1", out(Logout{Fixed: hash(known), Try: 11}), "granted 1", "", 11},
		{"a logout is carried out whatever its number", "a1", out(Logout{Fixed: hash(known), Try: 3}), "granted 1", "", 10},
		{"a logout with the attempt's UserSig raises it", "w1 a1", out(Logout{Fixed: hash(unknown), Try: 30, Signed: true}), "granted 0", "w1 a1", 30},
		{"a login that jumps far above it is refused, and raises nothing", "a1-", in(login("a1", try(11+MaxTryJump))), "refused 70402", "a1-", 10},
		{"a login that jumps as far as it may", "a1-", in(login("a1", try(10+MaxTryJump))), "granted 2", "a1", 10 + MaxTryJump},
		{"a resume that jumps far is refused", "a1-", back(resume(1, func(q *Resume) { q.Try = 11 + MaxTryJump })), "refused 70402", "a1-", 10},
		{"a logout that jumps far raises nothing, and is carried out", "a1", out(Logout{Fixed: hash(known), Try: 11 + MaxTryJump}), "granted 1", "", 10},
		{"nor does one that another client of the account sends", "w1 a1", out(Logout{Fixed: hash(unknown), Try: 1 << 53, Signed: true}), "granted 0", "w1 a1", 10},
		{"a logout that nothing proves does not", "a1", out(Logout{Fixed: hash(unknown), Try: 30}), "unknown", "a1", 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := judge(t, account(tt.from), tt.rule)
			check(t, o, tt.answer, tt.want)
			if got := highest(o.State, "a1"); got != tt.number {
				t.Errorf("try number %d, want %d", got, tt.number)
			}
		})
	}
}

// TestLogoutBeforeLogin: a login that the client gave up is served late, after
// its logout: it changes nothing, also of an account that does not exist.
func TestLogoutBeforeLogin(t *testing.T) {
	given := login("a1", try(4))
	o := logOut(t, State{}, Logout{Now: noon, Device: "a1", Fixed: given.Fixed, Try: 5, Signed: true}, Multi())
	if o.State.Exists() || said(o) != "granted 0" || len(o.Events) != 0 {
		t.Fatalf("a logout of nobody: %q, %+v", said(o), o.State)
	}
	late := logIn(t, o.State, given, Multi())
	if said(late) != "stale 5" || !reflect.DeepEqual(late.State, o.State) {
		t.Errorf("the late login: %q, %+v; want it stale", said(late), late.State)
	}
	refused := logIn(t, o.State, login("a1", try(6), sig(-9, -1)), Multi())
	if refused.State.Exists() || len(refused.Events) != 0 || highest(refused.State, "a1") != 6 {
		t.Errorf("a refused login: %+v, history %q; want the number raised, nobody signed up and no history", refused.State, happened(refused))
	}
	check(t, logIn(t, refused.State, login("a1", try(7)), Multi()), "granted 1", "a1")
}

// TestStaleChangesNothing but what time alone changes.
func TestStaleChangesNothing(t *testing.T) {
	before := account("a1- w1-")
	for _, now := range []time.Time{noon, noon.Add(hour)} {
		o := logIn(t, before, login("a1", try(10), at(now), seen(1), sig(5, 99)), Multi())
		idle := Expire(before, now, Multi())
		if !reflect.DeepEqual(o.State, idle.State) || !reflect.DeepEqual(o.Events, idle.Events) {
			t.Errorf("a stale login came to %+v, time alone to %+v", o.State, idle.State)
		}
	}
}

// TestTryNumbersAreBounded: a number stays with its session, then for ten
// minutes, then while its device is among the 20 seen last.
func TestTryNumbersAreBounded(t *testing.T) {
	visit := func(s State, from, to int, now time.Time) State { // one device a second logs in, then out
		for i := from; i <= to; i++ {
			now = now.Add(second)
			q := login(fmt.Sprintf("a%d", i), at(now), try(1))
			q.Fixed = hash("attempt %d", i)
			s = LogOut(LogIn(s, q, Multi()).State, Logout{Now: now, Device: q.Device, Fixed: q.Fixed, Try: 2}, Multi()).State
		}
		return s
	}
	s := visit(account("w1 m1"), 1, 30, noon)
	s = visit(s, 31, 31, noon.Add(TryLife)) // a1 was seen ten minutes ago to the second
	if len(s.Tries) != 33 || highest(s, "a1") != 2 {
		t.Errorf("%d numbers, a1 %d; want all 33 for ten minutes", len(s.Tries), highest(s, "a1"))
	}
	s = visit(s, 32, 32, noon.Add(TryLife+minute))
	if len(s.Tries) != 2+MaxOldTries || highest(s, "a12") != 0 || highest(s, "a13") != 2 || highest(s, "a32") != 2 {
		t.Errorf("%d numbers, a12 %d, a13 %d; want the two sessions and the %d seen last", len(s.Tries), highest(s, "a12"), highest(s, "a13"), MaxOldTries)
	}
	o := logIn(t, visit(s, 41, 70, noon.Add(day)), login("w1", at(noon.Add(2*day)), proof("present 1")), Multi())
	if got := len(o.State.Tries); got != 1+MaxOldTries { // w1 is among the 20 seen last, m1 is not
		t.Errorf("%d numbers after the login of a known device, want %d", got, 1+MaxOldTries)
	}
	if highest(s, "w1") != 10 || highest(s, "m1") != 10 {
		t.Error("the number of a device that is logged in was forgotten")
	}
}

// TestInventedDevicesAreBounded: an account that names more devices than anybody
// has is held to MaxTries numbers, of which those with a session are the last to
// go, also when its UserSig has ended long ago.
func TestInventedDevicesAreBounded(t *testing.T) {
	for name, options := range map[string]func(*Login){"good": try(1), "ended": sig(-9, -1)} {
		t.Run(name, func(t *testing.T) {
			s := account("w1")
			for i := range 3 * MaxTries {
				q := login(fmt.Sprintf("a%d", i), at(noon.Add(time.Duration(i)*time.Millisecond)), options)
				q.Fixed = hash("attempt %d", i)
				s = LogIn(s, q, Multi()).State
			}
			if n := len(s.Tries); n > MaxTries+len(s.Sessions) {
				t.Errorf("%d numbers are kept, want at most %d beside those of sessions", n, MaxTries)
			}
			if last := fmt.Sprintf("a%d", 3*MaxTries-1); highest(s, "w1") != 10 || highest(s, last) == 0 {
				t.Error("the number of a device that is logged in, or of the latest one, was forgotten")
			}
		})
	}
}

// TestTryNumberOutlivesEviction: the ten minutes begin when the session ends,
// not when its device was heard last.
func TestTryNumberOutlivesEviction(t *testing.T) {
	s := account("a1")
	late := noon.Add(day)
	for i := range 30 {
		s = LogOut(s, Logout{Now: late, Device: rollcall.DeviceID(fmt.Sprintf("p%d", i)), Try: 1, Signed: true}, Multi()).State
	}
	s = logIn(t, s, login("a2", at(late.Add(minute)), try(1)), Multi()).State
	if got := show(s); got != "a1!newer a2" {
		t.Fatalf("sessions %q", got)
	}
	if got := highest(s, "a1"); got != 10 {
		t.Errorf("the evicted device has number %d, want 10: its last frame, served late, must be stale", got)
	}
}
