package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall.example/client"
	"rollcall.example/internal/badnet"
)

var (
	roughFor  = flag.Duration("rough.for", 10*time.Second, "let people talk over a bad network for so long")
	roughSeed = flag.Uint64("rough.seed", 0, "on the network of this seed; 0: of a new one")
)

const roughApp = 7

// TestMessagesOnABadNetwork lets five devices of three people talk without pause, each
// over a bad line of its own, with a server in a process of its own. The lines are cut
// and left half open, the server is killed (SIGKILL) while messages flow and started
// again, devices are kicked, log out and in, and are restarted. In the end:
//
//   - every message that was acknowledged is in the history of both sides, on all their
//     devices and at the server, once, and where the acknowledgement said;
//   - what a device has sent to somebody is there in the order in which it was sent;
//   - every device was told of each message of others once, in order; of none after its
//     logout had returned or its kick was told, and of none that was sent after the
//     operator's kick of it had been acknowledged.
func TestMessagesOnABadNetwork(t *testing.T) {
	seed := *roughSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	r := newRough(t, seed)
	defer func() {
		t.Logf("%v; again with -run %s -rough.seed %d", r.did, t.Name(), seed)
	}()
	talks, over := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, d := range r.devices {
		all.Go(func() { d.talk(talks) })
	}
	for began := time.Now(); (time.Since(began) < *roughFor || r.did["kill"] < 2) && !t.Failed(); {
		r.after(3 + r.rnd.IntN(20))
		r.happen()
	}
	over()
	all.Wait()
	r.calm()
	for _, d := range r.devices {
		d.check()
		_ = d.app.Close()
	}
}

// A rough is a server, and people who talk over bad lines.
type rough struct {
	t       *testing.T
	rnd     *rand.Rand
	dir     string
	key     string
	server  *process
	address atomic.Value // host:port of the server, a string; another one in each life
	devices []*roughDevice
	deck    []string // what is to happen next
	did     map[string]int
	acks    chan struct{}
	sent    atomic.Int64 // messages; each has its number in its id
}

func newRough(t *testing.T, seed uint64) *rough {
	t.Helper()
	r := &rough{
		t: t, rnd: rand.New(rand.NewPCG(seed, 0)), dir: filepath.Join(t.TempDir(), "data"),
		did: make(map[string]int), acks: make(chan struct{}, 1<<20),
	}
	command(t, "init", "--dir", r.dir)
	r.key = command(t, "app", "add", "--dir", r.dir, fmt.Sprint(roughApp))
	command(t, "app", "policy", "set", "--dir", r.dir, fmt.Sprint(roughApp), "multi")
	r.serve()
	proxies, over := context.WithCancel(context.WithoutCancel(t.Context()))
	var all sync.WaitGroup
	t.Cleanup(func() {
		over()
		all.Wait()
	})
	for i, who := range []string{"ann Android", "ann Mac", "ben iPhone", "ben Web", "cid Android"} {
		d := newRoughDevice(r, who, seed, uint64(i+1))
		all.Go(func() {
			if err := d.line.Run(proxies); err != nil {
				t.Error(err)
			}
		})
		r.devices = append(r.devices, d)
		d.open()
		d.logIn()
	}
	for _, d := range r.devices {
		d.eventually("has the list", func() error {
			page, err := d.current().Conversations(t.Context(), client.ListOptions{Count: 1})
			if err == nil && !page.Complete {
				err = errors.New("it is not complete")
			}
			return err
		})
	}
	return r
}

func (r *rough) serve() {
	r.t.Helper()
	server, url := serveOn(r.t, r.dir)
	r.server = server
	r.address.Store(strings.TrimPrefix(url, "ws://"))
}

// dial connects to where the server is now, or was last.
func (r *rough) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", r.address.Load().(string))
}

// after waits for so many acknowledgements.
func (r *rough) after(n int) {
	r.t.Helper()
	late := time.After(patience)
	for range n {
		select {
		case <-r.acks:
			r.did["acknowledged"]++
		case <-late:
			r.t.Fatalf("not %d messages were acknowledged within %v", n, patience)
		}
	}
}

// happen lets one thing happen. Two of the devices at least are on the network.
func (r *rough) happen() {
	r.t.Helper()
	d := r.devices[r.rnd.IntN(len(r.devices))]
	if len(r.deck) == 0 {
		r.deck = []string{"kill", "kill", "cut", "cut", "mend", "mend", "line", "logout", "kick", "restart"}
		r.rnd.Shuffle(len(r.deck), func(i, j int) { r.deck[i], r.deck[j] = r.deck[j], r.deck[i] })
	}
	what := r.deck[0]
	r.deck = r.deck[1:]
	r.did[what]++
	switch what {
	case "kill":
		time.AfterFunc(time.Duration(r.rnd.IntN(50))*time.Millisecond, func() { _ = r.server.cmd.Process.Kill() })
		if status, err := r.server.exits(); err != nil || status != -1 {
			r.t.Fatalf("the server ended with status %d, %v; want it killed", status, err)
		}
		r.serve()
	case "cut":
		how := badnet.Break(1 + r.rnd.IntN(4))
		if r.onTheNetwork() > 2 {
			d.line.Cut(how)
			d.cut = how
		}
	case "mend":
		for _, d := range r.devices {
			d.mend()
		}
	case "line":
		d.line.Set([]badnet.Line{badnet.Poor, {Delay: 200 * time.Millisecond, Jitter: 200 * time.Millisecond, Loss: 0.2}, {Bandwidth: 4000, Delay: time.Millisecond}}[r.rnd.IntN(3)])
	case "logout":
		d.mend()
		d.logOut()
		d.logIn()
	case "kick":
		d.mend()
		d.kick()
		d.logIn()
	case "restart":
		d.close()
		d.open()
		d.mend()
		d.logIn()
	}
}

func (r *rough) onTheNetwork() (n int) {
	for _, d := range r.devices {
		if d.cut == 0 {
			n++
		}
	}
	return n
}

// calm waits until all devices have the same.
func (r *rough) calm() {
	r.t.Helper()
	for _, d := range r.devices {
		d.mend()
		d.line.Set(badnet.Line{})
	}
	for _, d := range r.devices {
		for _, other := range r.devices {
			if other.user != d.user {
				d.eventually("has what "+other.name+" has", func() error {
					mine, err := d.history(other.user, true)
					if err != nil {
						return err
					}
					if theirs, err := other.history(d.user, true); err != nil || !slices.Equal(mine, theirs) {
						return fmt.Errorf("%d and %d messages, %w", len(mine), len(theirs), err)
					}
					atServer, err := d.history(other.user, false)
					if err == nil && !slices.Equal(mine, atServer) {
						err = fmt.Errorf("%d messages, at the server %d", len(mine), len(atServer))
					}
					return err
				})
			}
		}
	}
}
