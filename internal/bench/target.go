package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"rollcall.example"
	"rollcall.example/wire"
)

// A kind is what a server is.
type kind string

// The kinds.
const (
	floorKind     kind = "tcp"       // one HMAC, and an answer
	webSocketKind kind = "websocket" // an upgrade, and an answer
	rollcallKind  kind = "rollcall"
)

// benchApp is the app of the servers that a sitting starts.
const benchApp rollcall.AppID = 1400000000

// A target is a server under load.
type target struct {
	kind    kind
	address netip.AddrPort
	host    string      // as the request for an upgrade names it
	tls     *tls.Config // nil: none
	upgrade []byte      // the request for an upgrade; nil: none
	app     rollcall.AppID
	key     string
	dir     string // of a Rollcall that was started: its data directory
	ops     string // and its address for health, as http://127.0.0.1:7401, if it was asked for one

	relay bool // of a floor: it hands on what it is told

	process *process      // nil: somebody else's
	again   func() error  // starts a Rollcall that has ended, on the same directory and port
	ready   time.Duration // from the process's start to the first connection served
}

// name is what reports call it.
func (t *target) name() string { return name(t.kind, t.tls != nil) }

func name(k kind, secure bool) string {
	if secure {
		return string(k) + "+tls"
	}
	return string(k)
}

// A want is a server that a bench asks for.
type want struct {
	kind   kind
	secure bool
	notify bool // of a floor: who is superseded is told
	relay  bool // of a floor: messages are handed on
	steady bool // of a Rollcall: on a port that no client takes for its own while nobody listens on it

	ops  bool          // of a Rollcall: with an address for health
	wait time.Duration // of a Rollcall: that a login may have before it; 0: as configured by default
	env  []string      // of a Rollcall: configuration

	fill func(dir string) error // of a Rollcall: puts something into its data directory before it starts
}

// wants are the servers of a bench: the floor first.
func (s *sitting) wants(webSocket, notify bool) []want {
	all := []want{{kind: floorKind, notify: notify}}
	if webSocket {
		all = append(all, want{kind: webSocketKind})
	}
	if s.Running != nil {
		return append(all, want{kind: rollcallKind, secure: strings.HasPrefix(s.Running.URL, "wss:")})
	}
	all = append(all, want{kind: rollcallKind})
	if s.TLS {
		all = append(all, want{kind: floorKind, secure: true, notify: notify}, want{kind: rollcallKind, secure: true})
	}
	return all
}

// start starts a server, or, for a Rollcall, goes to the one that runs already.
// profile: a file for its CPU profile.
func (s *sitting) start(ctx context.Context, w want, profile string) (t *target, err error) {
	switch {
	case w.kind != rollcallKind:
		t, err = s.startFloor(w)
	case s.Running != nil:
		return s.visit(ctx)
	default:
		t, err = s.startRollcall(w, profile)
	}
	if err != nil {
		return nil, err
	}
	if err := t.awaitService(ctx); err != nil {
		return nil, errors.Join(err, t.stop())
	}
	return t, nil
}

// awaitService notes when the server serves its first connection.
func (t *target) awaitService(ctx context.Context) error {
	l, err := t.connect(ctx, nil)
	if err != nil {
		return fmt.Errorf("the server that was just started: %w", err)
	}
	l.cut()
	t.ready = time.Since(t.process.began)
	return nil
}

// startFloor starts a floor.
func (s *sitting) startFloor(w want) (*target, error) {
	args := []string{"bench", "floor", "--kind", string(w.kind)}
	if w.notify {
		args = append(args, "--notify")
	}
	if w.relay {
		args = append(args, "--relay")
	}
	if w.secure {
		args = append(args, "--certificate", s.cert.file, "--certificate-key", s.cert.key)
	}
	var listens struct {
		Clients string `json:"clients"`
	}
	p, err := begin(s.Again(args...), &listens)
	if err != nil {
		return nil, err
	}
	t := &target{kind: w.kind, tls: s.clientTLS(w.secure), relay: w.relay, process: p, app: benchApp, key: floorKey}
	return t.at(listens.Clients)
}

// at gives the target its address, as host:port or as a URL.
func (t *target) at(url string) (*target, error) {
	_, host, found := strings.Cut(url, "://")
	if !found {
		host = url
	}
	address, err := netip.ParseAddrPort(host)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%q is no address: %w", url, err), t.stop())
	}
	t.address, t.host = address, host
	if t.kind != floorKind {
		t.upgrade = upgradeRequest(host)
	}
	return t, nil
}

