package policy

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall.example"
)

// The notation of these tests. An account is written as its sessions, in the
// order of their numbers, which count from 1:
//
//	a1        device a1 is connected (the letter is the platform, see letters)
//	a1-       it is away
//	a1!newer  it has lost its place; its kick row is there, with the reason
//
// So "a1!newer a2- w1" is an account whose session 1 was evicted, 2 is away and
// 3 is connected. Of session n the server knows hash("fixed n"),
// hash("present n") and hash("before n"); every device's highest try number is 10.

var letters = map[byte]rollcall.Platform{
	'a': rollcall.Android, 'i': rollcall.IPhone, 'p': rollcall.IPad, 'd': rollcall.Windows,
	'm': rollcall.Mac, 'l': rollcall.Linux, 'w': rollcall.Web, 'h': rollcall.HarmonyOS, 'o': rollcall.PlatformOther,
}

var reasons = map[string]Reason{
	"silently": Silently, "newer": NewerLogin, "operator": Operator, "elsewhere": SignedOutElsewhere,
	"applied": PolicyApplied, "samedevice": SameDeviceElsewhere, "twice": SecretUsedTwice,
	"disabled": AccountDisabled, "deleted": AccountDeleted, "rest": RESTKick, "expired": SigEnded,
}

func (r Reason) word() string {
	for word, reason := range reasons {
		if reason == r {
			return word
		}
	}
	return fmt.Sprintf("reason%d", r)
}

const (
	minute  = time.Minute
	hour    = time.Hour
	day     = 24 * time.Hour
	second  = time.Second
	sigLife = 180 * day
)

// noon is when every story begins; the UserSigs of its sessions were made then.
var noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

func hash(of string, args ...any) Hash { return sha256.Sum256(fmt.Appendf(nil, of, args...)) }

// account reads the notation.
func account(sessions string) State {
	s := State{Created: noon, HighestSigTime: noon.Unix(), ActiveDay: 20261123, ActiveMonth: 202611}
	for _, token := range strings.Fields(sessions) {
		s.Counter++
		name, reason, kicked := strings.Cut(token, "!")
		device, away := strings.CutSuffix(name, "-")
		x := Session{
			Number: s.Counter, Device: rollcall.DeviceID(device), Platform: letters[device[0]], Since: noon,
			Conn: 1, Node: "n", SigTime: noon.Unix(), SigEnds: noon.Add(sigLife).Unix(),
			Secret: Secret{Fixed: hash("fixed %d", s.Counter), Present: hash("present %d", s.Counter), Before: hash("before %d", s.Counter)},
		}
		if away {
			x.Node, x.Away = "", noon
		}
		s.Tries = slices.DeleteFunc(s.Tries, func(t Try) bool { return t.Device == x.Device })
		s.Tries = append(s.Tries, Try{Device: x.Device, Highest: 10, Seen: noon, Fixed: x.Secret.Fixed, Session: x.Number})
		if kicked {
			s.Kicks = append(s.Kicks, Kick{Session: x.Number, Device: x.Device, Platform: x.Platform, Reason: reasons[reason], At: noon, Secret: x.Secret})
			continue
		}
		s.Sessions = append(s.Sessions, x)
	}
	return s
}

// show writes the notation.
func show(s State) string {
	tokens := map[uint64]string{}
	for _, x := range s.Sessions {
		tokens[x.Number] = string(x.Device)
		if x.Node == "" {
			tokens[x.Number] += "-"
		}
	}
	for _, k := range s.Kicks {
		tokens[k.Session] += string(k.Device) + "!" + k.Reason.word()
	}
	var out []string
	for n := uint64(1); n <= s.Counter; n++ {
		if token, ok := tokens[n]; ok {
			out = append(out, token)
		}
	}
	return strings.Join(out, " ")
}

// said is an outcome's answer in words: "granted 3", "refused 70001",
// "stale 10", "log in again", "told 1 newer 6208", "unknown".
func said(o Outcome) string {
	switch o.Answer {
	case Granted:
		return fmt.Sprintf("granted %d", o.Session.Number)
	case Refused:
		return fmt.Sprintf("refused %d", o.Code)
	case Stale:
		return fmt.Sprintf("stale %d", o.Highest)
	case LogInAgain:
		return "log in again"
	case Told:
		text := fmt.Sprintf("told %d %s", o.Notice.Session, o.Notice.Reason.word())
		if o.Notice.Expired {
			text += " as expired"
		}
		if o.Notice.Code != 0 {
			text += fmt.Sprintf(" %d", o.Notice.Code)
		}
		return text
	case Unknown:
		return "unknown"
	case Nothing:
		return ""
	}
	return fmt.Sprintf("answer %d", o.Answer)
}

