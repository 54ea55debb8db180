package history_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/history"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// A tale is what happens to alice, from noon on.
type tale struct {
	book
	t   *testing.T
	s   policy.State
	now time.Time
	r   policy.Rules
	try uint64
}

var (
	phone  = policy.Login{Device: "phone-1", DeviceName: "Ann's phone", Platform: rollcall.Android}
	tablet = policy.Login{Device: "tablet-1", DeviceName: "Ann's tablet", Platform: rollcall.Android}
	iphone = policy.Login{Device: "iphone-1", DeviceName: "Ann's iPhone", Platform: rollcall.IPhone}
	page   = policy.Login{Device: "page-1", Platform: rollcall.Web}
)

func newTale(t *testing.T) *tale {
	r := policy.Multi()
	r.Group[rollcall.IPhone] = r.Group[rollcall.Android]
	return &tale{t: t, now: noon, r: r}
}

func (a *tale) serve(o policy.Outcome) {
	a.s = o.State
	for _, e := range o.Events {
		a.write(e)
	}
}

func (a *tale) later(d time.Duration) { a.now = a.now.Add(d) }

// login logs a device in with a new attempt and a UserSig that is good for 30 days.
func (a *tale) login(q policy.Login) {
	a.loginFor(q, 30*24*time.Hour)
}

func (a *tale) loginFor(q policy.Login, life time.Duration) {
	a.try++
	q.Now, q.Node, q.Address, q.Try = a.now, "n", "192.0.2.0", a.try
	q.SigTime, q.SigEnds = a.now.Unix(), a.now.Add(life).Unix()
	q.Fixed, q.Changing = hash("fixed %d", a.try), hash("present %d", a.try)
	a.serve(policy.LogIn(a.s, q, a.r))
}

func (a *tale) leave(q policy.Login) {
	for _, x := range a.s.Sessions {
		if x.Device == q.Device {
			a.serve(policy.Disconnected(a.s, policy.Disconnect{Now: a.now, Session: x.Number, Conn: x.Conn}, a.r))
		}
	}
}

func (a *tale) session(q policy.Login) policy.Session {
	i := slices.IndexFunc(a.s.Sessions, func(x policy.Session) bool { return x.Device == q.Device })
	if i < 0 {
		a.t.Fatalf("%s is not in", q.Device)
	}
	return a.s.Sessions[i]
}

// acknowledged drops all kick rows, as when every client was told.
func (a *tale) acknowledged() {
	for _, k := range a.s.Kicks {
		a.serve(policy.AcknowledgeKick(a.s, policy.Acknowledge{Now: a.now, Session: k.Session}, a.r))
	}
}

func (a *tale) asked() history.Account {
	return history.Account{User: "alice", Rows: a.rows, State: a.s, Rules: a.r, Now: a.now}
}

