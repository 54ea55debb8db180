package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// idle measures the memory of servers that were just started, one after the other,
// with n idle sessions that are left alone for a while.
func (s *sitting) idle(ctx context.Context, n int, settle time.Duration, report *Report) error {
	for _, w := range s.wants(true, false) {
		i, known, err := s.idleOf(ctx, w, n, settle)
		if err != nil {
			return err
		}
		if !known {
			s.sayf("memory is not measured on this system")
			return nil
		}
		s.sayf("%d idle sessions: %-13s %8.0f bytes each, %.1f MB at rest", n, i.Subject, i.PerSession, float64(i.RestBytes)/1e6)
		report.Idle = append(report.Idle, i)
	}
	return nil
}

func (s *sitting) idleOf(ctx context.Context, w want, n int, settle time.Duration) (i Idle, known bool, err error) {
	t, err := s.start(ctx, w, "")
	if err != nil {
		return i, false, err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	frames, err := t.logins(n)
	if err != nil {
		return i, false, err
	}
	if err := errors.Join(t.rest(ctx), sleep(ctx, min(settle, restAtFirst))); err != nil {
		return i, false, err
	}
	i = Idle{Subject: t.name(), Sessions: n, SettledS: settle.Seconds()}
	if i.RestBytes, i.RestPSSBytes, known = memory(t.process.pid()); !known {
		return i, false, nil
	}
	lines, err := t.logInAll(ctx, frames)
	defer func() {
		for _, l := range lines {
			l.cut()
		}
	}()
	if err := errors.Join(err, sleep(ctx, settle), t.rest(ctx)); err != nil {
		return i, false, err
	}
	resident, proportional, _ := memory(t.process.pid())
	i.ResidentBytes = resident
	i.PerSession = float64(resident-i.RestBytes) / float64(n)
	i.PerSessionPSS = float64(proportional-i.RestPSSBytes) / float64(n)
	return i, true, nil
}

// restAtFirst is how long a server that was just started is left alone, at most.
const restAtFirst = 2 * time.Second

// together is how many clients log sessions in that are then idle.
const together = 64

// logInAll logs a session in with each frame. Its connections are returned even
// with an error, and are nobody's then.
func (t *target) logInAll(ctx context.Context, frames [][]byte) ([]*line, error) {
	lines := make([]*line, len(frames))
	err := inParallel(ctx, len(frames), func(ctx context.Context, i int, buf []byte) error {
		l, err := t.connectFrom(ctx, buf, i)
		if err != nil {
			return fmt.Errorf("idle session %d: %w", i+1, err)
		}
		lines[i] = l
		if err := l.login(frames[i]); err != nil {
			return fmt.Errorf("idle session %d: %w", i+1, err)
		}
		l.buf = nil
		return nil
	})
	return slices.DeleteFunc(lines, func(l *line) bool { return l == nil }), err
}

// inParallel does something n times, some at a time, until one fails. buf is its
// own while it does.
func inParallel(ctx context.Context, n int, do func(ctx context.Context, i int, buf []byte) error) error {
	var taken atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range min(together, n) {
		g.Go(func() error {
			buf := make([]byte, bufferBytes)
			for ctx.Err() == nil {
				i := int(taken.Add(1)) - 1
				if i >= n {
					return nil
				}
				if err := do(ctx, i, buf); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// starts measures how long the servers take to get ready.
func (s *sitting) starts(ctx context.Context, report *Report) error {
	for _, w := range s.wants(true, false) {
		start := Start{Subject: name(w.kind, w.secure)}
		for range s.Rounds {
			t, err := s.start(ctx, w, "")
			if err != nil {
				return err
			}
			start.All = append(start.All, float64(t.ready.Microseconds())/1e3)
			if err := t.stop(); err != nil {
				return err
			}
		}
		start.Ms = median(start.All)
		s.sayf("start: %-13s ready within %.0f ms", start.Subject, start.Ms)
		report.Starts = append(report.Starts, start)
	}
	return nil
}

// flushes measures one flush of a small append to a file in the sitting's directory.
func (s *sitting) flushes(ctx context.Context, n int) (all []time.Duration, err error) {
	f, err := os.OpenFile(filepath.Join(s.dir, "flushed"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	page := make([]byte, 4096)
	for range n {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if _, err := f.Write(page); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := f.Sync(); err != nil {
			return nil, err
		}
		all = append(all, time.Since(began))
	}
	return all, nil
}
