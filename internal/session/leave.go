package session

import (
	"context"

	"rollcall.example"
	"rollcall.example/internal/node"
	"rollcall.example/internal/policy"
)

// A Logout ends the session that its fixed half names.
type Logout struct {
	Account   rollcall.Account
	Device    rollcall.DeviceID
	FixedHalf []byte
	Try       uint64
	UserSig   string // the attempt's, or empty
	Address   Address
}

// Logout carries out a logout. asking is the place of the connection it came on,
// or nil. Answer Unknown: nothing proved it.
func (s *Sessions) Logout(ctx context.Context, asking *node.Place, q Logout) (Answer, error) {
	app, err := s.apps.App(q.Account.App)
	if err != nil {
		return Answer{}, s.failed(q.Account, q.Address, err)
	}
	signed := false
	if q.UserSig != "" {
		_, _, err := s.verify(q.Account, q.UserSig, q.Address)
		signed = err == nil
	}
	request := policy.Logout{Now: s.Now(), Device: q.Device, Fixed: fixed(q.FixedHalf), Try: q.Try, Signed: signed}
	out, err := s.mutate(ctx, q.Account, asking, func(st policy.State) policy.Outcome {
		return policy.LogOut(st, request, app.Rules)
	})
	if err == nil && out.Answer == policy.Unknown {
		s.wrong(q.Account, q.Address)
	}
	return Answer{Outcome: out}, err
}

// Left gives up the place of a connection that is gone. If its session goes on,
// it is away from now on.
func (s *Sessions) Left(ctx context.Context, place *node.Place) {
	a := place.Account()
	lost, bound := place.Release()
	if !bound {
		return
	}
	app, err := s.apps.App(a.App)
	if err != nil {
		return
	}
	request := policy.Disconnect{Now: s.Now(), Session: lost.Session, Conn: lost.Conn}
	out, err := s.mutate(ctx, a, nil, func(st policy.State) policy.Outcome {
		return policy.Disconnected(st, request, app.Rules)
	})
	if err != nil {
		return // the row still says connected: the roster goes on knowing better
	}
	place.Forget(lost)
	if out.Answer == policy.Granted {
		s.expect(out.Session.Due())
	}
}

// LoggedOut gives up a place whose session its own client has logged out.
func (s *Sessions) LoggedOut(place *node.Place) {
	if lost, bound := place.Release(); bound {
		place.Forget(lost)
	}
}

// Acknowledged drops the kick row of a session whose client proved it and has
// the notice.
func (s *Sessions) Acknowledged(ctx context.Context, a rollcall.Account, session uint64) {
	app, err := s.apps.App(a.App)
	if err != nil {
		return
	}
	request := policy.Acknowledge{Now: s.Now(), Session: session}
	_, _ = s.mutate(ctx, a, nil, func(st policy.State) policy.Outcome { // logged; the row stays, the notice is given again
		return policy.AcknowledgeKick(st, request, app.Rules)
	})
}
