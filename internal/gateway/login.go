package gateway

import (
	"context"
	"errors"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/session"
	"rollcall.example/wire"
)

// login serves a login.
func (c *conn) login(ctx context.Context, id uint64, q *wire.LoginRequest) {
	if c.place != nil {
		c.refuse(id, imcode.LoginInProcess.Errorf("a session stands on this connection already"))
		return
	}
	in, err := c.decodeLogin(q)
	if err != nil {
		c.refuse(id, err)
		return
	}
	c.g.opt.Log.Debug("login", "app", in.Account.App, "user", in.Account.User, "platform", in.Platform.String(), "client", q.GetClient())
	c.out.asks(id)
	a, err := c.g.sessions.Login(ctx, c, in)
	c.served(id, in.Account, a, err)
}

// served answers a login or resume and, if it is granted, takes its place.
func (c *conn) served(id uint64, account rollcall.Account, a session.Answer, err error) {
	switch {
	case err != nil:
		c.refuse(id, err)
		return
	case a.Answer == policy.Granted:
		c.place, c.requests = a.Place, 0
		c.limit = pace{}
		c.silence, c.ping = c.g.opt.Silence, 0
		if a.Session.Platform == rollcall.Web {
			c.silence, c.ping = c.g.opt.WebSilence, c.g.opt.WebHeartbeat
		}
	case a.Answer == policy.Told:
		c.account, c.proved = account, a.Proved
	case a.Answer == policy.LogInAgain && !c.again:
		c.again, c.deadline = true, time.Now().Add(c.g.opt.LoginWithin)
	}
	c.reply(id, a)
}

// heartbeat is how often a client on p is asked to be heard.
func (c *conn) heartbeat(p rollcall.Platform) time.Duration {
	if p == rollcall.Web {
		return c.g.opt.WebHeartbeat
	}
	return c.g.opt.Heartbeat
}

func (c *conn) decodeLogin(q *wire.LoginRequest) (session.Login, error) {
	account, err := decodeAccount(q.GetApp(), q.GetUserId())
	if err != nil {
		return session.Login{}, err
	}
	device, err := rollcall.ParseDeviceID(q.GetDeviceId())
	if err != nil {
		return session.Login{}, err
	}
	platform := rollcall.PlatformOf(q.GetPlatform())
	switch name := q.GetDeviceName(); {
	case c.web && platform != rollcall.Web:
		err = imcode.InvalidParameters.Errorf("platform %s: a web page may log in as Web only", platform)
	case len(name) > rollcall.MaxDeviceNameBytes || !plain.Printable(name):
		err = imcode.InvalidParameters.Errorf("device name: want at most %d bytes of printable UTF-8", rollcall.MaxDeviceNameBytes)
	case len(q.GetProofs()) > wire.MaxProofs:
		err = imcode.InvalidParameters.Errorf("%d proofs: want at most %d", len(q.GetProofs()), wire.MaxProofs)
	default:
		err = secret(q.GetTryNumber(), q.GetFixedHalf(), q.GetChangingHalf())
	}
	if err == nil {
		err = checkClient(q.GetClient())
	}
	if err != nil {
		return session.Login{}, err
	}
	return session.Login{
		Account: account, UserSig: q.GetUserSig(), Device: device, DeviceName: q.GetDeviceName(), Platform: platform,
		Automatic: q.GetAutomatic(), Try: q.GetTryNumber(), FixedHalf: q.GetFixedHalf(), ChangingHalf: q.GetChangingHalf(),
		LastSession: q.GetLastSession(), KickSeen: q.GetKickSeen(), Proofs: q.GetProofs(), Address: c.address,
	}, nil
}

// decodeAccount checks the account of a frame. An illegal UserID of a raw client
// is 70402: 7003 is the SDKs' own.
func decodeAccount(app uint32, user string) (rollcall.Account, error) {
	u, err := rollcall.ParseUserID(user)
	if err != nil {
		e, _ := asError(err)
		return rollcall.Account{}, imcode.InvalidParameters.Errorf("%s", e.Detail)
	}
	return rollcall.Account{App: rollcall.AppID(app), User: u}, nil
}

// maxClient bounds the name and version that a client gives of itself.
const maxClient = 64

func checkClient(name string) error {
	if len(name) > maxClient || !plain.Printable(name) {
		return imcode.InvalidParameters.Errorf("client: want at most %d bytes of printable UTF-8", maxClient)
	}
	return nil
}

// secret checks a try number and the halves that come with it.
func secret(try uint64, all ...[]byte) error {
	if try == 0 || try > wire.MaxTryNumber {
		return imcode.InvalidParameters.Errorf("try number %d: want 1 to 2^53", try)
	}
	for _, h := range all {
		if len(h) != wire.HalfBytes {
			return imcode.InvalidParameters.Errorf("half of a secret of %d bytes: want %d", len(h), wire.HalfBytes)
		}
	}
	return nil
}

func asError(err error) (*imcode.Error, bool) { return errors.AsType[*imcode.Error](err) }
