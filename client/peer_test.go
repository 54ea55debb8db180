package client_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/memnet"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

const (
	app     = rollcall.AppID(1400000000)
	address = "ws://rollcall.test:80"
)

// A peer is a server that says exactly what a test tells it to say. It and the
// clients live in a bubble of fake time, on a network of their own.
type peer struct {
	t     *testing.T
	net   *memnet.Network
	conns chan *line
	chat  bool // tests say what is answered to questions about conversations; otherwise there are none
}

// story runs tell with a peer, in fake time.
func story(t *testing.T, tell func(t *testing.T, p *peer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &peer{t: t, net: &memnet.Network{}, conns: make(chan *line, 100)}
		l, err := p.net.Listen("rollcall.test:80")
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: p}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = srv.Serve(l)
		}()
		t.Cleanup(func() {
			_ = srv.Close()
			<-ended
			for len(p.conns) > 0 {
				(<-p.conns).ws.CloseNow()
			}
		})
		tell(t, p)
	})
}

// A line is one connection, as the peer sees it.
type line struct {
	t      *testing.T
	chat   bool
	ws     *websocket.Conn
	frames chan *wire.ClientFrame // closed when the client is gone
	last   *wire.ClientFrame      // the frame that an answer answers
	end    error
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != wire.Path {
		http.NotFound(w, r)
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{string(wire.Proto)}})
	if err != nil {
		return
	}
	l := &line{t: p.t, chat: p.chat, ws: ws, frames: make(chan *wire.ClientFrame, 100)}
	p.t.Cleanup(func() { ws.CloseNow() })
	go l.read()
	p.conns <- l
}

func (l *line) read() {
	defer close(l.frames)
	for {
		_, b, err := l.ws.Read(context.Background())
		if err != nil {
			l.end = err
			return
		}
		f := new(wire.ClientFrame)
		if err := wire.Proto.Decode(b, f); err != nil {
			l.end = err
			return
		}
		if f.GetSync() != nil && !l.chat {
			l.noConversations(f)
			continue
		}
		l.frames <- f
	}
}

// noConversations answers a question for what has changed.
func (l *line) noConversations(f *wire.ClientFrame) {
	b, err := wire.Proto.Encode(&wire.ServerFrame{Id: f.GetId(), Body: &wire.ServerFrame_Sync{Sync: &wire.SyncAnswer{}}})
	if err != nil {
		panic(err)
	}
	_ = l.ws.Write(context.Background(), websocket.MessageBinary, b) // a line that was cut hears nothing
}

// accept is the next connection; it must come without a test's waiting.
func (p *peer) accept() *line {
	p.t.Helper()
	return p.acceptWithin(0)
}

// acceptWithin is the next connection, in at most d.
func (p *peer) acceptWithin(d time.Duration) *line {
	p.t.Helper()
	l := p.await(d)
	if l == nil {
		p.t.Fatalf("no connection within %v", d)
	}
	return l
}

// await is the next connection, or nil if none comes within d.
func (p *peer) await(d time.Duration) *line {
	synctest.Wait()
	if len(p.conns) == 0 && d > 0 {
		select {
		case l := <-p.conns:
			synctest.Wait()
			return l
		case <-time.After(d):
		}
	}
	select {
	case l := <-p.conns:
		return l
	default:
		return nil
	}
}

// idle fails the test if a connection comes within d.
func (p *peer) idle(d time.Duration) {
	p.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	if n := len(p.conns); n > 0 {
		p.t.Fatalf("%d connections, want none", n)
	}
}

// next is the next frame, which must be there.
func (l *line) next() *wire.ClientFrame {
	l.t.Helper()
	synctest.Wait()
	select {
	case f, ok := <-l.frames:
		if !ok {
			l.t.Fatalf("the client has gone (%v), want a frame", l.end)
		}
		if f.GetId() != 0 {
			l.last = f
		}
		return f
	default:
		l.t.Fatal("no frame from the client")
		return nil
	}
}

func (l *line) login() *wire.LoginRequest {
	l.t.Helper()
	f := l.next()
	if f.GetLogin() == nil {
		l.t.Fatalf("got %T, want a login", f.GetRequest())
	}
	return f.GetLogin()
}

func (l *line) resume() *wire.ResumeRequest {
	l.t.Helper()
	f := l.next()
	if f.GetResume() == nil {
		l.t.Fatalf("got %T, want a resume", f.GetRequest())
	}
	return f.GetResume()
}

