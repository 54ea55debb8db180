package session

import (
	"context"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/store"
)

// MaxUsageDays is the most days that one question about usage may span.
const MaxUsageDays = 3660

// usageYears is for how long usage is kept.
const usageYears = 10

// A UsageQuery asks what was counted of an app. Days are midnights in UTC, whatever
// zone they are counted in.
type UsageQuery struct {
	Months   bool      // by month, each of them whole; otherwise by day
	From, To time.Time // zero: Days up to To; today, or what has come of the future
	Days     int       // without From; 0: 30, or, by month, those of this month and of 11 before
}

// A Usage is what was counted of an app.
type Usage struct {
	Zone *time.Location // in which its days begin now
	Rows []store.UsageRow
}

// Usage reads what was counted of an app, by day or by month, the earliest first,
// without a gap: a period has a row of zeros where nothing was counted. 70020: no such
// app; 70402: days that cannot be asked for.
func (s *Sessions) Usage(ctx context.Context, app rollcall.AppID, q UsageQuery) (Usage, error) {
	if _, err := s.apps.App(app); err != nil {
		return Usage{}, err
	}
	u := Usage{Zone: s.zone(app)}
	from, to, err := q.span(calendar(s.Now().In(u.Zone)))
	if err != nil {
		return u, err
	}
	if q.Months {
		from, to = firstOfMonth(from), firstOfMonth(to).AddDate(0, 1, -1)
	}
	days, err := s.store.Usage(ctx, app, dayOf(from), dayOf(to))
	if err != nil {
		return u, s.internal(rollcall.Account{App: app}, err)
	}
	if !q.Months {
		u.Rows = daily(from, to, days)
		return u, nil
	}
	months, err := s.store.Usage(ctx, app, dayOf(from)/100, dayOf(to)/100)
	if err != nil {
		return u, s.internal(rollcall.Account{App: app}, err)
	}
	u.Rows = monthly(from, to, months, days)
	return u, nil
}

// span is the days that are asked for, when it is today.
func (q UsageQuery) span(today time.Time) (from, to time.Time, err error) {
	const day = 24 * time.Hour
	from, to = q.From, q.To
	if to.IsZero() || to.After(today) {
		to = today
	}
	if q.Days < 0 || q.Days > MaxUsageDays || q.Days > 0 && !from.IsZero() {
		return from, to, imcode.InvalidParameters.Errorf("days: want 1 to %d, and no from beside it", MaxUsageDays)
	}
	switch {
	case !from.IsZero():
	case q.Days > 0:
		from = to.AddDate(0, 0, 1-q.Days)
	case q.Months:
		from = firstOfMonth(to).AddDate(0, -11, 0)
	default:
		from = to.AddDate(0, 0, -29)
	}
	switch {
	case from.After(today):
		err = imcode.InvalidParameters.Errorf("from: %s has not come yet, it is %s", from.Format(time.DateOnly), today.Format(time.DateOnly))
	case from.After(to):
		err = imcode.InvalidParameters.Errorf("from: %s is after %s, the last day asked for", from.Format(time.DateOnly), to.Format(time.DateOnly))
	case to.Sub(from) >= MaxUsageDays*day:
		err = imcode.InvalidParameters.Errorf("from: want at most %d days up to %s", MaxUsageDays, to.Format(time.DateOnly))
	}
	return from, to, err
}

// daily is a row for each day.
func daily(from, to time.Time, counted []store.UsageRow) (all []store.UsageRow) {
	for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
		r := store.UsageRow{Period: dayOf(day)}
		if len(counted) > 0 && counted[0].Period == r.Period {
			r, counted = counted[0], counted[1:]
		}
		all = append(all, r)
	}
	return all
}

// monthly is a row for each month, with the sums and the peak of its days.
func monthly(from, to time.Time, counted, days []store.UsageRow) (all []store.UsageRow) {
	for month := from; !month.After(to); month = month.AddDate(0, 1, 0) {
		r := store.UsageRow{Period: dayOf(month) / 100}
		if len(counted) > 0 && counted[0].Period == r.Period {
			r, counted = counted[0], counted[1:]
		}
		for len(days) > 0 && days[0].Period/100 == r.Period {
			r.Logins += days[0].Logins
			r.SignedUp += days[0].SignedUp
			if days[0].Peak > r.Peak {
				r.Peak, r.PeakAt = days[0].Peak, days[0].PeakAt
			}
			days = days[1:]
		}
		all = append(all, r)
	}
	return all
}

// calendar is the day of a moment, as UsageQuery has days.
func calendar(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func firstOfMonth(t time.Time) time.Time { return t.AddDate(0, 0, 1-t.Day()) }
