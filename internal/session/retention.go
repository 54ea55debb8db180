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

// Retain drops rows of history that are older than their app keeps them, until ctx
// ends. Accounts and sessions stay. What is dropped does not come back, so a clock
// that jumped forward is not believed for an hour.
func (s *Sessions) Retain(ctx context.Context) error {
	clock := s.watched()
	for pause := retainFirst; sleep(ctx, pause, nil); pause = retainEvery {
		now := s.Now()
		if s.watch && clock.jumped(now, time.Now()) {
			s.opt.Log.Error("the clock jumped forward by more than a minute: no history is dropped for an hour")
			continue
		}
		all, err := s.apps.List(ctx)
		for _, app := range all {
			if err == nil {
				err = s.prune(ctx, app.ID, now)
			}
		}
		if err != nil && ctx.Err() == nil {
			s.opt.Log.Error("drop old history", "err", err)
		}
	}
	return nil
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