func (l *line) logout() *wire.LogoutRequest {
	l.t.Helper()
	f := l.next()
	if f.GetLogout() == nil {
		l.t.Fatalf("got %T, want a logout", f.GetRequest())
	}
	return f.GetLogout()
}

func (l *line) renew() *wire.RenewRequest {
	l.t.Helper()
	f := l.next()
	if f.GetRenew() == nil {
		l.t.Fatalf("got %T, want a renewal", f.GetRequest())
	}
	return f.GetRenew()
}

func (l *line) listSessions() {
	l.t.Helper()
	if f := l.next(); f.GetListSessions() == nil {
		l.t.Fatalf("got %T, want a request for the sessions", f.GetRequest())
	}
}

func (l *line) signOut() *wire.SignOutRequest {
	l.t.Helper()
	f := l.next()
	if f.GetSignOut() == nil {
		l.t.Fatalf("got %T, want a sign-out", f.GetRequest())
	}
	return f.GetSignOut()
}

func (l *line) acknowledgement() uint64 {
	l.t.Helper()
	f := l.next()
	if f.GetAcknowledgement() == nil {
		l.t.Fatalf("got %T, want an acknowledgement", f.GetRequest())
	}
	return f.GetAcknowledgement().GetSession()
}

// gone fails the test unless the client has closed the connection, saying
// nothing more.
func (l *line) gone() {
	l.t.Helper()
	synctest.Wait()
	select {
	case f, ok := <-l.frames:
		if ok {
			l.t.Fatalf("got %T, want the client gone", f.GetRequest())
		}
	default:
		l.t.Fatal("the connection still stands")
	}
}

// send sends a frame, with the clock.
func (l *line) send(f *wire.ServerFrame) {
	l.t.Helper()
	l.sendAll(f)
}

// sendAll sends frames close together.
func (l *line) sendAll(all ...*wire.ServerFrame) {
	l.t.Helper()
	for _, f := range all {
		f.TimeMs = time.Now().UnixMilli()
		b, err := wire.Proto.Encode(f)
		if err != nil {
			l.t.Fatal(err)
		}
		if err := l.ws.Write(context.Background(), websocket.MessageBinary, b); err != nil {
			l.t.Fatalf("send: %v", err)
		}
	}
	synctest.Wait()
}

// answer answers the last frame.
func (l *line) answer(f *wire.ServerFrame) {
	l.t.Helper()
	f.Id = l.last.GetId()
	l.send(f)
}

// grant grants a login or resume; the UserSig ends after a day.
func (l *line) grant(session, connection uint64) {
	l.t.Helper()
	l.grantUntil(session, connection, time.Now().Add(24*time.Hour))
}

// grantUntil grants a login or resume; the UserSig is good through the second of ends.
func (l *line) grantUntil(session, connection uint64, ends time.Time) {
	l.t.Helper()
	l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Session{Session: &wire.SessionAnswer{
		Session: session, Connection: connection, ExpiresS: ends.Unix(), HeartbeatMs: 120_000,
	}}})
}

func (l *line) refuse(code imcode.Code, retryAfter time.Duration) {
	l.t.Helper()
	l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Refusal{Refusal: &wire.Refusal{
		Code: int32(code), Text: "by the script", RetryAfterMs: uint32(retryAfter.Milliseconds()),
	}}})
}

func (l *line) stale(highest uint64) {
	l.t.Helper()
	l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Stale{Stale: &wire.StaleAnswer{Highest: highest}}})
}

func (l *line) loginAgain() {
	l.t.Helper()
	l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_LoginAgain{LoginAgain: &wire.LoginAgainAnswer{}}})
}

func (l *line) loggedOut(known bool) {
	l.t.Helper()
	l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Logout{Logout: &wire.LogoutAnswer{Known: known}}})
}

func (l *line) renewed(ends time.Time) {
	l.t.Helper()
	l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Renew{Renew: &wire.RenewAnswer{ExpiresS: ends.Unix()}}})
}

func (l *line) notice(n *wire.Notice) *wire.ServerFrame {
	return &wire.ServerFrame{Body: &wire.ServerFrame_Notice{Notice: n}}
}

// close closes the connection as a server does.
func (l *line) close(c wire.Close) {
	l.t.Helper()
	_ = l.ws.Close(websocket.StatusCode(c.Code), c.Reason())
	synctest.Wait()
}

