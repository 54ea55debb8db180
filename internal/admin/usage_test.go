package admin_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// TestUsageIsReadByDayAndByMonth through the client, as the command reads it.
func TestUsageIsReadByDayAndByMonth(t *testing.T) {
	b, s := backend(t)
	ctx := t.Context()
	if _, err := b.Apps.Add(ctx, app, "", ""); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(admin.Handler(b))
	defer server.Close()
	c := remote(t, server.URL, "")
	for user, day := range map[rollcall.UserID]int{"alice": 20260131, "bob": 20260201} {
		at := time.Date(day/10000, time.Month(day/100%100), day%100, 12, 0, 0, 0, time.UTC)
		_, err := s.Mutate(ctx, ours(user), func(policy.State) policy.Outcome {
			return policy.Outcome{
				State:  policy.State{Created: at, ActiveDay: day, ActiveMonth: day / 100},
				Events: []policy.Event{{At: at, Kind: policy.EventLogin, Session: 1}, {At: at, Kind: policy.EventLogin, Session: 2}},
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	high := time.Date(2026, 2, 1, 13, 0, 0, 0, time.UTC)
	if err := s.NotePeaks(ctx, []store.Peak{{App: app, Day: 20260201, Sessions: 7, At: high}}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		q    admin.UsageQuery
		want admin.Usage
	}{
		"by day": {admin.UsageQuery{From: "2026-01-30", To: "2026-02-01"}, admin.Usage{TimeZone: "UTC", By: "day", Usage: []admin.UsageRow{
			{Day: "2026-01-30"},
			{Day: "2026-01-31", Active: 1, Logins: 2, SignedUp: 1},
			{Day: "2026-02-01", Active: 1, Logins: 2, SignedUp: 1, PeakOnline: 7, PeakAt: &high},
		}}},
		"a day": {admin.UsageQuery{To: "2026-01-31", Days: 1}, admin.Usage{TimeZone: "UTC", By: "day", Usage: []admin.UsageRow{
			{Day: "2026-01-31", Active: 1, Logins: 2, SignedUp: 1},
		}}},
		"by month": {admin.UsageQuery{By: "month", From: "2025-12-31", To: "2026-02-01"}, admin.Usage{TimeZone: "UTC", By: "month", Usage: []admin.UsageRow{
			{Month: "2025-12"},
			{Month: "2026-01", Active: 1, Logins: 2, SignedUp: 1},
			{Month: "2026-02", Active: 1, Logins: 2, SignedUp: 1, PeakOnline: 7, PeakAt: &high},
		}}},
	} {
		if got, err := c.Usage(ctx, app, tt.q); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, tt.want)
		}
	}
	if _, err := c.Usage(ctx, 7, admin.UsageQuery{}); imcode.Of(err) != imcode.AppNotFound {
		t.Errorf("no such app: %v, want 70020", err)
	}
}

func TestWhatUsageCannotBeAskedFor(t *testing.T) {
	b, _ := backend(t)
	if _, err := b.Apps.Add(t.Context(), app, "", ""); err != nil {
		t.Fatal(err)
	}
	h := admin.Handler(b)
	for query, want := range map[string]string{
		"by=week":                       "by: want day or month",
		"from=yesterday":                "from: want a day as 2026-11-23",
		"from=2026-02-30":               "from: want a day as 2026-11-23",
		"from=1969-12-31":               "from: want a day as 2026-11-23",
		"to=2026-11":                    "to: want a day as 2026-11-23",
		"to=20261123":                   "to: want a day as 2026-11-23",
		"days=0":                        "days: want 1 to 3660",
		"days=":                         "days: want 1 to 3660",
		"days=3661":                     "days: want 1 to 3660",
		"days=-1":                       "days: want a number",
		"days=99999999999999999999":     "days: want a number",
		"days=2&from=2020-01-01":        "and no from beside it",
		"from=2020-02-01&to=2020-01-01": "2020-02-01 is after 2020-01-01",
		"from=9999-12-31":               "has not come yet",
		"from=2000-01-01":               "at most 3660 days",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/apps/1400000000/usage?"+query, http.NoBody))
		if _, err := url.ParseQuery(query); err != nil || w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"code":70402`) ||
			!strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want 70402 and %q", query, w.Code, w.Body, want)
		}
	}
}
