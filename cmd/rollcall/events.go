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

	printing sync.Mutex
}

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
			r.print(event{Event: "ticket expired"})
			r.ended <- errExpired
		},
	}
}

// connected tells of a connection, and of the session that is served again.
func (r *reporter) connected() {
	r.online.Store(true)
	e := event{Event: "connected"}
	if s := r.client.Session(); s != (client.Session{}) {
		e.Session, e.Connection = s.Number, s.Connection
	}
	r.print(e)
}

func (r *reporter) loggedIn() {
	s := r.client.Session()
	e := event{Event: "logged in", User: string(r.client.LoginUser()), Session: s.Number, Connection: s.Connection}
	if !s.Ends.IsZero() {
		ends := s.Ends.UTC()
		e.Ends = &ends
	}
	r.print(e)
}

func (r *reporter) failed(err error) {
	e := event{Event: "login failed", Code: imcode.Of(err)}
	if d, ok := errors.AsType[*imcode.Error](err); ok {
		e.Text = d.Detail
	}
	r.print(e)
}

// print prints an event: when, what, and what goes with it.
func (r *reporter) print(e event) {
	r.printing.Lock()
	defer r.printing.Unlock()
	e.Time = time.Now()
	if r.json {
		_ = printLine(r.out, e) // a reader that has gone is not told
		return
	}
	line := fmt.Sprintf("%s  %-16s %s", e.Time.Format("15:04:05.000"), e.Event, e.rest())
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
	text := strings.TrimPrefix(e.Text, "dial tcp ")    // for a line that fits 80 columns
	add(text != "" && e.ByPlatform == nil, "%s", text) // which says the same again
	return strings.Join(words, ", ")
}
