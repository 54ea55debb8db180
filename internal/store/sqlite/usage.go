package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// A period is a day or month of an app.
type period struct {
	app rollcall.AppID
	at  int
}

// counts are what is counted in a period, or what a batch adds to it.
type counts struct {
	active, signedUp, logins int64
	peak, peakAt             int64
}

// plus adds up what is added up. Of the peaks the higher one counts, and of two as high
// the one before.
func (n counts) plus(m counts) counts {
	n.active, n.signedUp, n.logins = n.active+m.active, n.signedUp+m.signedUp, n.logins+m.logins
	if m.peak > n.peak {
		n.peak, n.peakAt = m.peak, m.peakAt
	}
	return n
}

// The columns of usage, as scan reads them and put writes them.
const (
	usageColumns = `active, signed_up, logins, peak, peak_at, ifnull(sum, -1)`
	usageIn      = ` FROM usage WHERE app = ? AND period `
	readUsage    = `SELECT period, ` + usageColumns + usageIn + `BETWEEN ? AND ? ORDER BY period`
	readTally    = `SELECT ` + usageColumns + usageIn + `= ?`
	putUsage     = `INSERT INTO usage (active, signed_up, logins, peak, peak_at, sum, app, period) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET active = excluded.active, signed_up = excluded.signed_up, logins = excluded.logins,
		peak = excluded.peak, peak_at = excluded.peak_at, sum = excluded.sum`
	pruneUsage = `DELETE FROM usage WHERE app = :app AND period IN (
		SELECT period FROM usage WHERE app = :app AND period < :month
		UNION ALL SELECT period FROM usage WHERE app = :app AND period >= :lowest AND period < :day LIMIT :limit)`
)

// scan reads usageColumns, behind others.
func (n *counts) scan(r row, sum *int64, before ...any) error {
	return r.Scan(append(before, &n.active, &n.signedUp, &n.logins, &n.peak, &n.peakAt, sum)...)
}

// count adds the account to its app's day and month when it first came online in
// them, and to the day's new accounts when it signed up; and each login to its day.
func (b *batch) count(e *entry, o policy.Outcome) {
	s := o.State
	for i := range o.Events {
		if o.Events[i].Kind == policy.EventLogin {
			b.add(period{e.account.App, s.ActiveDay}, counts{logins: 1})
		}
	}
	if s.ActiveDay > e.is.ActiveDay {
		b.add(period{e.account.App, s.ActiveDay}, counts{active: 1})
	}
	if s.ActiveMonth > e.is.ActiveMonth {
		b.add(period{e.account.App, s.ActiveMonth}, counts{active: 1})
	}
	if s.Exists() && !e.is.Exists() {
		day := s.ActiveDay
		if day == 0 {
			y, m, d := s.Created.Date()
			day = (y*100+int(m))*100 + d
		}
		b.add(period{e.account.App, day}, counts{signedUp: 1})
	}
}

func (b *batch) add(p period, n counts) { b.usage[p] = b.usage[p].plus(n) }

// A tally is a row of usage as the database has it.
type tally struct {
	counts

	syndrome int64
}

// tallies are the rows that were written last. They are the writer's, as known is.
type tallies struct{ all map[period]tally }

const mostTallies = 1024

func (t *tallies) forget() { t.all = nil }

// saveUsage adds what the batch has counted. A row that is damaged goes on counting, and
// stays damaged: nobody is kept out for it.
func (b *batch) saveUsage() error {
	for p, n := range b.usage {
		t, err := b.tally(p)
		if err != nil {
			return fmt.Errorf("read what was counted of app %s: %w", p.app, err)
		}
		t.counts = t.plus(n)
		err = b.sql.putUsage.exec(t.active, t.signedUp, t.logins, t.peak, t.peakAt, sumOfUsage(p, t.counts)^t.syndrome, int64(p.app), p.at)
		if err != nil {
			return fmt.Errorf("count app %s: %w", p.app, err)
		}
		if b.tallies.all == nil || len(b.tallies.all) >= mostTallies {
			b.tallies.all = map[period]tally{}
		}
		b.tallies.all[p] = t
	}
	return nil
}

func (b *batch) tally(p period) (t tally, err error) {
	if t, found := b.tallies.all[p]; found {
		return t, nil
	}
	err = b.sql.usage.ask(func(r row) error {
		var sum int64
		err := t.scan(r, &sum)
		t.syndrome = b.sql.loads.old.syndrome(usageTable, sum, sumOfUsage(p, t.counts))
		return err
	}, int64(p.app), p.at)
	return t, err
}

// Usage implements store.Records.
func (s *Store) Usage(ctx context.Context, app rollcall.AppID, from, to int) (rows []store.UsageRow, err error) {
	err = s.read(ctx, "read the usage of app "+app.String(), func(tx *sql.Tx) error {
		rows, err = scanAll(ctx, tx.StmtContext(ctx, s.reads.usage), func(r *sql.Rows) (store.UsageRow, error) {
			return scanUsage(s.reads.loads.old, app, r)
		}, int64(app), from, to)
		return err
	})
	return rows, err
}

func scanUsage(old tables, app rollcall.AppID, r row) (u store.UsageRow, err error) {
	var n counts
	var sum int64
	if n.scan(r, &sum, &u.Period) != nil {
		return u, damaged("a row of usage of app %s cannot be read", app)
	}
	if !old.good(usageTable, sum, sumOfUsage(period{app, u.Period}, n)) {
		return u, damaged("usage of app %s in %d", app, u.Period)
	}
	u.Active, u.SignedUp, u.Logins, u.Peak, u.PeakAt = n.active, n.signedUp, n.logins, n.peak, moment(n.peakAt)
	return u, nil
}

// NotePeaks implements store.Records.
func (s *Store) NotePeaks(ctx context.Context, all []store.Peak) error {
	err := s.writer.submit(ctx, func(_ context.Context, b *batch) error {
		for _, p := range all {
			b.add(period{p.App, p.Day}, counts{peak: p.Sessions, peakAt: millis(p.At)})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note how many were online: %w", err)
	}
	return nil
}

// lowestDay is the least period that is a day; below it are months.
const lowestDay = 1_000_000

// PruneUsage implements store.Records.
func (s *Store) PruneUsage(ctx context.Context, app rollcall.AppID, before, limit int) (n int, err error) {
	err = s.writer.submit(ctx, func(ctx context.Context, b *batch) error {
		b.tallies.forget()
		r, err := b.conn.ExecContext(ctx, pruneUsage, sql.Named("app", int64(app)), sql.Named("month", before/100),
			sql.Named("lowest", lowestDay), sql.Named("day", before), sql.Named("limit", limit))
		if err != nil {
			return err
		}
		gone, err := r.RowsAffected()
		n = int(gone)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("drop old usage of app %s: %w", app, err)
	}
	return n, nil
}
