package sqlite

import (
	"context"
	"sync"

	"rollcall.example/internal/store"
)

// A long is a reading of the whole store: there is one at a time. As long as it lasts
// the log cannot begin anew; so it ends when the disk takes nothing any more.
type long struct {
	mu     sync.Mutex
	cancel context.CancelCauseFunc // of the one that runs
	closed bool
	runs   sync.WaitGroup
}

// hold runs f, unless another runs. Its context ends with the store.
func (l *long) hold(ctx context.Context, f func(context.Context) error) error {
	l.mu.Lock()
	switch {
	case l.closed:
		l.mu.Unlock()
		return store.ErrClosed
	case l.cancel != nil:
		l.mu.Unlock()
		return store.ErrBusy
	}
	ctx, l.cancel = context.WithCancelCause(ctx)
	l.runs.Add(1)
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.cancel(nil)
		l.cancel = nil
		l.mu.Unlock()
		l.runs.Done()
	}()
	return f(ctx)
}

// interrupt ends the one that runs.
func (l *long) interrupt(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel(why)
	}
}

// close ends the one that runs, waits for its end, and lets no other begin.
func (l *long) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.interrupt(store.ErrClosed)
	l.runs.Wait()
}
