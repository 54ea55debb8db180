package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/policy"
)

// A phone is an installation of the real SDK, on a platform of its own choice. Its
// app writes down each signal that ends its session, and calls nothing by itself.
type phone struct {
	*client.Client

	w        *world
	user     string
	name     string
	platform rollcall.Platform
	dir      string
	sig      string // good for a month
	link     *memnet.Endpoint
	off      bool // the network
	tape     *tape

	mu   sync.Mutex
	told []string // signals
	log  []string // signals, "in" for each login() that succeeded, and "restarted"
}

// phone makes an installation, with its program running and nobody in.
func (w *world) phone(user, name string, p rollcall.Platform) *phone {
	w.t.Helper()
	d := &phone{w: w, user: user, name: name, platform: p, dir: w.t.TempDir(), link: w.net.Endpoint(name)}
	d.sig = w.sig(user, 30*24*time.Hour)
	d.tape = &tape{link: d.link}
	d.open()
	w.phones = append(w.phones, d)
	return d
}

// open starts the program, also again after Close.
func (d *phone) open() {
	d.w.t.Helper()
	c, err := client.Open(app, "ws://"+host, client.Options{
		DataDirectory: d.dir, Dial: d.tape.Dial, Platform: d.platform, DeviceName: d.name,
	})
	if err != nil {
		d.w.t.Fatal(err)
	}
	d.Client = c
	d.w.t.Cleanup(func() { _ = c.Close() })
	c.AddListener(client.Listener{
		KickedOffline: func(k client.Kick) {
			if k.Code != 0 {
				d.hear(fmt.Sprintf("kicked: %s %d", k.Reason, int(k.Code)))
				return
			}
			d.hear(fmt.Sprintf("kicked: %s", k.Reason))
		},
		UserSigExpired: func() { d.hear("expired") },
	})
}

func (d *phone) hear(signal string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, signal)
	d.log = append(d.log, signal)
}

// signals are those that the app was ever given.
func (d *phone) signals() []string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.told)
}

// restart ends the program without a word to the server, and starts it again.
func (d *phone) restart() {
	d.w.t.Helper()
	if err := d.Close(); err != nil {
		d.w.t.Fatal(err)
	}
	d.mu.Lock()
	d.log = append(d.log, "restarted")
	d.mu.Unlock()
	d.open()
}

// login is the app's call, with the UserSig that the phone has had from the
// beginning: "ok" or a code.
func (d *phone) login() string { return d.loginWith(d.sig) }

func (d *phone) loginWith(sig string) string {
	d.w.t.Helper()
	if err := d.Login(d.w.t.Context(), d.user, sig); err != nil {
		return fmt.Sprint(int(imcode.Of(err)))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, "in")
	return "ok"
}

// in logs in, which must succeed.
func (d *phone) in() {
	d.w.t.Helper()
	if got := d.login(); got != "ok" {
		d.w.t.Fatalf("%s logs in: %s", d.name, got)
	}
}

// kept is the device's session as the server keeps it; the zero one if there is none.
func (d *phone) kept() policy.Session {
	d.w.t.Helper()
	for _, x := range d.w.state(d.user).Sessions {
		if x.DeviceName == d.name {
			return x
		}
	}
	return policy.Session{}
}

// cut takes the phone off the network. The server learns nothing of it.
func (d *phone) cut() {
	d.off = true
	d.link.Cut(memnet.Unplug)
}

// mend brings the phone back to the network.
func (d *phone) mend() {
	d.off = false
	d.link.Mend()
}

// A tape is a phone's network: it remembers what the phone has sent, and can hold
// it up.
type tape struct {
	link *memnet.Endpoint

	mu    sync.Mutex
	held  bool // what follows the upgrade waits until release
	calls []*call
}

// A call is one connection of a phone.
type call struct {
	net.Conn

	tape    *tape
	written []byte
	parts   int
	waiting []byte
	left    bool // by the phone, while something was waiting
}

// Dial has the shape that client.Options wants.
func (p *tape) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := p.link.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	x := &call{Conn: c, tape: p}
	p.calls = append(p.calls, x)
	return x, nil
}

// Write implements net.Conn.
func (c *call) Write(b []byte) (int, error) {
	c.tape.mu.Lock()
	defer c.tape.mu.Unlock()
	c.written = append(c.written, b...)
	c.parts++
	if c.parts > 1 && c.tape.held || len(c.waiting) > 0 {
		c.waiting = append(c.waiting, b...)
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// Close implements net.Conn. What is waiting stays on its way.
func (c *call) Close() error {
	c.tape.mu.Lock()
	defer c.tape.mu.Unlock()
	if len(c.waiting) == 0 {
		return c.Conn.Close()
	}
	c.left = true
	return c.Conn.SetDeadline(time.Unix(1, 0)) // for the phone it is over
}

// hold makes the network keep what the phone sends on its next connections.
func (p *tape) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = true
}

// release lets everything arrive that was held up, and says how many connections
// the phone has left meanwhile.
func (p *tape) release() (late int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = false
	for _, c := range p.calls {
		if len(c.waiting) == 0 {
			continue
		}
		if c.left {
			late++
			_ = c.Conn.SetDeadline(time.Time{})
		}
		_, _ = c.Conn.Write(c.waiting)
		c.waiting = nil
		if c.left {
			go func() {
				_ = c.Conn.SetDeadline(time.Now().Add(10 * time.Second))
				_, _ = io.Copy(io.Discard, c.Conn)
				_ = c.Conn.Close()
			}()
		}
	}
	return late
}

// connections is how often the phone has dialled successfully.
func (p *tape) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.calls)
}

// replay sends all that the phone has ever sent once more, connection by
// connection, from elsewhere.
func (d *phone) replay() {
	d.w.t.Helper()
	d.tape.mu.Lock()
	calls := slices.Clone(d.tape.calls)
	d.tape.mu.Unlock()
	for _, x := range calls {
		c := d.w.dial()
		d.tape.mu.Lock()
		sent := slices.Clone(x.written)
		d.tape.mu.Unlock()
		if _, err := c.Write(sent); err != nil {
			d.w.t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			d.w.t.Fatal(err)
		}
		in := bufio.NewReader(c)
		if status, err := in.ReadString('\n'); err != nil || !strings.Contains(status, "101") {
			d.w.t.Fatalf("the replayed upgrade was answered with %q, %v", status, err)
		}
		if _, err := io.Copy(io.Discard, in); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			d.w.t.Fatal(err)
		}
		_ = c.Close()
	}
	synctest.Wait()
}

// kill ends the server as kill -9 would: nothing more is stored, nothing is sent to
// a phone, and every phone's connection is reset.
func (w *world) kill() {
	w.t.Helper()
	if err := w.server.Abandon(); err != nil {
		w.t.Fatal(err)
	}
	for _, d := range w.phones {
		d.link.Cut(memnet.Reset)
	}
	w.stop()
	for _, d := range w.phones {
		if !d.off {
			d.link.Mend()
		}
	}
}

// set puts settings in force for the app.
func (w *world) set(s apps.Settings) {
	w.t.Helper()
	if err := w.server.Apps().SetSettings(w.t.Context(), app, s); err != nil {
		w.t.Fatal(err)
	}
}

// same fails the test unless got is want.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}
