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
type counts struct{ active, signedUp int64 }

func (n counts) plus(m counts) counts { return counts{n.active + m.active, n.signedUp + m.signedUp} }

// count adds the account to its app's day and month when it first came online in
// them, and to the day's new accounts when it signed up.
func (b *batch) count(e *entry, s policy.State) {
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
		if err := b.sql.putUsage.exec(t.active, t.signedUp, sumOfUsage(p, t.counts)^t.syndrome, int64(p.app), p.at); err != nil {
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
		err := r.Scan(&t.active, &t.signedUp, &sum)
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
	var sum int64
	if r.Scan(&u.Period, &u.Active, &u.SignedUp, &sum) != nil {
		return u, damaged("a row of usage of app %s cannot be read", app)
	}
	if !old.good(usageTable, sum, sumOfUsage(period{app, u.Period}, counts{u.Active, u.SignedUp})) {
		return u, damaged("usage of app %s in %d", app, u.Period)
	}
	return u, nil
}
