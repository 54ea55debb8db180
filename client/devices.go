package client

import (
	"context"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
	"rollcall.example/wire"
)

// A DeviceSession is one of the places where the account that is in is logged
// in, as its user may see it.
type DeviceSession struct {
	Number     uint64            // of the session, within its account
	Device     rollcall.DeviceID // of the installation
	DeviceName string            // may be empty
	Platform   rollcall.Platform
	LoggedIn   time.Time
	AwaySince  time.Time // since when it has no connection; zero: it has one
	Address    string    // of its last connection, shortened to the network; may be empty
	This       bool      // it is this client's own
}

// SignOutOptions are the choices of a sign-out.
type SignOutOptions struct {
	// UserSigs makes all UserSigs of the account worthless that were made until
	// now, so that nobody comes back with one. This client's session lives on; it
	// needs a new UserSig for its next renewal or login.
	UserSigs bool
}

// Sessions lists where the account that is in is logged in, this session among
// them, by number.
//
// It asks the server. With nobody in it is imcode.NotLoggedIn (6014), without a
// connection imcode.Disconnected (9508), without an answer imcode.WaitAckTimeout
// (9520), and for too many calls at a time imcode.CallFrequencyLimit (7008). So
// are SignOut and SignOutOthers.
func (c *Client) Sessions(ctx context.Context) (all []DeviceSession, err error) {
	err = c.request(ctx, listSessions(), takeSessions(&all))
	return all, err
}

// StartSessions is Sessions for those who wait by callback.
func (c *Client) StartSessions(done func([]DeviceSession, error)) {
	var all []DeviceSession
	c.startRequest(listSessions(), takeSessions(&all), func(err error) { done(all, err) })
}

// SignOut ends another session of the account that is in: its device hears
// KickedOffline with ReasonSignedOutElsewhere, now or when it comes back. With
// imcode.WaitAckTimeout it may have happened, and may be repeated. A number that
// is no other session of the account is imcode.InvalidParameters (70402).
func (c *Client) SignOut(ctx context.Context, session uint64, o SignOutOptions) error {
	if session == 0 {
		return errNoSession()
	}
	return c.request(ctx, signOut(session, o), takeCount(new(int)))
}

// StartSignOut is SignOut for those who wait by callback.
func (c *Client) StartSignOut(session uint64, o SignOutOptions, done func(error)) {
	if session == 0 {
		c.startAnswered(errNoSession(), done)
		return
	}
	c.startRequest(signOut(session, o), takeCount(new(int)), done)
}

// SignOutOthers ends all sessions of the account that is in but this one, and
// says how many it has ended.
func (c *Client) SignOutOthers(ctx context.Context, o SignOutOptions) (count int, err error) {
	err = c.request(ctx, signOut(0, o), takeCount(&count))
	return count, err
}

// StartSignOutOthers is SignOutOthers for those who wait by callback.
func (c *Client) StartSignOutOthers(o SignOutOptions, done func(count int, err error)) {
	var count int
	c.startRequest(signOut(0, o), takeCount(&count), func(err error) { done(count, err) })
}

func errNoSession() error {
	return imcode.SDKInvalidParameters.Errorf("session 0: want the number of a session, as Sessions lists them")
}

func listSessions() *wire.ClientFrame {
	return &wire.ClientFrame{Request: &wire.ClientFrame_ListSessions{ListSessions: &wire.ListSessionsRequest{}}}
}

// signOut names a session; 0 is all others.
func signOut(session uint64, o SignOutOptions) *wire.ClientFrame {
	return &wire.ClientFrame{Request: &wire.ClientFrame_SignOut{SignOut: &wire.SignOutRequest{
		Session: session, UserSigs: o.UserSigs,
	}}}
}

func takeSessions(all *[]DeviceSession) func(*wire.ServerFrame) bool {
	return func(f *wire.ServerFrame) bool {
		for _, x := range f.GetSessions().GetSessions() {
			*all = append(*all, deviceSession(x))
		}
		return f.GetSessions() != nil
	}
}

func deviceSession(x *wire.SessionInfo) DeviceSession {
	d := DeviceSession{
		Number:     x.GetSession(),
		Device:     rollcall.DeviceID(plain.Line(x.GetDeviceId())),
		DeviceName: plain.Line(x.GetDeviceName()),
		Platform:   rollcall.PlatformOf(x.GetPlatform()),
		LoggedIn:   time.UnixMilli(x.GetLoginMs()),
		Address:    plain.Line(x.GetAddress()),
		This:       x.GetCurrent(),
	}
	if x.GetAwaySinceMs() > 0 {
		d.AwaySince = time.UnixMilli(x.GetAwaySinceMs())
	}
	return d
}

func takeCount(count *int) func(*wire.ServerFrame) bool {
	return func(f *wire.ServerFrame) bool {
		*count = int(f.GetSignOut().GetCount())
		return f.GetSignOut() != nil
	}
}
