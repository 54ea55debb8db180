package bench

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/gobwas/ws"

	"rollcall.example/wire"
)

// visit makes sure that what Running names is a Rollcall that lets its app's
// accounts in, before anything is put on it.
func (s *sitting) visit(ctx context.Context) (*target, error) {
	t, err := find(ctx, s.Running)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := t.probe(ctx, s.Running.URL); err != nil {
		return nil, err
	}
	frames, err := t.logins(1)
	if err != nil {
		return nil, err
	}
	l, err := t.connect(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Running.URL, err)
	}
	defer l.cut()
	if err := l.login(frames[0]); err != nil {
		return nil, fmt.Errorf("%s does not let an account of app %d in: %w", s.Running.URL, t.app, err)
	}
	return t, nil
}

// find reads the address of a running server.
func find(ctx context.Context, r *Running) (*target, error) {
	u, err := url.Parse(r.URL)
	if err != nil || (u.Scheme != "ws" && u.Scheme != "wss") || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%q is no server: want ws://host:port or wss://host", r.URL)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"ws": "80", "wss": "443"}[u.Scheme]
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return nil, fmt.Errorf("look %s up: %w", u.Hostname(), err)
	}
	address, err := netip.ParseAddrPort(net.JoinHostPort(found[0].Unmap().String(), port))
	if err != nil {
		return nil, fmt.Errorf("%q is no server: %w", r.URL, err)
	}
	if !address.Addr().IsLoopback() && !r.Mine {
		return nil, fmt.Errorf("%s is on another machine, which a bench may bring down: with --mine you say that it is yours, and that it may", r.URL)
	}
	t := &target{kind: rollcallKind, address: address, host: u.Host, upgrade: upgradeRequest(u.Host), app: r.App, key: r.Key}
	if u.Scheme == "wss" {
		t.tls = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	}
	return t, nil
}

// probe refuses what does not answer as Rollcall does.
func (t *target) probe(ctx context.Context, where string) error {
	bare := *t
	bare.upgrade = nil
	l, err := bare.connect(ctx, nil)
	if err != nil {
		return fmt.Errorf("nothing answers at %s: %w", where, plainly(err))
	}
	defer l.cut()
	strange := func(what string) error {
		return fmt.Errorf("%s is not a Rollcall: %s; a bench puts no load on what it does not know", where, what)
	}
	if err := l.conn.SetDeadline(time.Now().Add(probeWithin)); err != nil {
		return err
	}
	if err := l.send(t.upgrade); err != nil {
		return strange("it closed the connection")
	}
	in := bufio.NewReader(l.conn)
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		return strange("what it answers is not HTTP")
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode != http.StatusSwitchingProtocols:
		return strange(fmt.Sprintf("it answers %q where a WebSocket should begin, at %s", response.Status, wire.Path))
	case response.Header.Get("Sec-WebSocket-Protocol") != string(wire.Proto):
		return strange("it does not speak " + string(wire.Proto))
	}
	if err := ping(l, in); err != nil {
		return strange("it does not answer a ping as one: " + err.Error())
	}
	return nil
}

// plainly is why a connection failed, without the addresses.
func plainly(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Err
	}
	return err
}

// probeWithin is how long a server may think about a ping.
const probeWithin = 10 * time.Second

// ping asks for the server's clock.
func ping(l *line, in *bufio.Reader) error {
	const id = 0x2a2b2c // nobody answers with it by chance
	b, err := wire.Proto.Encode(&wire.ClientFrame{Id: id, Request: &wire.ClientFrame_Ping{Ping: &wire.PingRequest{}}})
	if err != nil {
		return err
	}
	if err := l.send(masked(ws.OpBinary, b)); err != nil {
		return err
	}
	h, err := ws.ReadHeader(in)
	if err != nil {
		return errors.New("no message comes")
	}
	if h.OpCode != ws.OpBinary || h.Length > bufferBytes {
		return errors.New("another kind of message comes")
	}
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(in, payload); err != nil {
		return errors.New("the message does not end")
	}
	f := new(wire.ServerFrame)
	if err := wire.Proto.Decode(payload, f); err != nil {
		return err
	}
	if f.GetId() != id || f.GetPing() == nil || f.GetTimeMs() == 0 {
		return errors.New("it answers something else")
	}
	return nil
}
