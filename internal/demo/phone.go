package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
)

const (
	maxPhones   = 8  // one for an account
	maxHeard    = 20 // what a phone says of what it heard, the latest
	loginWithin = 5 * time.Second
)

// A phone is a native client on Android: a page can only be one on the Web. Its app
// can be killed and started again, and finds what it had kept.
type phone struct {
	open  func(*phone) (*client.Client, error)
	dir   string // what its app keeps
	radio *radio
	acts  sync.Mutex // held while it does something

	mu     sync.Mutex
	client *client.Client // nil: its app was killed
	heard  []heard
	said   int
}

// heard is one callback of the phone's SDK, or the result of a call.
type heard struct {
	Number int    `json:"number"` // counted from 1
	At     int64  `json:"atMs"`
	What   string `json:"what"`           // the callback's name
	Text   string `json:"text,omitempty"` // what came with it
}

func (p *phone) hear(what, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said++
	p.heard = append(p.heard, heard{p.said, time.Now().UnixMilli(), what, text})
	if len(p.heard) > maxHeard {
		p.heard = slices.Delete(p.heard, 0, len(p.heard)-maxHeard)
	}
}

type phoneState struct {
	Status string  `json:"status"` // LOGINED, LOGINING or LOGOUT
	Cut    bool    `json:"cut"`    // it has no network
	Killed bool    `json:"killed"` // its app does not run
	Heard  []heard `json:"heard"`
}

// phones are those of a demo.
type phones struct {
	app    rollcall.AppID
	server string

	mu  sync.Mutex
	all map[rollcall.UserID]*phone
}

func newPhones(app rollcall.AppID, server string) *phones {
	return &phones{app: app, server: server, all: map[rollcall.UserID]*phone{}}
}

// of is the account's phone; open makes one if there is none.
func (ps *phones) of(user rollcall.UserID, open bool) (*phone, error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.all[user]; p != nil || !open {
		return p, nil
	}
	if len(ps.all) >= maxPhones {
		return nil, imcode.InvalidParameters.Errorf("there are %d phones, the most that the demo has", maxPhones)
	}
	dir, err := os.MkdirTemp("", "rollcall-phone-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for a phone: %w", err)
	}
	p := &phone{open: ps.start, dir: dir, radio: &radio{conns: map[net.Conn]struct{}{}}}
	ps.all[user] = p
	return p, nil
}

// start starts a phone's app.
func (ps *phones) start(p *phone) (*client.Client, error) {
	c, err := client.Open(ps.app, ps.server, client.Options{
		DataDirectory: p.dir, Platform: rollcall.Android, DeviceName: "The demo's phone", Dial: p.radio.dial, LoginWithin: loginWithin,
	})
	if err != nil {
		return nil, err
	}
	c.AddListener(client.Listener{
		Connecting:     func() { p.hear("onConnecting", "") },
		ConnectSuccess: func() { p.hear("onConnectSuccess", "") },
		KickedOffline:  func(k client.Kick) { p.hear("onKickedOffline", kickText(k)) },
		UserSigExpired: func() { p.hear("onUserSigExpired", "") },
	})
	return c, nil
}

// running is the client of the phone's app, which is started if need be.
func (p *phone) running() (*client.Client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil {
		return p.client, nil
	}
	c, err := p.open(p)
	p.client = c
	return c, err
}

// kill ends the phone's app as the system does: nobody is logged out by that.
func (p *phone) kill() error {
	p.mu.Lock()
	c := p.client
	p.client = nil
	p.mu.Unlock()
	if c == nil {
		return nil
	}
	return c.Close() // which waits for a callback that may want the lock
}

func kickText(k client.Kick) string {
	if k.Code == imcode.OK {
		return k.Text
	}
	return fmt.Sprintf("%s (code %d)", k.Text, k.Code)
}

