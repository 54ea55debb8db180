package badnet

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	segment  = 1448                   // bytes of a TCP segment on Ethernet
	window   = 256 << 10              // bytes of a connection under way, each way
	leastRTO = 200 * time.Millisecond // that Linux waits beside the round trip
	maxTries = 6                      // of a segment that is lost again and again
)

// A link is a connection with both its ends, carried by the proxy.
type link struct {
	proxy          *Proxy
	client, server net.Conn
	ways           [2]*way
	broken         chan struct{} // closed: nothing passes any more
	over           chan struct{} // closed: and both ends know

	mu                       sync.Mutex
	clientKnows, serverKnows bool
}

func newLink(p *Proxy, number uint64, client, server net.Conn) *link {
	x := &link{proxy: p, client: client, server: server, broken: make(chan struct{}), over: make(chan struct{})}
	for i, ends := range [2][2]net.Conn{{client, server}, {server, client}} {
		x.ways[i] = &way{
			link: x, from: ends[0], to: ends[1], queue: make(chan piece, window/segment),
			rnd: rand.New(rand.NewPCG(p.seed, 2*number+uint64(i))),
		}
	}
	return x
}

// fail breaks the link for those who get to know, if they do not yet.
func (x *link) fail(how Break) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var told []net.Conn
	if !x.clientKnows && (how == Reset || how == Unplug) {
		told = append(told, x.client)
	}
	if !x.serverKnows && (how == Reset || how == Forget) {
		told = append(told, x.server)
	}
	for _, c := range told {
		harden(c) // whoever closes it first
	}
	if !x.clientKnows && !x.serverKnows {
		close(x.broken)
	}
	for _, c := range told {
		_ = c.Close()
		x.clientKnows = x.clientKnows || c == x.client
		x.serverKnows = x.serverKnows || c == x.server
	}
	if len(told) > 0 && x.clientKnows && x.serverKnows {
		close(x.over)
	}
}

// run carries what both ends say until one of them has ended; when the link is half
// open, until the other end knows, or ctx ends.
func (x *link) run(ctx context.Context) {
	all, ctx := errgroup.WithContext(ctx)
	for _, w := range x.ways {
		all.Go(func() error { return w.read(ctx) })
		all.Go(func() error { return w.write(ctx) })
	}
	defer context.AfterFunc(ctx, func() {
		_ = x.client.Close()
		_ = x.server.Close()
	})()
	_ = all.Wait() // by then one of them has ended, and so have all
}

// A way is one direction of a link.
type way struct {
	link     *link
	from, to net.Conn
	queue    chan piece
	rnd      *rand.Rand

	free time.Time // when the line has sent all that came before
	last time.Time // when that arrives
}

// A piece is a segment on its way, or why there is no other.
type piece struct {
	data    []byte
	end     error
	arrives time.Time
}

// read reads what one end says and sends it on its way.
func (w *way) read(ctx context.Context) error {
	b := make([]byte, segment)
	for {
		n, err := w.from.Read(b)
		if n > 0 && !w.send(ctx, piece{data: append([]byte(nil), b[:n]...)}) {
			return nil
		}
		if err == nil {
			continue
		}
		select {
		case <-w.link.broken: // who knows of it has hung up
			return nil
		default:
		}
		w.send(ctx, piece{end: err})
		return nil
	}
}

// send puts a piece on its way; false: the link has come to its end.
func (w *way) send(ctx context.Context, p piece) bool {
	p.arrives = w.arrival(time.Now(), len(p.data))
	select {
	case w.queue <- p:
		return true
	case <-w.link.broken:
	case <-ctx.Done():
	}
	return false
}

// arrival is when a segment arrives that is sent now.
func (w *way) arrival(now time.Time, size int) time.Time {
	line, _, _ := w.link.proxy.state()
	if w.free.Before(now) {
		w.free = now
	}
	if line.Bandwidth > 0 {
		w.free = w.free.Add(time.Duration(size) * time.Second / time.Duration(line.Bandwidth))
	}
	at := w.free.Add(line.delay(w.rnd))
	rto := leastRTO + 2*line.Delay
	for range maxTries {
		if w.rnd.Float64() >= line.Loss {
			break
		}
		at = at.Add(rto)
		rto *= 2
	}
	if at.Before(w.last) {
		at = w.last
	}
	w.last = at
	return at
}

// delay draws a delay.
func (l Line) delay(rnd *rand.Rand) time.Duration {
	d := l.Delay + time.Duration((2*rnd.Float64()-1)*float64(l.Jitter))
	return max(d, 0)
}

// write lets pieces arrive, each in its time.
func (w *way) write(ctx context.Context) error {
	for {
		var p piece
		select {
		case p = <-w.queue:
		case <-w.link.broken:
			return w.half(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
		if !w.await(ctx, p.arrives) {
			return w.half(ctx)
		}
		switch {
		case errors.Is(p.end, io.EOF):
			return errEnded
		case p.end != nil:
			reset(w.to)
			return errEnded
		}
		if _, err := w.to.Write(p.data); err != nil {
			reset(w.from)
			return errEnded
		}
	}
}

// half holds a broken link open for an end that was not told.
func (w *way) half(ctx context.Context) error {
	select {
	case <-w.link.over:
		return errEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await waits until a moment has come and the line lets bytes pass; false: it never
// will.
func (w *way) await(ctx context.Context, t time.Time) bool {
	clock := time.NewTimer(time.Until(t))
	defer clock.Stop()
	select {
	case <-clock.C:
	case <-w.link.broken:
		return false
	case <-ctx.Done():
		return false
	}
	for {
		_, cut, passes := w.link.proxy.state()
		if cut != Silent {
			return true
		}
		select {
		case <-passes:
		case <-w.link.broken:
			return false
		case <-ctx.Done():
			return false
		}
	}
}