// happened lists the history rows of an outcome: "kicked 1, login 2".
func happened(o Outcome) string {
	var out []string
	for _, e := range o.Events {
		text := e.Kind.String()
		if e.Code != 0 {
			text += fmt.Sprintf(" %d", e.Code)
		}
		if e.Session != 0 {
			text += fmt.Sprintf(" %d", e.Session)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// A change is what a story adds to a request.
type change func(*Login)

// login is a good login() from a device at noon, with a new attempt.
func login(device string, changes ...change) Login {
	q := Login{
		Now: noon, Node: "n", Device: rollcall.DeviceID(device), Platform: letters[device[0]],
		SigTime: noon.Unix(), SigEnds: noon.Add(sigLife).Unix(),
		Try: 11, Fixed: hash("fixed new"), Changing: hash("first new"),
	}
	for _, c := range changes {
		c(&q)
	}
	return q
}

func at(now time.Time) change { return func(q *Login) { q.Now = now } }
func try(n uint64) change     { return func(q *Login) { q.Try = n } }
func auto(q *Login)           { q.Automatic = true }
func last(session int) change { return func(q *Login) { q.LastSession = uint64(session) } }
func seen(session int) change { return func(q *Login) { q.KickSeen = uint64(session) } }
func proof(of string) change  { return func(q *Login) { q.Proofs = append(q.Proofs, hash("%s", of)) } }
func on(platform byte) change { return func(q *Login) { q.Platform = letters[platform] } }
func lost(session int) change {
	return func(q *Login) { q.Lost = append(q.Lost, Lost{uint64(session), 1}) }
}
func sig(from, ends int) change { // seconds from noon
	return func(q *Login) { q.SigTime, q.SigEnds = noon.Unix()+int64(from), noon.Unix()+int64(ends) }
}

// again makes the login a repetition of the attempt that made a session.
func again(session int) change {
	return func(q *Login) { q.Fixed, q.Changing = hash("fixed %d", session), hash("present %d", session) }
}

// resume is a good resume of a session at noon, its step not made before.
func resume(session int, changes ...func(*Resume)) Resume {
	q := Resume{
		Now: noon, Node: "n", Session: uint64(session), Try: 11,
		Fixed: hash("fixed %d", session), Present: hash("present %d", session), Next: hash("next %d", session),
	}
	for _, c := range changes {
		c(&q)
	}
	return q
}

// limits is Multi with other numbers: "a2 w3".
func limits(numbers string) Rules {
	r := Multi()
	for _, token := range strings.Fields(numbers) {
		r.Limit[letters[token[0]]] = int(token[1] - '0')
	}
	return r
}

// grouped puts each list of platforms into a group: "aip dml w".
func grouped(r Rules, groups string) Rules {
	for _, group := range strings.Fields(groups) {
		for i := range len(group) {
			r.Group[letters[group[i]]] = r.Group[letters[group[0]]]
		}
	}
	return r
}

// judge runs a rule twice and holds it to being pure.
func judge(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, s State, rule func(State) Outcome) Outcome {
	t.Helper()
	before := copyOf(s)
	first := rule(s)
	kept := first
	kept.State = copyOf(first.State)
	second := rule(s)
	if !reflect.DeepEqual(s, before) {
		t.Fatalf("the rule changed the state it was given:\n%+v\nbefore:\n%+v", s, before)
	}
	if !reflect.DeepEqual(second, kept) || !reflect.DeepEqual(first, kept) {
		t.Fatalf("run twice, the rule decided\n%+v\nand then\n%+v", kept, second)
	}
	return first
}

func copyOf(s State) State {
	s.Sessions, s.Kicks, s.Tries = slices.Clone(s.Sessions), slices.Clone(s.Kicks), slices.Clone(s.Tries)
	return s
}

// check compares what a story came to with what it should.
func check(t *testing.T, o Outcome, answer, sessions string) {
	t.Helper()
	if got := said(o); got != answer {
		t.Errorf("answer %q (%s), want %q", got, o.Detail, answer)
	}
	if got := show(o.State); got != sessions {
		t.Errorf("sessions %q, want %q", got, sessions)
	}
}

func byNumber(a, b Session) int { return cmp.Compare(a.Number, b.Number) }

func logIn(t *testing.T, s State, q Login, r Rules) Outcome {
	t.Helper()
	return judge(t, s, func(s State) Outcome { return LogIn(s, q, r) })
}

func resumeSession(t *testing.T, s State, q Resume, r Rules) Outcome {
	t.Helper()
	return judge(t, s, func(s State) Outcome { return ResumeSession(s, q, r) })
}

func logOut(t *testing.T, s State, q Logout, r Rules) Outcome {
	t.Helper()
	return judge(t, s, func(s State) Outcome { return LogOut(s, q, r) })
}
