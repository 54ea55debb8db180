package admin

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/session"
	"rollcall.example/internal/store"
)

// How usage is counted.
const (
	ByDay   = "day"
	ByMonth = "month"
)

// MaxUsageDays is the most days that one request for usage may span.
const MaxUsageDays = session.MaxUsageDays

// A Usage is what was counted of an app.
type Usage struct {
	TimeZone string     `json:"time_zone"` // in which its days begin
	By       string     `json:"by"`
	Usage    []UsageRow `json:"usage"`
}

// A UsageRow is what was counted in one day or month.
type UsageRow struct {
	Day        string     `json:"day,omitempty"`   // 2026-11-23
	Month      string     `json:"month,omitempty"` // 2026-11
	Active     int64      `json:"active"`          // accounts that came online, each once
	Logins     int64      `json:"logins"`
	SignedUp   int64      `json:"signed_up"`
	PeakOnline int64      `json:"peak_online"` // sessions connected at once, at most
	PeakAt     *time.Time `json:"peak_at,omitempty"`
}

func (h handler) usage(w http.ResponseWriter, r *http.Request) {
	id, err := appOf(r)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	q, err := usageQuery(r)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	u, err := h.Sessions.Usage(r.Context(), id, q)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	v := Usage{TimeZone: u.Zone.String(), By: ByDay, Usage: make([]UsageRow, 0, len(u.Rows))}
	if q.Months {
		v.By = ByMonth
	}
	for _, row := range u.Rows {
		v.Usage = append(v.Usage, counted(row))
	}
	h.answer(w, v, nil)
}

// usageQuery reads what is asked for.
func usageQuery(r *http.Request) (q session.UsageQuery, err error) {
	switch by := r.URL.Query().Get("by"); by {
	case "", ByDay:
	case ByMonth:
		q.Months = true
	default:
		return q, imcode.InvalidParameters.Errorf("by: want %s or %s", ByDay, ByMonth)
	}
	for name, day := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		if *day, err = dayIn(r, name); err != nil {
			return q, err
		}
	}
	if !r.URL.Query().Has("days") {
		return q, nil
	}
	days, err := number(r, "days", 0)
	if err == nil && (days < 1 || days > MaxUsageDays) {
		err = imcode.InvalidParameters.Errorf("days: want 1 to %d", MaxUsageDays)
	}
	q.Days = int(days)
	return q, err
}

// dayIn is a member of a request's query that is a day; zero if it is not there.
func dayIn(r *http.Request, name string) (time.Time, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil || day.Year() < 1970 {
		return day, imcode.InvalidParameters.Errorf("%s: want a day as 2026-11-23", name)
	}
	return day, nil
}

func counted(r store.UsageRow) UsageRow {
	v := UsageRow{Active: r.Active, Logins: r.Logins, SignedUp: r.SignedUp, PeakOnline: r.Peak}
	digits := strconv.Itoa(r.Period)
	if len(digits) == len("202611") {
		v.Month = digits[:4] + "-" + digits[4:]
	} else {
		v.Day = digits[:4] + "-" + digits[4:6] + "-" + digits[6:]
	}
	if r.Peak > 0 {
		v.PeakAt = &r.PeakAt
	}
	return v
}

// A UsageQuery asks what was counted of an app. What is empty has its default.
type UsageQuery struct {
	By       string // ByDay or ByMonth
	From, To string // days, as 2026-11-23
	Days     int    // up to To, in the place of From
}

// Usage reads what was counted of an app, the earliest first, without a gap.
func (c *Client) Usage(ctx context.Context, id rollcall.AppID, q UsageQuery) (u Usage, err error) {
	values := url.Values{}
	for name, value := range map[string]string{"by": q.By, "from": q.From, "to": q.To} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if q.Days != 0 {
		values.Set("days", strconv.Itoa(q.Days))
	}
	return u, c.call(ctx, http.MethodGet, appPath(id)+"/usage?"+values.Encode(), nil, &u)
}
