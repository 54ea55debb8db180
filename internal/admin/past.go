package admin

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// MaxHistory is the most rows that one request for history gets.
const MaxHistory = 1000

// An Event is a row of an account's history, or, without a row, what is just
// happening to it.
type Event struct {
	Row        int64              `json:"row,omitempty"`
	Time       time.Time          `json:"time"`
	Event      string             `json:"event"`
	Count      int                `json:"count,omitempty"` // equal ones that it stands for, if several
	Last       *time.Time         `json:"last,omitempty"`  // the last of those
	Session    uint64             `json:"session,omitempty"`
	Device     rollcall.DeviceID  `json:"device,omitempty"`
	DeviceName string             `json:"device_name,omitempty"`
	Platform   *rollcall.Platform `json:"platform,omitempty"`
	Address    string             `json:"address,omitempty"`
	Code       imcode.Code        `json:"code,omitempty"`
	Reason     string             `json:"reason,omitempty"`
	By         *By                `json:"by,omitempty"`
	Connected  *bool              `json:"connected,omitempty"` // with kicked: whether it had a connection
}

// pastRoutes are the requests about what has happened to an account.
func (h handler) pastRoutes(mux *http.ServeMux) {
	const path = "/v1/apps/{app}/accounts/{user}"
	mux.HandleFunc("GET "+path+"/history", h.history)
	mux.HandleFunc("GET "+path+"/explain", h.explain)
	mux.HandleFunc("GET "+path+"/watch", h.watch)
}

func (h handler) history(w http.ResponseWriter, r *http.Request) {
	a, err := accountOf(r)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	before, err := number(r, "before", 0)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	limit, err := number(r, "limit", MaxHistory)
	if err == nil && (limit < 1 || limit > MaxHistory) {
		err = imcode.InvalidParameters.Errorf("limit: want 1 to %d", MaxHistory)
	}
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	rows, err := h.Sessions.History(r.Context(), a, before, int(limit))
	all := []Event{}
	for _, row := range rows {
		all = append(all, rowOf(row))
	}
	h.answer(w, all, err)
}

// number is a member of a request's query that is one, of 0 or more.
func number(r *http.Request, name string, otherwise int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, imcode.InvalidParameters.Errorf("%s: want a number", name)
	}
	return n, nil
}

// History reads an account's history, newest first, at most limit rows older than
// the one numbered before (0: from the newest).
func (c *Client) History(ctx context.Context, a rollcall.Account, before int64, limit int) (all []Event, err error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if before > 0 {
		q.Set("before", strconv.FormatInt(before, 10))
	}
	return all, c.call(ctx, http.MethodGet, accountPath(a)+"/history?"+q.Encode(), nil, &all)
}

// A Question asks about an account's past.
type Question struct {
	Device string    // its id or name; "": all
	At     time.Time // who was logged in then; zero: why devices were signed out
	Zone   string    // of the times in the answer, by its IANA name; "": UTC
}

// told is the answer to a question: a text for people.
type told struct {
	Text string `json:"text"`
}

func (h handler) explain(w http.ResponseWriter, r *http.Request) {
	a, err := accountOf(r)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	q := r.URL.Query()
	zone, known := plain.Zone(q.Get("zone"))
	if !known {
		h.answer(w, nil, imcode.InvalidParameters.Errorf("unknown time zone: want an IANA name, as Asia/Shanghai"))
		return
	}
	var at time.Time
	if text := q.Get("at"); text != "" {
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			h.answer(w, nil, imcode.InvalidParameters.Errorf("at: want a time as 2026-11-23T14:03:05Z"))
			return
		}
	}
	past, err := h.Sessions.Past(r.Context(), a)
	past.Zone = zone
	var text string
	switch {
	case err != nil:
	case at.IsZero():
		text, err = past.Explain(q.Get("device"))
	default:
		text, err = past.Who(at)
	}
	h.answer(w, told{text}, err)
}

// Explain answers a question about an account's past, in sentences.
func (c *Client) Explain(ctx context.Context, a rollcall.Account, q Question) (string, error) {
	values := url.Values{}
	if q.Device != "" {
		values.Set("device", q.Device)
	}
	if q.Zone != "" {
		values.Set("zone", q.Zone)
	}
	if !q.At.IsZero() {
		values.Set("at", q.At.UTC().Format(time.RFC3339Nano))
	}
	var v told
	err := c.call(ctx, http.MethodGet, accountPath(a)+"/explain?"+values.Encode(), nil, &v)
	return v.Text, err
}

func rowOf(r store.HistoryRow) Event {
	v := eventOf(r.Event)
	v.Row = r.ID
	if r.Count > 1 {
		v.Count, v.Last = r.Count, &r.Last
	}
	return v
}

func eventOf(e policy.Event) Event {
	v := Event{
		Time: e.At, Event: e.Kind.String(), Session: e.Session, Device: e.Device, DeviceName: e.DeviceName,
		Address: e.Address, Code: e.Code, By: by(e.By),
	}
	if e.Device != "" {
		v.Platform = &e.Platform
	}
	if e.Reason != policy.Silently {
		v.Reason = e.Reason.String()
	}
	if e.Kind == policy.EventKicked {
		v.Connected = &e.Connected
	}
	return v
}
