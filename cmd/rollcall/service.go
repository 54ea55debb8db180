package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"rollcall.example/internal/certificate"
	"rollcall.example/internal/config"
	"rollcall.example/server"
)

// A service is a server that listens already and will serve once it runs.
type service struct {
	*server.Server

	clients string // where clients connect, as ws://127.0.0.1:7400
	ops     string // for the operator's machines, as http://127.0.0.1:7401; or empty
	admin   string // for operators, as http://127.0.0.1:7402; or empty

	certificate *certificate.Pair // for clients; nil: they connect without TLS
}

// onHangUp reads the certificate again at each SIGHUP, until stop. A server without
// one leaves the signal as it is.
func (s *service) onHangUp() (stop func()) {
	if s.certificate == nil || signal.Ignored(syscall.SIGHUP) {
		return func() {}
	}
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	var reading sync.WaitGroup
	reading.Go(func() {
		for range hangUp {
			s.certificate.Reload()
		}
	})
	return func() {
		signal.Stop(hangUp)
		close(hangUp)
		reading.Wait()
	}
}

// open opens a server on a data directory, as configured.
func open(ctx context.Context, c config.Config, log *slog.Logger, sampleKeys bool) (*service, error) {
	cfg, err := configured(c)
	if err != nil {
		return nil, err
	}
	cfg.Log, cfg.SampleKeys = log, sampleKeys
	s := &service{}
	scheme := "ws://"
	if c.TLS.Certificate != "" {
		if s.certificate, err = certificate.Load(c.TLS.Certificate, c.TLS.Key, log); err != nil {
			return nil, err
		}
		cfg.TLS = &tls.Config{GetCertificate: s.certificate.Get, MinVersion: tls.VersionTLS12}
		scheme = "wss://"
	}
	if err := apart(c.Listen); err != nil {
		return nil, err
	}
	if cfg.Listener, cfg.Ops, cfg.AdminTCP, err = listenAll(ctx, c.Listen); err != nil {
		return nil, err
	}
	s.clients = scheme + cfg.Listener.Addr().String()
	if cfg.TLS == nil && !loopback(cfg.Listener.Addr()) {
		log.Warn("clients connect without TLS from other machines: tickets can be read on the way unless a proxy in front does TLS", "address", s.clients)
	}
	if cfg.Ops != nil {
		s.ops = "http://" + cfg.Ops.Addr().String()
	}
	if cfg.AdminTCP != nil {
		s.admin = "http://" + cfg.AdminTCP.Addr().String()
		if !loopback(cfg.AdminTCP.Addr()) {
			log.Warn("operators connect without TLS from other machines: their token can be read on the way unless a proxy in front does TLS", "address", s.admin)
		}
	}
	if s.Server, err = server.New(ctx, cfg); err != nil {
		return nil, err
	}
	return s, s.ListenAdmin(ctx)
}

// configured is what the configuration says, but where to listen.
func configured(c config.Config) (server.Config, error) {
	master, err := masterKey()
	cfg := server.Config{
		Dir:          c.Dir,
		LoginWithin:  time.Duration(c.Timeouts.Login),
		Heartbeat:    time.Duration(c.Timeouts.Heartbeat),
		Silence:      time.Duration(c.Timeouts.Silence),
		WebHeartbeat: time.Duration(c.Timeouts.WebHeartbeat),
		WebSilence:   time.Duration(c.Timeouts.WebSilence),
		DrainWithin:  time.Duration(c.Timeouts.Drain),
		DrainSpread:  time.Duration(c.Timeouts.DrainSpread),

		Connections:             int(c.Limits.Connections),
		ConnectionsPerAddress:   int(c.Limits.ConnectionsPerAddress),
		ConnectionsWithoutLogin: int(c.Limits.ConnectionsWithoutLogin),
		MessageBytes:            int64(c.Limits.MessageMiBPerDay) << 20,
		FreeDisk:                int64(c.Limits.FreeDiskMiB) << 20,
		LoginWait:               time.Duration(c.Limits.LoginWait),

		MasterKey:       master,
		MaxWebInstances: int(c.Policy.MaxWebInstances),
		MaxInstances:    int(c.Policy.MaxInstances),
	}
	cfg.ProxyProtocol = c.Listen.ProxyProtocol
	for _, n := range c.Listen.TrustedProxies {
		cfg.Proxies = append(cfg.Proxies, netip.Prefix(n))
	}
	for _, origin := range c.Web.Origins {
		cfg.Origins = append(cfg.Origins, string(origin))
	}
	return cfg, err
}

// apart refuses one address for two things.
func apart(l config.Listen) error {
	taken := map[config.Address]string{}
	for _, x := range []struct {
		key string
		at  config.Address
	}{{"clients", l.Clients}, {"ops", l.Ops}, {"admin", l.Admin}} {
		if x.at == "" || strings.HasSuffix(string(x.at), ":0") {
			continue
		}
		if other, twice := taken[x.at]; twice {
			return fmt.Errorf("listen for %s: %s is where this server listens for %s: want another port for one of them", x.key, x.at, other)
		}
		taken[x.at] = x.key
	}
	return nil
}

// listenAll listens for all of [listen], or for nothing: then it tells of every address
// that cannot be had.
func listenAll(ctx context.Context, l config.Listen) (clients, ops, admin net.Listener, err error) {
	clients, noClients := listen(ctx, "clients", l.Clients)
	var noOps, noAdmin error
	if l.Ops != "" {
		ops, noOps = listen(ctx, "ops", l.Ops)
	}
	if l.Admin != "" {
		admin, noAdmin = listen(ctx, "admin", l.Admin)
	}
	if err = errors.Join(noClients, noOps, noAdmin); err == nil {
		return clients, ops, admin, nil
	}
	for _, open := range []net.Listener{clients, ops, admin} {
		if open != nil {
			_ = open.Close()
		}
	}
	return nil, nil, nil, err
}

// listen listens for one of the keys of [listen].
func listen(ctx context.Context, key string, a config.Address) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", string(a))
	if errors.Is(err, syscall.EADDRINUSE) {
		flag := map[string]string{"clients": "--listen", "ops": "--ops", "admin": "--admin"}[key]
		return nil, fmt.Errorf("listen for %s: %s is in use by another program: end that, or take another port with %s", key, a, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", key, err)
	}
	return l, nil
}

// loopback tells whether only this machine can reach an address.
func loopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}

// logger is the log that is configured.
func logger(w io.Writer, c config.Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.Level(c.Level)}
	if c.Format == config.JSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
