package history_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/history"
	"rollcall.example/internal/policy"
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
	if err != nil || strings.Count(got, "\na device without a name") != 20 || !strings.HasSuffix(got, "\nAnd 3 devices before: name one to hear of it.\n") {
		t.Errorf("%v:\n%s", err, got)
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
- Ann's phone (Android), device phone-1, since 2026-11-23 12:00:00 UTC, away since 2026-11-23 13:00:00 UTC
- a device without a name (Web), device page-1, since 2026-11-23 13:00:00 UTC, connected
`},
		{"after the eviction", 2 * time.Hour, 0, `
On 2026-11-23 14:00:00 UTC (1 hour ago) alice was logged in on 2 devices:
- a device without a name (Web), device page-1, since 2026-11-23 13:00:00 UTC, connected
- Ann's tablet (Android), device tablet-1, since 2026-11-23 14:00:00 UTC, connected
`},
		{"before the first login", -time.Hour, 0, `
On 2026-11-23 11:00:00 UTC (4 hours ago) alice was logged in on no device.
The history that is kept begins on 2026-11-23 12:00:00 UTC: who had left by then is not known.
`},
		{"with half of the history gone", 90 * time.Minute, 2, `
On 2026-11-23 13:30:00 UTC (1 hour 30 minutes ago) alice was logged in on 2 devices:
- Ann's phone (Android), device phone-1, since before the history that is kept; whether it was connected is not known
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