// startRollcall makes a data directory and starts a server on it.
func (s *sitting) startRollcall(w want, profile string) (*target, error) {
	dir := s.newDir()
	made := s.Again("init", "--dir", dir, "--app", fmt.Sprint(uint32(benchApp)), "--json")
	made.Env = clean(nil)
	var first struct {
		Key string `json:"key"`
	}
	said := &tail{}
	made.Stderr = said
	out, err := made.Output()
	if err != nil {
		return nil, fmt.Errorf("make a data directory: %w: %s", err, said)
	}
	if err := unmarshal(out, &first); err != nil {
		return nil, fmt.Errorf("make a data directory: %w", err)
	}
	if w.fill != nil {
		if err := w.fill(dir); err != nil {
			return nil, err
		}
	}
	t := &target{kind: rollcallKind, tls: s.clientTLS(w.secure), app: benchApp, key: first.Key, dir: dir}
	serve := func(listen string) (url string, err error) {
		args := append(w.serveArgs(), "--dir", dir, "--listen", listen)
		if profile != "" {
			args = append(args, "--cpu-profile", profile)
		}
		cmd := s.Again(args...)
		cmd.Env = slices.Clone(w.env)
		if w.secure {
			cmd.Env = append(cmd.Env, "ROLLCALL_TLS_CERTIFICATE="+s.cert.file, "ROLLCALL_TLS_KEY="+s.cert.key)
		}
		var listens struct {
			Clients string `json:"clients"`
			Ops     string `json:"ops"`
		}
		t.process, err = begin(cmd, &listens)
		t.ops = listens.Ops
		return listens.Clients, err
	}
	t.again = func() error {
		_, err := serve(t.address.String())
		return err
	}
	listen := "127.0.0.1:0"
	if w.steady {
		if listen, err = steadyAddress(); err != nil {
			return nil, err
		}
	}
	url, err := serve(listen)
	if err != nil {
		return nil, err
	}
	return t.at(url)
}

// serveArgs are the arguments of a Rollcall, but where it is.
func (w want) serveArgs() []string {
	args := []string{"serve", "--admin=", "--json", "--log-level", "error"}
	if w.ops {
		args = append(args, "--ops=127.0.0.1:0")
	} else {
		args = append(args, "--ops=")
	}
	if w.wait > 0 {
		args = append(args, "--login-wait", w.wait.String())
	}
	return args
}

// steadyAddress is free, and below the ports that systems give to clients: one of
// those may be taken by a client that tries to connect to it, while the server that
// had it is down.
func steadyAddress() (string, error) {
	var last error
	for range 50 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(10_000)))
		if err == nil {
			address := l.Addr().String()
			return address, l.Close()
		}
		last = err
	}
	return "", fmt.Errorf("find a port to listen on: %w", last)
}

// stop ends the server, if it is the sitting's.
func (t *target) stop() error {
	if t.process == nil {
		return nil
	}
	return t.process.stop()
}

// cpu is how much processor time the server has taken.
func (t *target) cpu() (time.Duration, bool) {
	if t.process == nil {
		return 0, false
	}
	return cpuTime(t.process.pid())
}

// rest waits until the server has done what is left from before: a tenth of a
// second in which it takes next to no processor time.
func (t *target) rest(ctx context.Context) error {
	const look, longest = 100 * time.Millisecond, 30 * time.Second
	before, known := t.cpu()
	if !known {
		return sleep(ctx, time.Second)
	}
	for began := time.Now(); time.Since(began) < longest; {
		if err := sleep(ctx, look); err != nil {
			return err
		}
		now, _ := t.cpu()
		if now-before < look/50 {
			return nil
		}
		before = now
	}
	return nil
}

// stopAll ends servers and says what did not end well.
func stopAll(all []*target) (err error) {
	for _, t := range all {
		err = errors.Join(err, t.stop())
	}
	return err
}

// upgradeRequest asks for a WebSocket that speaks wire.Proto.
func upgradeRequest(host string) []byte {
	return []byte("GET " + wire.Path + " HTTP/1.1\r\nHost: " + host +
		"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13" +
		"\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " + string(wire.Proto) + "\r\n\r\n")
}

// from is the address that a connection comes from: of this machine's own there
// are many. Each has some 28,000 ports, of which the system finds a free one more
// slowly the fewer there are: with a third of them taken it shows in the figures.
func from(to netip.AddrPort, connection int) netip.AddrPort {
	const each = 4_000
	if !manyAddresses || !to.Addr().Is4() || !to.Addr().IsLoopback() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + connection/each%250)}), 0)
}

// dialer connects without what a connection of a second has no use for.
var dialer = net.Dialer{KeepAlive: -1, Control: latePort}
