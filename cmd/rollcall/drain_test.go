package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/internal/config"
	"rollcall.example/usersig"
)

const drainClients = 200

// TestARestartUnderLoadIsSeenByNoApp ends a server (SIGTERM) that serves many SDK
// clients while others log in without pause, and starts it again at the same
// address. Every client is back once the time it was told has passed, and soon after
// it, as the session that it was; its app has heard of nothing but a connection. What
// was acknowledged to the others is there.
func TestARestartUnderLoadIsSeenByNoApp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	command(t, "init", "--dir", dir)
	key := command(t, "app", "add", "--dir", dir, "7")
	if err := os.WriteFile(filepath.Join(dir, config.FileName), []byte("[timeouts]\ndrain_spread = \"2s\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := lasting(t)
	serve := []string{"serve", "--dir", dir, "--listen", address, "--ops=", "--admin="}
	server := rollcallProcess(t, serve...)
	server.must(t, `^ready:`)

	all := make([]*drained, drainClients)
	var logins sync.WaitGroup
	for i := range all {
		all[i] = openDrained(t, address, key, fmt.Sprint("user-", i))
		logins.Go(all[i].login)
	}
	logins.Wait()
	load, over := context.WithCancel(t.Context())
	answered := make(chan struct{}, 100_000)
	others := &ledger{address: "ws://" + address, key: key, note: func(row *ledgerRow, s ledgerState) {
		row.state = s
		answered <- struct{}{}
	}}
	loading := others.load(load, t)
	for range 50 {
		<-answered
	}

	if err := server.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status, err := server.exits(); err != nil || status != 0 {
		t.Fatalf("the server ended with status %d, %v; want 0", status, err)
	}
	server = rollcallProcess(t, serve...)
	server.must(t, `^ready:`)
	ready := time.Now()

	var late []time.Duration
	for _, d := range all {
		late = append(late, d.back(ready))
	}
	over()
	loading.Wait()
	slices.Sort(late)
	t.Logf("%d clients are back, half of them %v after the time they were told, the last one %v", len(late), late[len(late)/2], late[len(late)-1])
	for _, row := range others.rows {
		row.check(t, "ws://"+address)
	}
	t.Logf("%d logins were acknowledged meanwhile", 50+len(answered))
}

// freeAddress is an address at which nobody listens, and which the system gives to
// no connection by itself: the server is gone from it for a moment.
func freeAddress() (address string, err error) {
	for range 100 {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprint("127.0.0.1:", 20_000+rand.IntN(10_000))); err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", err
}

// lasting is a free address for the servers of a test, one after the other.
func lasting(t *testing.T) string {
	t.Helper()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// load logs accounts in, some at a time, until ctx ends.
func (l *ledger) load(ctx context.Context, t *testing.T) *sync.WaitGroup {
	t.Helper()
	var clients sync.WaitGroup
	for n := range killClients {
		clients.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				user := fmt.Sprintf("other-%d-%d", n, i)
				sig, err := usersig.Sign(killApp, l.key, user, time.Now(), time.Hour)
				if err != nil {
					t.Error(err)
					return
				}
				row := &ledgerRow{login: loginFrame(killApp, user, sig), try: 1}
				c, err := dialRaw(ctx, l.address)
				if err == nil {
					l.mu.Lock()
					l.rows = append(l.rows, row)
					l.mu.Unlock()
					err = l.logIn(ctx, c, row)
					c.CloseNow()
				}
				_ = err // it drains, or is gone
				select {
				case <-time.After(20 * time.Millisecond):
				case <-ctx.Done():
				}
			}
		})
	}
	return &clients
}

// A drained is one SDK client, and what passes over its network.
type drained struct {
	t      *testing.T
	user   string
	sig    string
	client *client.Client

	mu     sync.Mutex
	told   time.Time // when the server asked it to come back, and after which time
	hint   time.Duration
	dialed []time.Time    // after that
	again  chan time.Time // when its app heard of a connection
}

func openDrained(t *testing.T, address, key, user string) *drained {
	t.Helper()
	sig, err := usersig.Sign(killApp, key, user, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	d := &drained{t: t, user: user, sig: sig, again: make(chan time.Time, 100)}
	d.client, err = client.Open(killApp, "ws://"+address, client.Options{Dial: d.dial, Platform: rollcall.Android, LoginWithin: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.client.Close(); err != nil {
			t.Error(err)
		}
	})
	d.client.AddListener(client.Listener{
		ConnectSuccess: func() { d.again <- time.Now() },
		KickedOffline:  func(k client.Kick) { t.Errorf("%s was kicked: %+v", user, k) },
		UserSigExpired: func() { t.Errorf("%s was told that its UserSig has ended", user) },
	})
	return d
}

func (d *drained) login() {
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	if err := d.client.Login(ctx, d.user, d.sig); err != nil {
		d.t.Errorf("%s logs in: %v", d.user, err)
	}
	<-d.again
}

func (d *drained) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	if !d.told.IsZero() {
		d.dialed = append(d.dialed, time.Now())
	}
	d.mu.Unlock()
	var to net.Dialer
	c, err := to.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &overheard{Conn: c, by: d}, nil
}

// An overheard is a connection of a client's that is listened to.
type overheard struct {
	net.Conn

	by *drained
}

var drainHint = regexp.MustCompile(`drain retry_after_ms=([0-9]+)`)

// Read implements net.Conn.
func (o *overheard) Read(b []byte) (int, error) {
	n, err := o.Conn.Read(b)
	if i := bytes.Index(b[:n], []byte("drain ")); i >= 0 {
		if m := drainHint.FindSubmatch(b[i:n]); m != nil {
			ms, _ := strconv.Atoi(string(m[1]))
			o.by.mu.Lock()
			o.by.told, o.by.hint, o.by.dialed = time.Now(), time.Duration(ms)*time.Millisecond, nil
			o.by.mu.Unlock()
		}
	}
	return n, err
}

// back waits until the client is back, and returns how long after the time it was
// told, or after the server was there again if that was later.
func (d *drained) back(ready time.Time) (late time.Duration) {
	d.t.Helper()
	var now time.Time
	select {
	case now = <-d.again:
	case <-time.After(patience):
		d.t.Fatalf("%s is not back", d.user)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hint < time.Second || d.hint > 3*time.Second || len(d.dialed) == 0 {
		d.t.Fatalf("%s was told to come back after %v, want 1 to 3 s; it dialed at %v", d.user, d.hint, d.dialed)
	}
	if early := d.told.Add(d.hint).Sub(d.dialed[0]); early > 0 {
		d.t.Errorf("%s came back %v before its time", d.user, early)
	}
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	own, err := d.client.Sessions(ctx)
	if err != nil || len(own) != 1 || d.client.Session().Number != 1 || d.client.LoginStatus() != client.StatusLogined {
		d.t.Errorf("%s is back with %+v, %v, as session %d, %s; want its session 1", d.user, own, err, d.client.Session().Number, d.client.LoginStatus())
	}
	due := d.told.Add(d.hint)
	if ready.After(due) {
		due = ready
	}
	if late = now.Sub(due); late > 15*time.Second {
		d.t.Errorf("%s was back %v after its time", d.user, late)
	}
	return late
}