// cut ends the connection without a word.
func (l *line) cut() {
	l.ws.CloseNow()
	synctest.Wait()
}

// A device is a client, and what its app has heard.
type device struct {
	*client.Client

	t        *testing.T
	endpoint *memnet.Endpoint
	events   chan string
	kick     client.Kick // the last one
}

// open opens a client of the peer; its app writes down what it hears.
func (p *peer) open(o client.Options) *device {
	p.t.Helper()
	return p.openAt(address, o)
}

// openAt opens a client of the server at this address.
func (p *peer) openAt(address string, o client.Options) *device {
	p.t.Helper()
	d := &device{t: p.t, endpoint: p.net.Endpoint("device"), events: make(chan string, 1000)}
	if o.Dial == nil {
		o.Dial = d.endpoint.Dial
	}
	var err error
	d.Client, err = client.Open(app, address, o)
	if err != nil {
		p.t.Fatal(err)
	}
	d.AddListener(client.Listener{
		Connecting:     func() { d.events <- "connecting" },
		ConnectSuccess: func() { d.events <- "connected" },
		ConnectFailed:  func(code imcode.Code, text string) { d.events <- fmt.Sprint("failed ", int(code)) },
		KickedOffline: func(k client.Kick) {
			d.kick = k
			d.events <- fmt.Sprintf("kicked %d %s [%v %q]", int(k.Code), k.Reason, d.LoginStatus(), d.LoginUser())
		},
		UserSigWillExpire: func(ends time.Time) {
			d.events <- fmt.Sprintf("ends in %v", ends.Sub(d.ServerTime()).Truncate(time.Second))
		},
		UserSigExpired: func() { d.events <- fmt.Sprintf("expired [%v %q]", d.LoginStatus(), d.LoginUser()) },
	})
	p.t.Cleanup(func() { _ = d.Close() })
	return d
}

// login logs in; its result becomes an event, in its place among the others.
func (d *device) login(user, userSig string) {
	d.StartLogin(user, userSig, func(err error) { d.events <- "login " + outcome(err) })
	synctest.Wait()
}

// renewUserSig renews; its result becomes an event.
func (d *device) renewUserSig(userSig string) {
	d.StartRenewUserSig(userSig, func(err error) { d.events <- "renewal " + outcome(err) })
	synctest.Wait()
}

// logout logs out; its result becomes an event.
func (d *device) logout() {
	d.StartLogout(func(err error) { d.events <- "logout " + outcome(err) })
	synctest.Wait()
}

func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	return fmt.Sprint(int(imcode.Of(err)))
}

// heard fails the test unless the app has heard exactly want since the last
// call, in this order. A failure that repeats counts once.
func (d *device) heard(want ...string) {
	d.t.Helper()
	synctest.Wait()
	var got []string
	for len(d.events) > 0 {
		e := <-d.events
		if n := len(got); n > 0 && got[n-1] == e && strings.HasPrefix(e, "failed") {
			continue
		}
		got = append(got, e)
	}
	if !slices.Equal(got, want) {
		d.t.Fatalf("the app has heard\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// forget takes what the app has heard since the last call.
func (d *device) forget() (heard []string) {
	synctest.Wait()
	for len(d.events) > 0 {
		heard = append(heard, <-d.events)
	}
	return heard
}

// is fails the test unless status and user are these.
func (d *device) is(status client.Status, user rollcall.UserID) {
	d.t.Helper()
	synctest.Wait()
	if d.LoginStatus() != status || d.LoginUser() != user {
		d.t.Fatalf("%v %q, want %v %q", d.LoginStatus(), d.LoginUser(), status, user)
	}
}

// sig is a UserSig of user that is good for the time given.
func sig(user string, good time.Duration) string {
	s, err := usersig.Sign(app, strings.Repeat("k", 64), user, time.Now(), good)
	if err != nil {
		panic(err)
	}
	return s
}

// loggedIn is a device on which alice is in, with session 1, and her line.
func (p *peer) loggedIn(o client.Options) (*device, *line) {
	p.t.Helper()
	d := p.open(o)
	d.login("alice", sig("alice", 24*time.Hour))
	l := p.accept()
	l.login()
	l.grant(1, 1)
	d.heard("connecting", "connected", "login ok")
	return d, l
}
