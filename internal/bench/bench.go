// Package bench measures Rollcall beside what it cannot beat.
//
// In one sitting, and in turns, it starts the floor (a plain TCP server that
// checks one HMAC per request and answers), a bare WebSocket server that upgrades
// and answers, and Rollcall, each as a process of its own, and puts the same load
// on each. A figure says little; its ratio to the floor's figure of the same
// sitting says what Rollcall costs beside the least that such a server can cost
// on this machine. docs/benchmarks.md is its manual.
//
// # What callers may rely on
//
//   - Servers are started on this machine's own address alone, on free ports, and
//     are ended with the sitting. Nobody else's server is loaded but the one that
//     Options.Running names.
//   - The load is bounded, in connections and in time, by what the options say.
//   - What is counted is what was answered as it should be. Everything else is a
//     failure: it is counted apart, and the first one is told.
package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"rollcall.example"
)

// Options are what all benches take.
type Options struct {
	Again    func(args ...string) *exec.Cmd // what starts this program again, with other arguments
	Dir      string                         // where data directories are made, for the sitting; empty: a temporary place on a disk
	Rounds   int                            // turns that each server has
	Duration time.Duration                  // of a turn
	TLS      bool                           // measure with TLS as well
	Profile  string                         // a file for the CPU profile of the Rollcall that is measured; empty: none
	Running  *Running                       // a server to measure in the place of one that is started
	Progress io.Writer                      // what is going on, a line each
}

// Running is a server that runs already.
type Running struct {
	URL  string // as ws://127.0.0.1:7400
	App  rollcall.AppID
	Key  string // one of the app's
	Mine bool   // it may be on another machine
}

// A sitting is one run of a bench: figures of different sittings are not to be
// compared.
type sitting struct {
	Options

	dir     string // removed at the end
	disk    string // what kind of file system it is on
	cert    *certificate
	started int // servers
}

// sit begins a sitting. Its end is rise.
func sit(o Options) (*sitting, error) {
	// The load shares the machine with what it loads: let it not spend its time
	// on its own garbage.
	debug.SetGCPercent(400)
	raiseOpenFiles()
	s := &sitting{Options: o}
	in := o.Dir
	if in == "" {
		in = onDisk()
	}
	var err error
	if s.dir, err = os.MkdirTemp(in, "rollcall-bench-"); err != nil {
		return nil, fmt.Errorf("make a directory for the data: %w", err)
	}
	s.disk = filesystem(s.dir)
	if o.TLS {
		if s.cert, err = selfMade(s.dir); err != nil {
			return nil, errors.Join(err, s.rise())
		}
	}
	return s, nil
}

// onDisk is a place for files that is on a disk: a flush to memory costs nothing.
func onDisk() string {
	temporary := os.TempDir()
	if !inMemory(filesystem(temporary)) {
		return temporary
	}
	cache, err := os.UserCacheDir()
	if err != nil || os.MkdirAll(cache, 0o700) != nil || inMemory(filesystem(cache)) {
		return temporary
	}
	return cache
}

// rise ends the sitting.
func (s *sitting) rise() error { return os.RemoveAll(s.dir) }

// sayf tells what is going on.
func (s *sitting) sayf(format string, args ...any) {
	if s.Progress != nil {
		fmt.Fprintf(s.Progress, format+"\n", args...)
	}
}

// clientTLS is how a client of a server with the sitting's certificate connects.
func (s *sitting) clientTLS(secure bool) *tls.Config {
	if !secure {
		return nil
	}
	return s.cert.client()
}

// newDir names a directory for a server.
func (s *sitting) newDir() string {
	s.started++
	return filepath.Join(s.dir, strconv.Itoa(s.started))
}

// spare is how many files a process has open beside its connections: more than a
// server holds back for itself.
const spare = 256

// room refuses more connections at a time than the limit of open files allows,
// which holds for the servers too: they inherit it.
func room(connections int, flag string) error {
	limit, known := openFiles()
	if !known || uint64(connections+spare) <= limit {
		return nil
	}
	return fmt.Errorf("%s: %d connections at a time need %d open files, and this system allows a process %d: raise its limit (ulimit -Hn), or take less",
		flag, connections, connections+spare, limit)
}

// most is how many connections a turn may leave open at a time, at most want.
func most(want int) int {
	limit, known := openFiles()
	if !known {
		return want
	}
	return min(want, int(min(limit, 1<<20))-spare)
}

// sleep waits, unless ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
