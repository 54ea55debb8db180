package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"syscall"
	"time"

	"rollcall.example/internal/apps"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/node"
	"rollcall.example/internal/session"
	"rollcall.example/internal/store/sqlite"
)

// Open gives the operator of a data directory: through the server that runs on
// it, or, while none does, on its store. Options, which may be nil, is asked in
// that case alone for what the server's configuration says, and for a log: causes
// that the API does not tell are written there. free gives it up.
func Open(ctx context.Context, dir string, options func() (apps.Options, error)) (c *Client, free func() error, err error) {
	c = Local(dir)
	switch _, err := c.Apps(ctx); {
	case err == nil:
		return c, func() error { return nil }, nil
	case !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED):
		return nil, nil, fmt.Errorf("ask the running server: %w", err)
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, nil, fmt.Errorf("open the data directory: %w (make one with `rollcall init`)", err)
	}
	var o apps.Options
	if options != nil {
		if o, err = options(); err != nil {
			return nil, nil, err
		}
	}
	s, err := sqlite.Open(ctx, dir, sqlite.Options{})
	if err != nil {
		return nil, nil, fmt.Errorf("open the store: %w", err)
	}
	b, err := stopped(ctx, s, o)
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	c, shut, err := inside(b)
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return c, func() error { return errors.Join(shut(), s.Close()) }, nil
}

// stopped is the backend of a directory that no server runs on.
func stopped(ctx context.Context, s *sqlite.Store, o apps.Options) (Backend, error) {
	a, err := apps.Load(ctx, s, o)
	if err != nil {
		return Backend{}, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	t, err := LoadToken(ctx, s)
	x := session.New(s, a, node.NewRoster(), session.Options{Log: o.Log})
	return Backend{Apps: a, Sessions: x, Token: t, Whole: s, Log: o.Log}, err
}

// inside serves the API to a client in this process, until shut.
func inside(b Backend) (c *Client, shut func() error, err error) {
	const address = "admin:80" // of local
	var net memnet.Network
	l, err := net.Listen(address)
	if err != nil {
		return nil, nil, err
	}
	hs := &http.Server{Handler: Handler(b), ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- hs.Serve(l) }()
	shut = func() error {
		err := hs.Close()
		if end := <-ended; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	}
	return newClient(local, "", net.Dial), shut, nil
}
