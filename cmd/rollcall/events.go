package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
)

// An event is something that happened to a session, as programs read it.
type event struct {
	Time       time.Time          `json:"time"`
	Event      string             `json:"event"`
	User       string             `json:"user,omitempty"`
	Session    uint64             `json:"session,omitempty"`
	Connection uint64             `json:"connection,omitempty"`
	Ends       *time.Time         `json:"ends,omitempty"` // the UserSig
	Code       imcode.Code        `json:"code,omitempty"`
	Reason     string             `json:"reason,omitempty"`
	BySession  uint64             `json:"by_session,omitempty"`
	ByPlatform *rollcall.Platform `json:"by_platform,omitempty"`
	ByDevice   string             `json:"by_device,omitempty"`
	Rule       string             `json:"rule,omitempty"`
	Limit      int                `json:"limit,omitempty"`
	Text       string             `json:"text,omitempty"`
}

// A reporter prints what happens to a client.
type reporter struct {
	out    io.Writer
	json   bool
	client *client.Client
	ended  chan error // how the session ended, unless by us
	online atomic.Bool
	ends   atomic.Int64 // the UserSig in force, in milliseconds since 1970; 0: not known

	printing sync.Mutex
	last     event // that was printed, for people
	more     int   // how often it has happened again since
}

// sameFor is how long a failure that happens again and again is told once.
const sameFor = time.Minute

// listener hears everything.
func (r *reporter) listener() client.Listener {
	return client.Listener{
		Connecting: func() {
			r.online.Store(false)
			r.print(event{Event: "connecting"})
		},
		ConnectSuccess: r.connected,
		ConnectFailed: func(code imcode.Code, text string) {
			r.print(event{Event: "connect failed", Code: code, Text: text})
		},
		KickedOffline: func(k client.Kick) {
			e := event{Event: "kicked offline", Code: k.Code, Reason: k.Reason.String(), Text: k.Text}
			if k.BySession != 0 {
				e.BySession, e.ByPlatform, e.ByDevice = k.BySession, &k.ByPlatform, k.ByDeviceName
			}
			if k.Rule != client.KickRuleNone {
				e.Rule, e.Limit = k.Rule.String(), k.Limit
			}
			r.print(e)
			r.ended <- kicked(k)
		},
		UserSigWillExpire: func(ends time.Time) {
			ends = ends.UTC()
			r.print(event{Event: "ticket ends soon", Ends: &ends})
		},
		UserSigExpired: func() {
			err := over(r.ends.Load(), r.client.ServerTime())
			r.print(event{Event: "ticket expired", Text: detail(err)})
			r.ended <- err
		},
	}
}

// connected tells of a connection, and of the session that is served again.
func (r *reporter) connected() {
	r.online.Store(true)
	e := event{Event: "connected"}
	if s := r.client.Session(); s != (client.Session{}) {
		r.note(s)
		e.Session, e.Connection = s.Number, s.Connection
	}
	r.print(e)
}

func (r *reporter) loggedIn() {
	s := r.client.Session()
	r.note(s)
	e := event{Event: "logged in", User: string(r.client.LoginUser()), Session: s.Number, Connection: s.Connection}
	if !s.Ends.IsZero() {
		ends := s.Ends.UTC()
		e.Ends = &ends
	}
	r.print(e)
}

func (r *reporter) failed(err error) {
	r.print(event{Event: "login failed", Code: imcode.Of(err), Text: detail(err)})
}

// note keeps when the UserSig in force ends.
func (r *reporter) note(s client.Session) {
	if !s.Ends.IsZero() {
		r.ends.Store(s.Ends.UnixMilli())
	}
}

// over is the error of a session whose UserSig is worthless now: it has ended, or, if
// it would be good for longer, it was revoked.
func over(endsMs int64, now time.Time) error {
	if endsMs > now.Add(time.Second).UnixMilli() {
		return imcode.UserSigExpired.Errorf("all tickets of the account made until then were revoked")
	}
	return imcode.UserSigExpired.Errorf("the ticket ended while logged in")
}

// detail is what an error says beside its code.
func detail(err error) string {
	if d, ok := errors.AsType[*imcode.Error](err); ok {
		return d.Detail
	}
	return ""
}

// print prints an event: when, what, and what goes with it. For people the same failure,
// again and again, is a line and a count.
func (r *reporter) print(e event) {
	r.printing.Lock()
	defer r.printing.Unlock()
	e.Time = time.Now()
	if r.json {
		_ = printLine(r.out, e) // a reader that has gone is not told
		return
	}
	failed := e.Event == "connect failed"
	same := failed && r.last.Event == e.Event && r.last.Code == e.Code && r.last.Text == e.Text
	if same {
		r.more++
	}
	if r.more > 0 && (!same || e.Time.Sub(r.last.Time) >= sameFor) {
		r.line(event{Time: e.Time, Event: r.last.Event, Code: r.last.Code, Text: "the same, " + plain.Count(r.more, "more time")})
		r.more, r.last.Time = 0, e.Time
	}
	if same {
		return
	}
	r.last = e
	if failed {
		e.Text += "; trying on"
	}
	r.line(e)
}

// line prints an event for people.
func (r *reporter) line(e event) {
	line := fmt.Sprintf("%s  %-16s  %s", e.Time.Format("15:04:05.000"), e.Event, e.rest())
	fmt.Fprintln(r.out, plain.Line(strings.TrimRight(line, " ")))
}

// rest is what goes with an event, in words.
func (e event) rest() string {
	var words []string
	add := func(ok bool, format string, args ...any) {
		if ok {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(e.User != "", "%s", e.User)
	add(e.Session != 0, "session %d", e.Session)
	add(e.Connection != 0 && e.User == "", "connection %d", e.Connection)
	if e.Ends != nil {
		add(true, "ticket good for %s", plain.Span(time.Until(*e.Ends)))
	}
	add(e.Code != 0, "%d", int(e.Code))
	add(e.Reason != "", "%s", e.Reason)
	if e.ByPlatform != nil {
		add(true, "by session %d on %s", e.BySession, *e.ByPlatform)
	}
	add(e.ByDevice != "", "%q", e.ByDevice)
	add(e.Rule != "" && e.Limit == 0, "%s", e.Rule)
	add(e.Limit != 0, "%s of %d", e.Rule, e.Limit)
	text := strings.TrimPrefix(e.Text, "dial tcp ") // for a line that fits 80 columns
	text = strings.Replace(text, ": connect: ", ": ", 1)
	add(text != "" && e.ByPlatform == nil, "%s", text) // which says the same again
	return strings.Join(words, ", ")
}
