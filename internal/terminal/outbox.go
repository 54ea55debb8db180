package terminal

import (
	"context"
	"errors"
	"sync"
	"time"

	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/backoff"
)

// maxWaiting bounds the messages that were typed and are not sent yet.
const maxWaiting = 100

// An outbox has the messages that were typed and are not acknowledged, the one on its
// way first.
type outbox struct {
	mu      sync.Mutex
	waiting []client.Outgoing
	refused int           // for good, until now
	changed chan struct{} // closed and replaced when that changes
	nudge   chan struct{} // it may be worth trying again
}

func newOutbox() *outbox {
	return &outbox{changed: make(chan struct{}), nudge: make(chan struct{}, 1)}
}

// add puts a message behind the others; false: there are too many.
func (b *outbox) add(o client.Outgoing) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == maxWaiting {
		return false
	}
	b.waiting = append(b.waiting, o)
	b.tell()
	return true
}

// tell wakes those who wait. The outbox is locked.
func (b *outbox) tell() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// first is the message to be sent; false: there is none. changed is closed when that
// may have changed.
func (b *outbox) first() (o client.Outgoing, ok bool, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		return o, false, b.changed
	}
	return b.waiting[0], true, b.changed
}

// done takes the first message out: it was acknowledged, or refused for good.
func (b *outbox) done(refused bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = b.waiting[1:]
	if refused {
		b.refused++
	}
	b.tell()
}

// count is how many messages wait, and how many were refused for good.
func (b *outbox) count() (waiting, refused int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting), b.refused
}

// empty waits until no message waits; false: ctx ended before.
func (b *outbox) empty(ctx context.Context) bool {
	for {
		_, some, changed := b.first()
		if !some {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// tryNow has a message that waits tried again.
func (b *outbox) tryNow() {
	select {
	case b.nudge <- struct{}{}:
	default:
	}
}

// sender is what sends a message: client.Client.Send.
type sender func(context.Context, client.Outgoing) (client.Message, error)

// deliver sends what is put in, one message after the other, until ctx ends. Each is
// sent until it is acknowledged or refused for good.
func (b *outbox) deliver(ctx context.Context, send sender, show func(event)) {
	for {
		o, ok, changed := b.first()
		if !ok {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return
			}
		}
		m, err := b.sent(ctx, o, send, show)
		switch {
		case ctx.Err() != nil && err != nil:
			return
		case err != nil:
			b.done(true)
			show(lost{o, notSent(o.To, err)})
		default:
			b.done(false)
			show(said{Message: m})
		}
	}
}

// sent sends one message, again and again while that may help.
func (b *outbox) sent(ctx context.Context, o client.Outgoing, send sender, show func(event)) (client.Message, error) {
	again := backoff.Backoff{Base: time.Second, Cap: 10 * time.Second}
	for {
		m, err := send(ctx, o)
		if err == nil || ctx.Err() != nil || !passing(err) {
			return m, err
		}
		show(typed{o, waiting(err)})
		var hint time.Duration
		if coded, ok := errors.AsType[*imcode.Error](err); ok {
			hint = coded.RetryAfter
		}
		timer := time.NewTimer(again.Next(hint))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-b.nudge:
		}
		timer.Stop()
	}
}

// passing tells whether what was refused may be granted later, as it is.
func passing(err error) bool {
	switch imcode.Of(err) {
	case imcode.NotLoggedIn, imcode.Disconnected, imcode.WaitAckTimeout, imcode.CallFrequencyLimit,
		imcode.TooManyRequests, imcode.Internal:
		return true
	}
	return unreached(err)
}

// unreached tells whether a login failed because of the network.
func unreached(err error) bool {
	switch imcode.Of(err) {
	case imcode.Disconnected, imcode.ConnectTimeout, imcode.ConnectRefused, imcode.NetworkUnreachable,
		imcode.HostNotFound, imcode.RequestTimeout, imcode.Internal:
		return true
	}
	return false
}