// state is what is so with an account's phone; nil: there is none.
func (ps *phones) state(user rollcall.UserID) *phoneState {
	p, _ := ps.of(user, false)
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	st := &phoneState{Status: client.StatusLogout.String(), Cut: p.radio.isCut(), Killed: p.client == nil, Heard: slices.Clone(p.heard)}
	if p.client != nil {
		st.Status = p.client.LoginStatus().String()
	}
	return st
}

func (ps *phones) close() (err error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.all {
		err = errors.Join(err, p.kill(), os.RemoveAll(p.dir))
	}
	clear(ps.all)
	return err
}

type phoneRequest struct {
	User rollcall.UserID `json:"user"`
	Do   string          `json:"do"` // login, logout, cut, mend, kill
}

// phone has an account's phone do something.
func (h handler) phone(ctx context.Context, q phoneRequest) (*phoneState, func(), error) {
	if _, err := h.account(q.User); err != nil {
		return nil, nil, err
	}
	p, err := h.phones.of(q.User, q.Do == "login")
	if err != nil {
		return nil, nil, err
	}
	if p == nil {
		return nil, nil, imcode.InvalidParameters.Errorf("%s has no phone yet: log one in", q.User)
	}
	p.acts.Lock()
	defer p.acts.Unlock()
	switch q.Do {
	case "login", "logout":
		err = h.enter(ctx, p, q)
	case "cut":
		p.radio.setCut(true)
	case "mend":
		p.radio.setCut(false)
	case "kill":
		if err = p.kill(); err == nil {
			p.hear("the app was killed", "")
		}
	default:
		err = imcode.InvalidParameters.Errorf("a phone can login, logout, cut, mend or kill")
	}
	return h.phones.state(q.User), nil, err
}

// enter logs an account in on its phone, or out.
func (h handler) enter(ctx context.Context, p *phone, q phoneRequest) error {
	c, err := p.running()
	if err != nil {
		return err
	}
	if q.Do == "logout" {
		p.result("logout", c.Logout(ctx))
		return nil
	}
	sig, _, err := h.sign(ctx, q.User, 24*time.Hour)
	if err != nil {
		return err
	}
	p.radio.setCut(false)
	p.result("login", c.Login(ctx, string(q.User), sig))
	return nil
}

// result notes what came of a call.
func (p *phone) result(call string, err error) {
	if coded, ok := errors.AsType[*imcode.Error](err); ok {
		p.hear(call+"() failed", fmt.Sprintf("%d %s", coded.Code, coded.Detail))
		return
	}
	if err != nil {
		p.hear(call+"() failed", "")
		return
	}
	p.hear(call+"() succeeded", "")
}

// A radio is a phone's network, which can be cut. Whoever dials meanwhile waits, as
// for an answer that does not come.
type radio struct {
	mu    sync.Mutex
	back  chan struct{} // closed when the network is back; nil: it is there
	conns map[net.Conn]struct{}
}

func (r *radio) isCut() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.back != nil
}

func (r *radio) setCut(cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case cut == (r.back != nil):
	case cut:
		r.back = make(chan struct{})
		for c := range r.conns {
			_ = c.Close()
		}
	default:
		close(r.back)
		r.back = nil
	}
}

func (r *radio) dial(ctx context.Context, network, address string) (net.Conn, error) {
	for {
		r.mu.Lock()
		back := r.back
		r.mu.Unlock()
		if back == nil {
			break
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-back:
		}
	}
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.back != nil { // cut meanwhile
		_ = c.Close()
		return nil, net.ErrClosed
	}
	r.conns[c] = struct{}{}
	return &heldConn{Conn: c, r: r}, nil
}

// A heldConn is known to its radio until it is closed.
type heldConn struct {
	net.Conn

	r *radio
}

// Close implements net.Conn.
func (c *heldConn) Close() error {
	c.r.mu.Lock()
	delete(c.r.conns, c.Conn)
	c.r.mu.Unlock()
	return c.Conn.Close()
}
