// Package rollcalltest gives a Go test a whole Rollcall server: to test an
// application that logs accounts in, with tickets, a network that can be cut and
// a clock that can be moved.
//
//	s := rollcalltest.NewServer(t)
//	c, err := client.Open(s.App, s.URL, s.Options("phone"))
//	err = c.Login(ctx, "alice", s.UserSig("alice", time.Hour))
//
// [Run] does the same inside a testing/synctest bubble, where an hour passes in
// no time. Both work without a network; [NewServerWith] listens on real TCP for
// programs that cannot take a dial function. The manual is docs/testing.md.
package rollcalltest

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/internal/stage"
	"rollcall.example/server"
)

// Options are the choices a test's server has. The zero value is good.
type Options struct {
	// TCP lets the server listen on a free port of 127.0.0.1 instead of a network
	// in memory, so that URL is good for every program. Not inside a synctest
	// bubble: with real sockets in it its clock stands still.
	TCP bool
	// MessageBytes is what an account may send at once and, evenly, in a day, before it is
	// told to wait (60018). A message counts as its content and 256 bytes. Default: no bound.
	MessageBytes int64
	// Log hears what the server has to say; default: none.
	Log *slog.Logger
}

// A Server is a whole Rollcall server, with one app. It ends with its test.
type Server struct {
	App rollcall.AppID // the app's SDKAppID
	Key string         // the app's secret key
	URL string         // where clients find the server; stays through restarts

	t       testing.TB
	stage   *stage.Stage
	devices atomic.Int64 // that Client made
}

// NewServer runs a server on a network in memory until the test ends. Clients
// reach it by the dial function of [Server.Options].
func NewServer(t testing.TB) *Server {
	t.Helper()
	return NewServerWith(t, Options{})
}

// NewServerWith is NewServer with choices.
func NewServerWith(t testing.TB, o Options) *Server {
	t.Helper()
	st, err := stage.Open(t.TempDir(), stage.Options{TCP: o.TCP, Server: server.Config{MessageBytes: o.MessageBytes, Log: o.Log}})
	if err != nil {
		t.Fatalf("rollcalltest: %v", err)
	}
	s := &Server{App: stage.App, Key: st.Key(), URL: st.URL(), t: t, stage: st}
	t.Cleanup(func() { s.check(st.Close()) })
	return s
}

// Run tells a story on a server in memory, in fake time: tell runs in a
// testing/synctest bubble, where time.Sleep(time.Hour) returns at once and an
// hour has passed for the server and its clients alike.
func Run(t *testing.T, tell func(t *testing.T, s *Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { tell(t, NewServer(t)) })
}

// UserSig is a ticket with which the user can log in from now on, for the time
// given.
func (s *Server) UserSig(user string, lifetime time.Duration) string {
	s.t.Helper()
	sig, err := s.stage.UserSig(user, lifetime)
	s.check(err)
	return sig
}

// Options are for client.Open: those of the device of this name, which dials
// from a place of its own and keeps its state in a directory of its own. Set
// what else the client needs.
func (s *Server) Options(device string) client.Options {
	return client.Options{
		DataDirectory: s.stage.DataDirectory(device),
		Dial:          s.stage.Endpoint(device).Dial,
	}
}

// Now is the server's clock.
func (s *Server) Now() time.Time { return s.stage.Now() }

// Advance moves the server's clock: what becomes due by it, as the end of a
// ticket, happens at once. The clients' own clocks stay; to let time pass for
// everybody, sleep in a test of [Run].
func (s *Server) Advance(d time.Duration) { s.stage.Advance(d) }

// Restart stops the server as a deployment does, which asks its clients to come
// back soon, and starts it again on the same data and address.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.Start()
}

// Stop stops the server in good order. [Server.Start] starts it again.
func (s *Server) Stop() {
	s.t.Helper()
	s.check(s.stage.Stop())
}

// Kill ends the server as kill -9 would, as far as one process can do that to
// itself: what it has acknowledged is kept, what it had not is lost, nobody is
// told. [Server.Start] starts it again.
func (s *Server) Kill() {
	s.t.Helper()
	s.check(s.stage.Kill())
}

// Start starts a server that was stopped or killed, on the same data and address.
func (s *Server) Start() {
	s.t.Helper()
	s.check(s.stage.Start())
}

func (s *Server) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("rollcalltest: %v", err)
	}
}
