// Package stage is a whole server inside one process, with what a story about it
// needs: devices that dial from places of their own, a network that can be cut,
// a clock that can be moved, and a server that restarts or dies.
//
// Package rollcalltest hands it to Go tests, package conformance plays its
// scenarios on it, and the tour does so over real TCP. In memory, and inside a
// testing/synctest bubble, it lives in the bubble's fake time.
package stage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"rollcall.example"
	"rollcall.example/internal/memnet"
	"rollcall.example/server"
	"rollcall.example/usersig"
)

// App is the app that a stage's server has, with one key.
const App rollcall.AppID = 1400000000

// Where the server listens: in a network in memory, and over TCP for the first
// time.
const (
	memory  = "rollcall.test:80"
	anyPort = "127.0.0.1:0"
)

// Options are the choices a stage has. The zero value is good.
type Options struct {
	// TCP lets the server listen on a free port of 127.0.0.1, instead of a
	// network in memory.
	TCP bool
	// Server is what the server is made of; Dir, Listener and Now are the stage's.
	Server server.Config
}

// A Stage is a server and the world around it. Its methods may be called
// concurrently.
type Stage struct {
	dir   string
	opt   Options
	key   string
	net   memnet.Network
	ahead atomic.Int64 // how far the server's clock is ahead of this machine's

	mu        sync.Mutex
	address   string
	run       *run // nil: no server is running
	endpoints map[string]*Endpoint
}

// A run is one life of the server, as a process has one.
type run struct {
	server *server.Server
	door   *door
	cancel context.CancelFunc
	ended  chan error
}

// Open starts a server that keeps everything in dir. Close it.
func Open(dir string, o Options) (*Stage, error) {
	s := &Stage{dir: dir, opt: o, address: memory, endpoints: make(map[string]*Endpoint)}
	if o.TCP {
		s.address = anyPort
	}
	if err := s.Start(); err != nil {
		return nil, err
	}
	key, err := s.run.server.Apps().Add(context.Background(), App, "stage", "")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("add an app: %w", err), s.Close())
	}
	s.key = key
	return s, nil
}

// URL is where clients find the server; it stays through restarts.
func (s *Stage) URL() string { return "ws://" + s.address }

// Key is the app's secret key.
func (s *Stage) Key() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key
}

// Now is the server's clock.
func (s *Stage) Now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// Advance moves the server's clock forward, or back. What has become due by it
// happens at once. This machine's clock, and so the clients', is left alone.
func (s *Stage) Advance(d time.Duration) {
	s.ahead.Add(int64(d))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		s.run.server.Wake()
	}
}

// UserSig is a ticket of the user, good for the time given by the server's clock.
func (s *Stage) UserSig(user string, lifetime time.Duration) (string, error) {
	return usersig.Sign(App, s.Key(), user, s.Now(), lifetime)
}

// Start starts the server if it does not run, on the data it left.
func (s *Stage) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		return nil
	}
	l, err := s.listen()
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &run{door: &door{Listener: l, open: make(map[net.Conn]struct{})}, cancel: cancel, ended: make(chan error, 1)}
	cfg := s.opt.Server
	cfg.Dir, cfg.Listener, cfg.Now = filepath.Join(s.dir, "server"), r.door, s.Now
	if r.server, err = server.New(ctx, cfg); err != nil {
		cancel()
		return errors.Join(fmt.Errorf("start the server: %w", err), l.Close())
	}
	go func() { r.ended <- r.server.Run(ctx) }()
	s.run = r
	return nil
}

func (s *Stage) listen() (net.Listener, error) {
	if !s.opt.TCP {
		return s.net.Listen(s.address)
	}
	l, err := net.Listen("tcp", s.address)
	if err == nil && s.address == anyPort { // the first time, in Open: later the address is read by others
		s.address = l.Addr().String()
	}
	return l, err
}

// Stop stops the server as a deployment does: clients are asked to come back
// later, and what has begun is finished.
func (s *Stage) Stop() error { return s.end(func(*run) error { return nil }) }

// Kill stops the server as the end of its process would, as far as one process
// can do that to itself: nothing more is written or sent, nobody is told, every
// connection is closed.
func (s *Stage) Kill() error {
	return s.end(func(r *run) error {
		r.door.mute()
		err := r.server.Abandon()
		r.cancel()
		r.door.shut()
		return err
	})
}

func (s *Stage) end(first func(*run) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return nil
	}
	r := s.run
	s.run = nil
	err := first(r)
	r.cancel()
	if err := errors.Join(err, <-r.ended); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	return nil
}

// Close stops the server. What is connected to it is disconnected.
func (s *Stage) Close() error { return s.Stop() }

// DataDirectory is where the device of this name keeps its state.
func (s *Stage) DataDirectory(device string) string { return filepath.Join(s.dir, "device-"+device) }

// CopyDataDirectory copies a device's data directory to that of another name, as
// it is now: what is left when the device's program is killed at this moment.
func (s *Stage) CopyDataDirectory(from, to string) error {
	if err := os.CopyFS(s.DataDirectory(to), os.DirFS(s.DataDirectory(from))); err != nil {
		return fmt.Errorf("copy the data directory of %s: %w", from, err)
	}
	return nil
}
