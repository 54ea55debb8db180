package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"rollcall.example/internal/limit"
	"rollcall.example/internal/proxy"
	"rollcall.example/internal/session"
	"rollcall.example/wire"
)

// DoorOptions are the choices a Door has. The zero value bounds nothing.
type DoorOptions struct {
	Connections  int  // open at most
	PerAddress   int  // of one address; a /64 of IPv6 is one
	WithoutLogin int  // of those that are not logged in
	TLS          bool // clients speak TLS first
	Proxies      proxy.Trusted
	Refused      func(reason string)
	Log          *slog.Logger // default: none
}

// Why a connection was refused, as it is counted.
const (
	refusedFull      = "full"        // all connections there may be are logged in
	refusedAddress   = "address"     // so are those of its address
	refusedCrowd     = "crowded out" // it was not logged in, and made room for another
	refusedOpenFiles = "open files"  // the process may open no more
)

const (
	comeBackAfter = 2 * time.Second // told to those that are refused; clients spread themselves
	maxLeaving    = 64              // that are told so at leisure; others are cut after the word
	aMoment       = time.Millisecond
)

// A Door is the listener on which clients come in. It bounds how many are inside:
// who is logged in stays, and of the others those make room, when there is none,
// that have waited for longest at the address which most wait from. Who cannot
// come in, or has to go, is told so: with HTTP's 503, a close code once it is a
// WebSocket, an alert where TLS comes first.
type Door struct {
	net.Listener

	opt     DoorOptions
	crowd   limit.Crowd[netip.Addr]
	leaving atomic.Int32
	running sync.WaitGroup // of what tells them so
	spare   *os.File       // held to be given up for who finds no descriptor
	told    time.Time      // that there is none; in the log, once a minute
}

// NewDoor returns a door on a listener, which becomes the door's.
func NewDoor(l net.Listener, o DoorOptions) *Door {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Refused == nil {
		o.Refused = func(string) {}
	}
	return &Door{Listener: l, opt: o, crowd: limit.Crowd[netip.Addr]{
		Max: o.Connections, MaxEach: o.PerAddress, MaxWaiting: o.WithoutLogin, Brings: o.Proxies.Contains,
	}}
}

// Strangers is how many connections are inside that are not logged in.
func (d *Door) Strangers() int {
	_, waiting := d.crowd.Inside()
	return waiting
}

// Accept returns the next connection that is admitted.
func (d *Door) Accept() (net.Conn, error) {
	in, err := d.accept()
	if err != nil {
		return nil, err
	}
	return in, nil
}

func (d *Door) accept() (*inside, error) {
	if d.spare == nil {
		d.spare, _ = os.Open(os.DevNull) // without one nobody is told
	}
	for {
		nc, err := d.Listener.Accept()
		if noDescriptor(err) {
			nc, err = d.acceptOnSpare()
		}
		if errors.Is(err, errNoRoom) {
			continue
		}
		if err != nil {
			if errors.Is(err, net.ErrClosed) && d.spare != nil {
				_ = d.spare.Close()
			}
			return nil, err
		}
		if in := d.admit(nc); in != nil {
			return in, nil
		}
	}
}

// admit lets a connection in, or tells it why not and returns nil.
func (d *Door) admit(nc net.Conn) *inside {
	in := &inside{Conn: nc, door: d, from: proxy.Of(nc.RemoteAddr())}
	in.guest.Owner = in
	key := session.Address{Addr: in.from}.Key()
	if d.opt.Proxies.Contains(in.from) {
		key = in.from
	}
	out, why := d.crowd.Enter(&in.guest, key)
	if out != nil {
		d.sendOut(out.Owner.(*inside))
	}
	if why == limit.Admitted {
		return in
	}
	d.refused(why)
	if d.leave(in) {
		d.running.Go(func() { d.turnAway(in, true) })
	} else {
		d.word(nc)
		_ = nc.Close()
	}
	return nil
}

// refused counts a connection that may not come in.
func (d *Door) refused(why limit.Refusal) {
	switch why {
	case limit.Admitted:
	case limit.NoRoom:
		d.opt.Refused(refusedFull)
	case limit.NoRoomFor:
		d.opt.Refused(refusedAddress)
	}
}

// comesFrom counts a connection by the address of its client, when a proxy has said
// which that is. False: it may not stay, also when it is asked again.
func (in *inside) comesFrom(client session.Address) bool {
	switch {
	case in == nil || client.Addr == in.from:
		return true
	case in.unwelcome:
		return false
	}
	out, why := in.guest.Move(client.Key())
	if out != nil {
		in.door.sendOut(out.Owner.(*inside))
	}
	in.door.refused(why)
	in.unwelcome = why != limit.Admitted
	return !in.unwelcome
}

// sendOut tells a connection that has to go so, and ends it.
func (d *Door) sendOut(in *inside) {
	d.opt.Refused(refusedCrowd)
	c := in.conn.Load()
	switch leisurely := d.leave(in); {
	case c != nil && leisurely:
		c.Close(wire.Close{Code: wire.CloseOverloaded, RetryAfter: comeBackAfter})
	case c != nil:
		_ = in.SetWriteDeadline(time.Now().Add(aMoment))
		_, _ = in.Write(closeFrame(wire.Close{Code: wire.CloseOverloaded, RetryAfter: comeBackAfter}))
		_ = in.Close()
	case leisurely:
		d.running.Go(func() { d.turnAway(in, false) })
	default:
		_ = in.Close()
	}
}

