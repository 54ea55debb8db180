package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"rollcall.example/internal/store"
)

// sumAgainAfter is how long the summing of old rows waits after an error.
const sumAgainAfter = time.Minute

// sumOldRows gives rows their sums that an older program has written, beside all else.
func (s *Server) sumOldRows(ctx context.Context) error {
	for ctx.Err() == nil {
		err := s.store.Complete(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil && !errors.Is(err, store.ErrDisk) { // of which the log has heard
			s.cfg.Log.Error("sum the rows of an older program", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(sumAgainAfter):
		}
	}
	return nil
}

// damageLog says of each damaged row that was asked for which it is, and counts.
func damageLog(log *slog.Logger, m *metrics) func(error) {
	return func(err error) {
		m.damages.Inc()
		log.Error("what is stored is damaged, and was not served", "err", err)
	}
}
