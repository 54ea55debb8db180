package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/badnet"
	"rollcall.example/usersig"
)

// A roughDevice is an installation of an app, behind a line of its own.
type roughDevice struct {
	*rough

	user, name string
	platform   rollcall.Platform
	data       string
	sig        string
	line       *badnet.Proxy
	front      string // where the line begins
	rnd        *rand.Rand
	cut        badnet.Break // 0: it is on the network
	kicked     chan struct{}

	mu    sync.Mutex
	app   *client.Client
	out   bool  // the app knows that it is logged out, or kicked
	until int64 // what was sent after message so-and-so was sent after its kick; 0: no kick
	own   map[string]bool
	acked map[string]uint64 // with the sequence
	order map[string][]string
	told  map[string][]string // "ID SEQUENCE" by the other side
	last  map[string]uint64
}

func newRoughDevice(r *rough, who string, seed, number uint64) *roughDevice {
	r.t.Helper()
	user, platform, _ := strings.Cut(who, " ")
	d := &roughDevice{
		rough: r, user: user, name: user + "-" + platform, data: filepath.Join(r.t.TempDir(), "device"),
		rnd: rand.New(rand.NewPCG(seed, number)), kicked: make(chan struct{}, 100),
		own: make(map[string]bool), acked: make(map[string]uint64), order: make(map[string][]string),
		told: make(map[string][]string), last: make(map[string]uint64),
	}
	var err error
	if d.platform, err = rollcall.ParsePlatform(platform); err == nil {
		d.sig, err = usersig.Sign(roughApp, r.key, user, time.Now(), 24*time.Hour)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	d.front = l.Addr().String()
	d.line = badnet.New(l, r.dial, seed+number, badnet.Poor)
	return d
}

// open starts the app.
func (d *roughDevice) open() {
	d.t.Helper()
	c, err := client.Open(roughApp, "ws://rough.test", client.Options{
		DataDirectory: d.data, Platform: d.platform, DeviceName: d.name,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var n net.Dialer
			return n.DialContext(ctx, network, d.front)
		},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	c.AddListener(client.Listener{
		NewMessage: d.hears,
		KickedOffline: func(client.Kick) {
			d.mu.Lock()
			d.out = true
			d.mu.Unlock()
			d.kicked <- struct{}{}
		},
		UserSigExpired: func() { d.t.Errorf("%s heard that its UserSig has ended", d.name) },
	})
	d.mu.Lock()
	d.app = c
	d.mu.Unlock()
}

func (d *roughDevice) current() *client.Client {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.app
}

func (d *roughDevice) close() {
	_ = d.current().Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.out = false // whatever the program knew
}

// hears checks what the app is told when it is told.
func (d *roughDevice) hears(m client.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	peer := string(m.Conversation.Peer())
	var number int64
	_, _ = fmt.Sscanf(m.ID, "m%d", &number)
	switch {
	case d.out:
		d.t.Errorf("%s is out, and is told of %s", d.name, m.ID)
	case d.until > 0 && number > d.until:
		d.t.Errorf("%s was kicked before %s was sent, and is told of it", d.name, m.ID)
	case m.Sequence <= d.last[peer]:
		d.t.Errorf("%s is told of %s, message %d of %s, after %d", d.name, m.ID, m.Sequence, peer, d.last[peer])
	}
	d.last[peer] = m.Sequence
	d.told[peer] = append(d.told[peer], fmt.Sprint(m.ID, " ", m.Sequence))
}

// mend brings the device back on the network, and it knows: what is half open it would
// notice by its pings, which takes too long here.
func (d *roughDevice) mend() {
	if d.cut == badnet.Forget {
		d.line.Cut(badnet.Reset)
	}
	d.line.Mend()
	d.cut = 0
}

// logIn logs in, until it succeeds.
func (d *roughDevice) logIn() {
	d.t.Helper()
	d.mu.Lock()
	d.out, d.until = false, 0
	d.mu.Unlock()
	d.eventually("is logged in", func() error { return d.current().Login(d.t.Context(), d.user, d.sig) })
}

// logOut logs out: nothing is told any more when it has returned.
func (d *roughDevice) logOut() {
	d.t.Helper()
	if err := d.current().Logout(d.t.Context()); err != nil {
		d.t.Errorf("%s logs out: %v", d.name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.out = true
}

// kick lets an operator kick the device, and waits until it knows.
func (d *roughDevice) kick() {
	d.t.Helper()
	account := rollcall.Account{App: roughApp, User: rollcall.UserID(d.user)}
	kicked, err := admin.Local(d.dir).Kick(d.t.Context(), account, admin.Target{Platform: d.platform.String()}, "tester")
	if err != nil || len(kicked.Ended) == 0 {
		d.t.Fatalf("kick %s: %+v, %v", d.name, kicked, err)
	}
	d.mu.Lock()
	d.until = d.sent.Load()
	d.mu.Unlock()
	select {
	case <-d.kicked:
	case <-time.After(patience):
		d.t.Fatalf("%s does not hear that it was kicked", d.name)
	}
}

// eventually waits until something has happened.
func (d *roughDevice) eventually(what string, happened func() error) {
	d.t.Helper()
	late := time.After(patience)
	for {
		err := happened()
		if err == nil {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-late:
			d.t.Fatalf("that %s %s does not happen: %v", d.name, what, err)
		}
	}
}

// talk sends messages, one after the other, until ctx ends; each until it is answered.
func (d *roughDevice) talk(ctx context.Context) {
	for ctx.Err() == nil {
		o := d.next()
		for {
			c := d.current()
			m, err := c.Send(ctx, o)
			if err == nil {
				d.acknowledged(o, m)
				break
			}
			if code := imcode.Of(err); code == imcode.SDKInvalidParameters || code == imcode.InvalidRecipient {
				d.t.Errorf("%s sends %s: %v", d.name, o.ID, err)
				return
			}
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
				return
			}
		}
	}
}

// next is a message to somebody.
func (d *roughDevice) next() client.Outgoing {
	to := d.user
	for to == d.user {
		to = d.devices[d.rnd.IntN(len(d.devices))].user
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	o := client.Outgoing{
		To: rollcall.UserID(to), ID: fmt.Sprint("m", d.sent.Add(1)), Text: strings.Repeat("x", 1+d.rnd.IntN(20)*d.rnd.IntN(20)*d.rnd.IntN(20)),
	}
	d.own[o.ID] = true
	d.order[to] = append(d.order[to], o.ID)
	return o
}

func (d *roughDevice) acknowledged(o client.Outgoing, m client.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m.ID != o.ID || m.Text != o.Text || m.Sequence == 0 {
		d.t.Errorf("%s is answered %s with %+v", d.name, o.ID, m)
	}
	d.acked[o.ID] = m.Sequence
	d.acks <- struct{}{}
}

// history is a conversation from its first message on, as "ID SEQUENCE SIZE": as the
// device has it, or as the server gives it.
func (d *roughDevice) history(peer string, local bool) (all []string, err error) {
	id := rollcall.ConversationWith(rollcall.UserID(peer))
	for before := uint64(0); ; {
		page, err := d.current().Messages(d.t.Context(), id, client.Page{Before: before, Count: 50, Local: local})
		if err != nil || len(page.Gaps) > 0 {
			return nil, fmt.Errorf("gaps %v, %w", page.Gaps, err)
		}
		for _, m := range slices.Backward(page.Messages) {
			all = append(all, fmt.Sprint(m.ID, " ", m.Sequence, " ", len(m.Text)))
		}
		if page.End {
			slices.Reverse(all)
			return all, nil
		}
		before = page.Messages[0].Sequence
	}
}

// check holds what the device has, which all have, against what it was told.
func (d *roughDevice) check() {
	d.t.Helper()
	found := make(map[string]uint64)
	for _, peer := range []string{"ann", "ben", "cid"} {
		if peer == d.user {
			continue
		}
		all, err := d.history(peer, true)
		if err != nil {
			d.t.Fatal(err)
		}
		var own, others []string
		for i, line := range all {
			id, sequence, _ := strings.Cut(line, " ")
			var n uint64
			_, _ = fmt.Sscan(sequence, &n)
			if n != uint64(i+1) || found[id] != 0 {
				d.t.Errorf("%s has as message %d with %s: %s", d.name, i+1, peer, line)
			}
			found[id] = n
			if d.own[id] {
				own = append(own, id)
			} else {
				others = append(others, fmt.Sprint(id, " ", n))
			}
		}
		if sent := d.order[peer]; !slices.Equal(own, sent) && !slices.Equal(own, sent[:max(len(sent)-1, 0)]) { // the last may have had no answer
			d.t.Errorf("%s has sent %s %q, and has %q", d.name, peer, sent, own)
		}
		told := slices.DeleteFunc(slices.Clone(d.told[peer]), func(line string) bool { // a restart may have come before the answer
			id, _, _ := strings.Cut(line, " ")
			return d.own[id]
		})
		if !slices.Equal(told, others) {
			d.t.Errorf("%s was told of %s, without %q, with %q", d.name, peer, minus(others, told), minus(told, others))
		}
	}
	for id, sequence := range d.acked {
		if found[id] != sequence {
			d.t.Errorf("%s of %s was acknowledged as message %d, and is %d", id, d.name, sequence, found[id])
		}
	}
}

// minus is what is in one and not in the other.
func minus(one, other []string) []string {
	return slices.DeleteFunc(slices.Clone(one), func(line string) bool { return slices.Contains(other, line) })
}