// leave tells whether a connection may take its time to leave: few do at once.
func (d *Door) leave(in *inside) bool {
	if d.leaving.Add(1) > maxLeaving {
		d.leaving.Add(-1)
		return false
	}
	in.leaving.Store(true)
	return true
}

// turnAway ends a connection that has not been upgraded. Whoever reads it may go on
// meanwhile: what it reads comes to nothing.
func (d *Door) turnAway(in *inside, fresh bool) {
	defer func() { _ = in.Close() }()
	if d.opt.TLS && !fresh {
		return // it speaks TLS already, and its keys are not ours to use
	}
	if err := in.SetDeadline(time.Now().Add(closeWithin)); err != nil {
		return
	}
	d.word(in.Conn)
	if half, ok := in.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_, _ = io.CopyN(io.Discard, in.Conn, maxDiscarded) // unread bytes would cut the word off
}

// word tells a connection on which nothing was said yet that there is no room.
func (d *Door) word(nc net.Conn) {
	const text = "there is no room for this connection now: come back later\n"
	said := fmt.Sprintf("HTTP/1.1 503 Service Unavailable\r\nRetry-After: %d\r\nConnection: close\r\n"+
		"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", comeBackAfter/time.Second, len(text), text)
	if d.opt.TLS {
		said = "\x15\x03\x03\x00\x02\x02\x50" // a fatal alert: internal error
	}
	_ = nc.SetWriteDeadline(time.Now().Add(closeWithin))
	_, _ = io.WriteString(nc, said)
}

// errNoRoom: a connection found no descriptor.
var errNoRoom = errors.New("too many open files")

// acceptOnSpare accepts a connection although the process may open no more, and
// tells it so; it is returned if there is room after all. Somebody inside who is not
// logged in makes room for the next one.
func (d *Door) acceptOnSpare() (net.Conn, error) {
	if now := time.Now(); now.Sub(d.told) > time.Minute {
		d.told = now
		d.opt.Log.Error("too many open files: connections are refused; raise the limit, or lower `connections`")
	}
	if out := d.crowd.Eject(); out != nil {
		d.sendOut(out.Owner.(*inside))
	}
	if d.spare != nil {
		_ = d.spare.Close()
	}
	nc, err := d.Listener.Accept()
	if d.spare, _ = os.Open(os.DevNull); err == nil && d.spare != nil {
		return nc, nil
	}
	if noDescriptor(err) { // somebody else was faster
		time.Sleep(aMoment)
		return nil, errNoRoom
	}
	if err == nil {
		d.opt.Refused(refusedOpenFiles)
		_ = nc.SetReadDeadline(time.Now().Add(aMoment))
		_, _ = nc.Read(make([]byte, 4<<10)) // unread bytes would cut the word off
		d.word(nc)
		err = nc.Close()
		d.spare, _ = os.Open(os.DevNull)
		if err != nil {
			d.opt.Log.Debug("refuse", "err", err)
		}
		return nil, errNoRoom
	}
	return nil, err
}

func noDescriptor(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// Wait returns, once the door is closed, when all have left that were turned away.
func (d *Door) Wait() { d.running.Wait() }

// An inside is a connection that came in by a door.
type inside struct {
	net.Conn

	door      *Door
	from      netip.Addr // its other end, a proxy or not
	guest     limit.Guest[netip.Addr]
	conn      atomic.Pointer[conn] // since it was upgraded
	leaving   atomic.Bool
	unwelcome bool // where it comes from there is no room

	ahead [1]byte // read by await
	held  bool    // and not by Read yet
}

// await waits until there is something to read.
func (in *inside) await() error {
	if in.held {
		return nil
	}
	n, err := in.Conn.Read(in.ahead[:])
	in.held = n > 0
	return err
}

// Read implements net.Conn.
func (in *inside) Read(p []byte) (int, error) {
	if in.held && len(p) > 0 {
		in.held = false
		p[0] = in.ahead[0]
		return 1, nil
	}
	return in.Conn.Read(p)
}

// Close implements net.Conn.
func (in *inside) Close() error {
	in.guest.Leave()
	if in.leaving.CompareAndSwap(true, false) {
		in.door.leaving.Add(-1)
	}
	return in.Conn.Close()
}

// insideOf is the connection that came in by a door under nc, or nil.
func insideOf(nc net.Conn) *inside {
	if r, ok := nc.(*retold); ok {
		nc = r.Conn
	}
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	in, _ := nc.(*inside)
	return in
}

// settle keeps the connection inside while it is served or logged in. False: it
// has to go already.
func (in *inside) settle() bool { return in == nil || in.guest.Settle() }

// wait lets it go, or another, for those that come.
func (in *inside) wait() {
	if in == nil {
		return
	}
	if out := in.guest.Wait(); out != nil {
		in.door.sendOut(out.Owner.(*inside))
	}
}

// insideKey is where a request's context has its connection.
type insideKey struct{}

// ConnContext lets the requests of a connection know it. It is for http.Server.
func ConnContext(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, insideKey{}, insideOf(nc))
}

// insideBy is the connection that a request came by, or nil.
func insideBy(r *http.Request) *inside {
	in, _ := r.Context().Value(insideKey{}).(*inside)
	return in
}
