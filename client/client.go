package client

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
)

// A Client is one installation of the SDK: a device that accounts log in on,
// one after the other. Its methods may be called from everywhere, callbacks
// included.
type Client struct {
	engine    *engine
	queue     *queue
	listeners *listeners

	close sync.Once
}

// Open returns a client of app at server, which is ws://host:port, wss://host,
// the same with http and https, or host:port alone: that is wss, or ws when the
// host is this machine. A path in front of the server's own is allowed.
//
// Nothing is sent before Login, except logouts that an earlier client on the
// same data directory could not deliver. The errors are
// imcode.SDKInvalidParameters (6017) for what no client can be made of, and
// imcode.InitFailed (6018) when the data directory cannot be used, among them
// that another process (its id is named) has it.
func Open(app rollcall.AppID, server string, o Options) (*Client, error) {
	d, err := newDialer(server, o)
	if err != nil {
		return nil, err
	}
	if err := o.complete(app); err != nil {
		return nil, err
	}
	j, err := openJournal(o.DataDirectory, o.Log)
	if err != nil {
		return nil, err
	}
	c := &Client{queue: newQueue(), listeners: new(listeners)}
	c.engine = newEngine(app, d, j, c.queue, c.listeners, o)
	go c.queue.run()
	go c.engine.run()
	return c, nil
}

// Login logs the account in with a UserSig from the app's own server, and
// returns when it is in or the try is over, at most Options.LoginWithin after
// the call. Who was in before is logged out. docs/client.md says what each
// error means to an app; only those of imcode.Code.NeedsNewUserSig are a reason
// to call Login again unasked.
//
// A context that ends logs out again: the error is both ctx.Err() and
// imcode.LoggedOutBeforeLogin (6023). Only with a new UserSig for the account
// that is in (a renewal) it leaves everything as it is.
//
// The callbacks that belong before the result have run when Login returns,
// unless it was called in a callback.
func (c *Client) Login(ctx context.Context, userID, userSig string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", imcode.LoggedOutBeforeLogin, err)
	}
	k, answer := c.newCall(userID, userSig)
	return c.wait(ctx, answer,
		func() { c.engine.login(k) },
		func() { c.engine.cancelLogin(k, ctx.Err()) })
}

// StartLogin is Login for those who wait by callback: it returns at once, with
// the status StatusLogining unless the call was refused on the spot, and calls
// done exactly once with what Login would return: among the other callbacks, or
// on a goroutine of its own when the client is closed.
func (c *Client) StartLogin(userID, userSig string, done func(error)) {
	k := &call{user: rollcall.UserID(userID), userSig: userSig, done: done}
	if !c.engine.do(func() { c.engine.login(k) }) {
		go done(errClosed())
	}
}

// RenewUserSig gives the account that is in a new UserSig, with which its session
// goes on: what Login does for that account, and never a login of anybody else.
// With nobody in it is imcode.NotLoggedIn (6014), while a login is on its way
// imcode.LoginInProcess (7501). Refused, the session and its old UserSig stay;
// without a connection it succeeds, and the UserSig goes with the next one.
//
// A context that ends changes nothing, unless the UserSig in force has ended
// meanwhile: then the renewal has become a login.
func (c *Client) RenewUserSig(ctx context.Context, userSig string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	k, answer := c.newCall("", userSig)
	return c.wait(ctx, answer,
		func() { c.engine.renewUserSig(k) },
		func() { c.engine.cancelLogin(k, ctx.Err()) })
}

// StartRenewUserSig is RenewUserSig for those who wait by callback.
func (c *Client) StartRenewUserSig(userSig string, done func(error)) {
	k := &call{userSig: userSig, done: done}
	if !c.engine.do(func() { c.engine.renewUserSig(k) }) {
		go done(errClosed())
	}
}

// Logout logs out whoever is in, and ends a login that is on its way with
// imcode.LoggedOutBeforeLogin (6023). It returns when the logout is on disk and
// the server has answered, or could not be asked, or has said nothing for two
// seconds: then it is delivered in the background, if need be by the next
// client on the data directory. With nobody in it does nothing. The one error
// of its own is imcode.IOFailed (6022): out, but not on disk. When ctx ends,
// Logout returns without waiting for the server.
func (c *Client) Logout(ctx context.Context) error {
	k, answer := c.newCall("", "")
	return c.wait(ctx, answer,
		func() { c.engine.logout(k) },
		func() { c.engine.stopWaiting(k) })
}

// StartLogout is Logout for those who wait by callback.
func (c *Client) StartLogout(done func(error)) {
	k := &call{done: done}
	if !c.engine.do(func() { c.engine.logout(k) }) {
		go done(errClosed())
	}
}

// Close ends the client: a login on its way gets imcode.Interrupted (7009), and
// no callback runs any more; when called in a callback, none after that one.
// The session is not logged out; it is away, and whoever wants it ended calls
// Logout first. Close returns nil once everything the client started has
// stopped, at most about a second after the call if callbacks return.
func (c *Client) Close() error {
	inside := c.queue.inside()
	c.close.Do(func() {
		c.engine.stop()
		c.queue.close(inside)
	})
	if !inside {
		<-c.queue.done
	}
	return nil
}

// AddListener lets l hear from now on what happens to the client. The returned
// function takes it away again; both may be called in a callback.
func (c *Client) AddListener(l Listener) (remove func()) { return c.listeners.add(l) }

// LoginStatus tells whether somebody is in. It stays StatusLogined while a lost
// connection is made again.
func (c *Client) LoginStatus() Status { return c.engine.shown().status }

// LoginUser is the account that is in; "" when nobody is, or not yet.
func (c *Client) LoginUser() rollcall.UserID { return c.engine.shown().user }

// Session is the session of the account that is in; the zero Session when
// nobody is.
func (c *Client) Session() Session { return c.engine.shown().session }

// ServerTime is the server's clock as last measured, carried on by this
// machine's monotonic one: setting the local clock does not change it. It is
// the zero time before the server has first been heard.
func (c *Client) ServerTime() time.Time { return c.engine.clock.now() }

// newCall makes a call whose answer comes by channel: behind the callbacks that
// are waiting, or past them when the caller stands in one.
func (c *Client) newCall(userID, userSig string) (*call, <-chan error) {
	answer := make(chan error, 1)
	return &call{
		user:    rollcall.UserID(userID),
		userSig: userSig,
		done:    func(err error) { answer <- err },
		past:    c.queue.inside(),
	}, answer
}

// wait begins a call and returns its answer; cancel asks for it when ctx ends
// before it is there.
func (c *Client) wait(ctx context.Context, answer <-chan error, begin, cancel func()) error {
	if !c.engine.do(begin) {
		return errClosed()
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		c.engine.do(cancel)
		return <-answer
	}
}

func errClosed() error { return imcode.NotInitialized.Errorf("the client is closed") }

// A call is one Login, RenewUserSig or Logout of the app. It is answered once.
type call struct {
	user     rollcall.UserID
	userSig  string
	done     func(error) // does not block, unless it is the app's own callback
	past     bool        // past the queue: its goroutine is the one that waits
	answered bool
}

// A Session says under which numbers the server knows who is in.
type Session struct {
	Number     uint64    // of the session, within its account
	Connection uint64    // of the connection, within the session; the last one while there is none
	Ends       time.Time // from when on the UserSig is over, by the server's clock
}

// noLog is where a client without a logger logs to.
func noLog() *slog.Logger { return slog.New(slog.DiscardHandler) }
