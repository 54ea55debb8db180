package session

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"rollcall.example"
	"rollcall.example/internal/store"
)

const (
	peakPause = 5 * time.Second // from a rise until it is written, with those in between
	peakLook  = time.Hour       // without a rise, and without the end of a day
)

// CountOnline keeps, for each day of each app, how many sessions were connected at
// once, at most, and when, until ctx ends. A rise is written within five seconds, so
// that is what a killed process loses; whoever stays connected over midnight is
// counted in both days.
func (s *Sessions) CountOnline(ctx context.Context) error {
	c := counting{sessions: s, days: map[rollcall.AppID]dayPeak{}, unwritten: map[appDay]store.Peak{}}
	defer func() { c.note(context.WithoutCancel(ctx)) }()
	for {
		pause := c.note(ctx)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-s.roster.Risen():
			sleep(ctx, min(c.look(), peakPause), nil)
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// A counting is what CountOnline knows.
type counting struct {
	sessions  *Sessions
	days      map[rollcall.AppID]dayPeak
	unwritten map[appDay]store.Peak
}

// A dayPeak is the peak of the app's day as it was noted last.
type dayPeak struct {
	day  int
	most int
}

type appDay struct {
	app rollcall.AppID
	day int
}

// note writes what has risen, and says when to do so again at the latest.
func (c *counting) note(ctx context.Context) time.Duration {
	pause := c.look()
	if !c.write(ctx) {
		pause = min(pause, peakPause)
	}
	return pause
}

// look sees what has risen, and says when to look again at the latest.
func (c *counting) look() time.Duration {
	now, pause := c.sessions.Now(), peakLook
	for app, most := range c.sessions.roster.Most() {
		zone := c.sessions.zone(app)
		pause = min(pause, nextDay(now, zone).Sub(now))
		c.see(app, most, now.In(zone))
	}
	return max(pause, time.Second) // where a day begins twice, or at one o'clock
}

// see takes in an app's most since it was seen last. What was reached in a day that
// is over by now was reached at its end, as far as is known.
func (c *counting) see(app rollcall.AppID, most int, now time.Time) {
	was, today := c.days[app], dayOf(now)
	if was.day != 0 && was.day != today {
		y, m, d := now.Date()
		c.keep(app, was, most, time.Date(y, m, d, 0, 0, 0, 0, now.Location()).Add(-time.Second))
		was, most = dayPeak{}, c.sessions.roster.Anew(app)
	}
	c.keep(app, dayPeak{today, was.most}, most, now)
	c.days[app] = dayPeak{today, most}
}

// keep has a rise written next time.
func (c *counting) keep(app rollcall.AppID, was dayPeak, most int, at time.Time) {
	if most > was.most {
		c.unwritten[appDay{app, was.day}] = store.Peak{App: app, Day: was.day, Sessions: int64(most), At: at}
	}
}

// write makes durable what is not yet, and says whether it is.
func (c *counting) write(ctx context.Context) bool {
	if len(c.unwritten) == 0 {
		return true
	}
	all := make([]store.Peak, 0, len(c.unwritten))
	for _, p := range c.unwritten {
		all = append(all, p)
	}
	if err := c.sessions.store.NotePeaks(ctx, all); err != nil {
		level := slog.LevelError
		if errors.Is(err, store.ErrDisk) || errors.Is(err, store.ErrClosed) || ctx.Err() != nil { // said where it began
			level = slog.LevelDebug
		}
		c.sessions.opt.Log.Log(ctx, level, "note how many are online", "err", err)
		return false
	}
	clear(c.unwritten)
	return true
}

// zone is where an app's days are counted.
func (s *Sessions) zone(app rollcall.AppID) *time.Location {
	if zone := s.rules(app).Zone; zone != nil {
		return zone
	}
	return time.UTC
}

// dayOf is a day as it is counted: 20261123.
func dayOf(t time.Time) int {
	y, m, d := t.Date()
	return (y*100+int(m))*100 + d
}

// nextDay is when the day after that of a moment begins.
func nextDay(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, zone)
}
