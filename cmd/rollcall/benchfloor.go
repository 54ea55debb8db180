package main

import (
	"context"
	"io"
	"net"

	"rollcall.example/internal/bench"
)

// benchFloor is a server to measure beside Rollcall. It ends with its input.
type benchFloor struct {
	Kind           string `enum:"tcp,websocket" default:"tcp" help:"tcp or websocket."`
	Notify         bool   `help:"Tell who is superseded."`
	Relay          bool   `help:"Hand messages on."`
	Certificate    string `type:"existingfile" help:"With TLS."`
	CertificateKey string `type:"existingfile" help:"With TLS."`
}

// Run serves.
func (c *benchFloor) Run(ctx context.Context, s *streams) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := printLine(s.out, map[string]string{"clients": l.Addr().String()}); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, s.in)
		stop()
	}()
	serve := func(l net.Listener) error {
		if c.Relay {
			return bench.ServeRelay(ctx, l, c.Kind == "websocket")
		}
		if c.Kind == "websocket" {
			return bench.ServeWebSocket(ctx, l)
		}
		return bench.ServeFloor(ctx, l, c.Notify)
	}
	if c.Certificate != "" {
		return bench.ServeTLS(c.Certificate, c.CertificateKey, l, serve)
	}
	return serve(l)
}