// TestExplain has a case for each cause for which a device is signed out.
func TestExplain(t *testing.T) {
	for _, tt := range explanations {
		t.Run(tt.name, func(t *testing.T) {
			a := newTale(t)
			tt.story(a)
			got, err := a.asked().Explain(tt.device)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.TrimPrefix(tt.want, "\n"); got != want {
				t.Errorf("it says\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestExplainKnowsNoOtherDevice(t *testing.T) {
	a := newTale(t)
	a.login(phone)
	a.login(page)
	_, err := a.asked().Explain("tablet")
	if got, want := err.Error(), `70402 ERR_SVR_ACCOUNT_INVALID_PARAMETERS: alice has no device "tablet": want one of page-1, phone-1 ("Ann's phone")`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, err := a.asked().Explain("ann's PHONE"); err != nil || strings.Contains(got, "page-1") || !strings.Contains(got, "phone-1") {
		t.Errorf("asked by its name: %s, %v", got, err)
	}
	_, err = history.Account{User: "alice"}.Explain("x")
	if imcode.Of(err) != imcode.InvalidParameters {
		t.Errorf("without any history: %v", err)
	}
}

func TestExplainTellsOfSoManyDevices(t *testing.T) {
	a := newTale(t)
	for i := range 23 {
		a.login(policy.Login{Device: rollcall.DeviceID("page-" + string(rune('a'+i))), Platform: rollcall.Web})
		a.later(time.Hour)
	}
	got, err := a.asked().Explain("")
	if err != nil || strings.Count(got, "\na device without a name") != 20 || !strings.HasSuffix(got, "\nAnd 3 devices before: --device tells of one, by its id.\n") {
		t.Errorf("%v:\n%s", err, got)
	}
}

// TestEveryEndIsTold: each kind of event that ends a session, and each reason of a
// kick, is told in words of its own; other kinds end nothing.
func TestEveryEndIsTold(t *testing.T) {
	ends := map[policy.EventKind]string{
		policy.EventLogout:   "It was logged out by the user on this device on ",
		policy.EventKicked:   "It was signed out on ",
		policy.EventExpired:  "the UserSig with which it had logged in had ended",
		policy.EventReplaced: "It was replaced by its own next login",
		policy.EventLapsed:   "it had been without a connection for 7 days",
		policy.EventKeptOut:  "It was signed out on ",
		policy.EventSetBack:  "because the server was set back to a backup",
	}
	explained := func(e policy.Event) string {
		e.At, e.Session, e.Device, e.Platform = noon, 1, "d", rollcall.Android
		past := history.Account{User: "alice", Now: noon, State: policy.State{Counter: 1}, Rows: []store.HistoryRow{
			{ID: 1, Count: 1, Last: noon, Event: e},
		}}
		text, err := past.Explain("")
		if err != nil {
			t.Fatal(err)
		}
		in := len(history.Replay(past.Rows, past.State, noon.Add(time.Hour)).At(noon))
		if _, ended := ends[e.Kind]; ended && in != 0 {
			t.Errorf("after %q it is in", e.Kind)
		}
		return text
	}
	said := map[string]bool{}
	for _, kind := range policy.EventKinds() {
		text := explained(policy.Event{Kind: kind})
		want, ended := ends[kind]
		if !ended {
			want = "It was not logged in, as far as the history goes back."
		}
		if !strings.Contains(text, want) {
			t.Errorf("%q is told as\n%s\nwant %q", kind, text, want)
		}
	}
	for _, reason := range policy.Reasons()[1:] {
		text := explained(policy.Event{Kind: policy.EventKicked, Reason: reason})
		if said[text] || !strings.Contains(text, " (just now), ") {
			t.Errorf("a kick of reason %q is told without it, or as another one:\n%s", reason, text)
		}
		said[text] = true
	}
}

// TestExplainTellsOfSoManyRefusals: the last five, and how many more.
func TestExplainTellsOfSoManyRefusals(t *testing.T) {
	a := newTale(t)
	a.login(phone)
	for i := range 8 {
		a.later(time.Hour)
		a.loginFor(phone, -time.Minute)
		if i == 0 { // folds into one row
			a.later(time.Minute)
			a.loginFor(phone, -time.Minute)
		}
	}
	got, err := a.asked().Explain("")
	if err != nil || strings.Count(got, "A login from it was refused on") != 5 || !strings.HasSuffix(got, "\n  Before these it was refused 4 times more.\n") {
		t.Errorf("%v:\n%s", err, got)
	}
	a.later(time.Minute)
	a.login(phone)
	if got, _ := a.asked().Explain(""); strings.Contains(got, "refused") {
		t.Errorf("after a good login it says\n%s", got)
	}
}

// TestExplainOfManyRows: more rows than are looked at, each of a device of its own,
// or all refusals of one device.
func TestExplainOfManyRows(t *testing.T) {
	const rows = 150_000
	for name, device := range map[string]func(i int) rollcall.DeviceID{
		"each of its own device": func(i int) rollcall.DeviceID { return rollcall.DeviceID("d-" + strconv.Itoa(i)) },
		"all of one device":      func(int) rollcall.DeviceID { return "d" },
	} {
		asked := history.Account{User: "alice", Now: noon.Add(24 * time.Hour), Rows: make([]store.HistoryRow, rows)}
		for i := range rows {
			asked.Rows[i] = store.HistoryRow{
				ID: int64(i + 1), Count: 1, Last: noon,
				Event: policy.Event{At: noon, Kind: policy.EventRefused, Device: device(i), Code: imcode.UserSigExpired},
			}
		}
		done := make(chan string, 1)
		go func() {
			text, err := asked.Explain("")
			_, unknown := asked.Explain("nobody's")
			done <- fmt.Sprint(text, err, unknown)
		}()
		select { // it takes half a second; if each row looked at all before it, minutes
		case said := <-done:
			if len(said) > 10_000 {
				t.Errorf("%s: it says %d bytes", name, len(said))
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: it is not done", name)
		}
	}
}

func TestWho(t *testing.T) {
	a := newTale(t)
	a.login(phone)
	a.later(time.Hour)
	a.login(page)
	a.leave(phone)
	a.later(time.Hour)
	a.login(tablet)
	a.later(time.Hour)
	for _, tt := range []struct {
		name string
		at   time.Duration
		gone int // rows
		want string
	}{
		{"both", 90 * time.Minute, 0, `
On 2026-11-23 13:30:00 UTC (1 hour 30 minutes ago) alice was logged in on 2 devices:
- "Ann's phone" (Android), device phone-1, since 2026-11-23 12:00:00 UTC, away since 2026-11-23 13:00:00 UTC
- a device without a name (Web), device page-1, since 2026-11-23 13:00:00 UTC, connected
`},
		{"after the eviction", 2 * time.Hour, 0, `
On 2026-11-23 14:00:00 UTC (1 hour ago) alice was logged in on 2 devices:
- a device without a name (Web), device page-1, since 2026-11-23 13:00:00 UTC, connected
- "Ann's tablet" (Android), device tablet-1, since 2026-11-23 14:00:00 UTC, connected
`},
		{"before the first login", -time.Hour, 0, `
On 2026-11-23 11:00:00 UTC (4 hours ago) alice was logged in on no device.
The history that is kept begins on 2026-11-23 12:00:00 UTC: who had left by then is not known.
`},
		{"with half of the history gone", 90 * time.Minute, 2, `
On 2026-11-23 13:30:00 UTC (1 hour 30 minutes ago) alice was logged in on 2 devices:
- "Ann's phone" (Android), device phone-1, since before the history that is kept; whether it was connected is not known
- a device without a name (Web), device page-1, since 2026-11-23 13:00:00 UTC, connected
`},
		{"with all of it gone", 90 * time.Minute, 99, `
On 2026-11-23 13:30:00 UTC (1 hour 30 minutes ago) alice was logged in on 1 device:
- a device without a name (Web), device page-1, since 2026-11-23 13:00:00 UTC; whether it was connected is not known
There is no history of the account: who has left is not known.
`},
	} {
		asked := a.asked()
		asked.Rows = asked.Rows[min(tt.gone, len(asked.Rows)):]
		got, err := asked.Who(noon.Add(tt.at))
		if want := strings.TrimPrefix(tt.want, "\n"); err != nil || got != want {
			t.Errorf("%s: %v, it says\n%s\nwant\n%s", tt.name, err, got, want)
		}
	}
	if _, err := a.asked().Who(a.now.Add(time.Second)); imcode.Of(err) != imcode.InvalidParameters {
		t.Errorf("of the future it says %v", err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	asked := a.asked()
	asked.Zone = berlin
	if got, _ := asked.Who(noon); !strings.HasPrefix(got, "On 2026-11-23 13:00:00 CET (3 hours ago) alice was") {
		t.Errorf("in Berlin it says\n%s", got)
	}
}

// TestWhatWasNotLookedAtIsSaid: of an account with a very long history only the
// latest rows are read.
func TestWhatWasNotLookedAtIsSaid(t *testing.T) {
	a := newTale(t)
	a.login(phone)
	a.later(time.Hour)
	past := a.asked()
	past.Cut = true
	got, err := past.Explain("")
	if err != nil || !strings.HasSuffix(got, "\nOnly the latest 2 events were looked at. `rollcall history alice` prints those before, too.\n") {
		t.Errorf("%v:\n%s", err, got)
	}
	if got, err = past.Who(noon.Add(-time.Hour)); err != nil || !strings.Contains(got, "Only the latest 2 events were looked at, since 2026-11-23 12:00:00 UTC") {
		t.Errorf("%v:\n%s", err, got)
	}
}
