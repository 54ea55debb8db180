package session

import (
	"context"
	"time"

	"rollcall.example"
)

const (
	retainFirst = time.Minute // after the start, when those who come back are in
	retainEvery = time.Hour
	retainBatch = 500                    // rows dropped in one commit
	retainPause = 100 * time.Millisecond // between two, so that logins are not held up
)

// Retain drops rows of history that are older than their app keeps them, and counts of
// days and months of more than ten years ago, until ctx ends. Accounts and sessions stay. What is dropped does not come back, so a clock
// that jumped forward is not believed for an hour. also drops what else an app keeps for
// a time.
func (s *Sessions) Retain(ctx context.Context, also ...func(context.Context, rollcall.AppID, time.Time) error) error {
	clock := s.watched()
	for pause := retainFirst; sleep(ctx, pause, nil); pause = retainEvery {
		now := s.Now()
		if s.watch && clock.jumped(now, time.Now()) {
			s.opt.Log.Error("the clock jumped forward by more than a minute: no history is dropped for an hour")
			continue
		}
		all, err := s.apps.List(ctx)
		for _, app := range all {
			for _, drop := range append(also, s.prune, s.pruneUsage) {
				if err == nil {
					err = drop(ctx, app.ID, now)
				}
			}
		}
		if err != nil && ctx.Err() == nil {
			s.opt.Log.Error("drop old history", "err", err)
		}
	}
	return nil
}

// pruneUsage drops the counts of an app that are old now, whole months of them. What
// there is more than one commit takes goes an hour later.
func (s *Sessions) pruneUsage(ctx context.Context, id rollcall.AppID, now time.Time) error {
	before := firstOfMonth(calendar(now.In(s.zone(id)))).AddDate(-usageYears, 0, 0)
	_, err := s.store.PruneUsage(ctx, id, dayOf(before), retainBatch)
	return err
}

// prune drops the rows of one app that are old now.
func (s *Sessions) prune(ctx context.Context, id rollcall.AppID, now time.Time) error {
	app, err := s.apps.App(id)
	if err != nil {
		return err
	}
	before := now.AddDate(0, 0, -app.Settings.Effective().HistoryDays)
	for {
		n, err := s.store.Prune(ctx, id, before, retainBatch)
		if n > 0 {
			s.opt.OnPrune(n)
		}
		if err != nil || n < retainBatch {
			return err
		}
		if !sleep(ctx, retainPause, nil) {
			return nil
		}
	}
}
