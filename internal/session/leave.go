package session

import (
	"context"

	"rollcall.example"
	"rollcall.example/internal/node"
	"rollcall.example/internal/policy"
	"rollcall.example/wire"
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
	now, signed := s.Now(), false
	if q.UserSig != "" {
		_, claims, err := s.verify(q.Account, q.UserSig, q.Address)
		signed = err == nil
		of := household{q.Account, claims.At(now) != nil}
		if signed && !s.accountAttempts.Allow(of, member{q.Device, [wire.HalfBytes]byte(q.FixedHalf)}, now) {
			return Answer{}, tooOften("more than %d logouts of this account in 10 s", maxAttempts)
		}
	}
	request := policy.Logout{Now: now, Device: q.Device, Fixed: fixed(q.FixedHalf), Try: q.Try, Signed: signed}
	if !signed {
		st, err := s.look(ctx, q.Account, q.Address)
		if err != nil {
			return Answer{}, err
		}
		if !st.Knows(request.Fixed) { // it changes nothing: no need to hold up those that do
			s.wrong(q.Account, q.Address)
			return Answer{Outcome: policy.LogOut(st, request, app.Rules)}, nil
		}
	}
	out, err := s.mutate(ctx, q.Account, asking, func(st policy.State) policy.Outcome {
		return policy.LogOut(st, request, app.Rules)
	})
	if err == nil && out.Answer == policy.Unknown { // known no more
		s.wrong(q.Account, q.Address)
	}
	return Answer{Outcome: out}, err
}

// Left gives up the place of a connection that is gone. If its session goes on,
// it is away from now on.
func (s *Sessions) Left(ctx context.Context, place *node.Place) {
	lost, bound := place.Release()
	if !bound {
		return
	}
	l := left{place, policy.Disconnect{Now: s.Now(), Session: lost.Session, Conn: lost.Conn}}
	if !s.away(ctx, l) { // the row still says connected; the roster knows better until the sweep has said it
		s.unsaidMu.Lock()
		s.unsaid = append(s.unsaid, l)
		s.unsaidMu.Unlock()
		s.Wake()
	}
}

// left is the end of a connection that the store is to hear of.
type left struct {
	place   *node.Place
	request policy.Disconnect
}

// away tells the store, and whether it has heard.
func (s *Sessions) away(ctx context.Context, l left) bool {
	a := l.place.Account()
	rules := s.rules(a.App)
	out, err := s.mutateIn(ctx, later, a, nil, func(st policy.State) policy.Outcome {
		return policy.Disconnected(st, l.request, rules)
	})
	if err != nil {
		return false
	}
	l.place.Forget(policy.Lost{Session: l.request.Session, Conn: l.request.Conn})
	if out.Answer == policy.Granted {
		s.expect(out.Session.Due())
	}
	return true
}

// catchUp tells the store again what it could not take, and whether it has heard
// all of it.
func (s *Sessions) catchUp(ctx context.Context) bool {
	s.unsaidMu.Lock()
	all := s.unsaid
	s.unsaid = nil
	s.unsaidMu.Unlock()
	for i, l := range all {
		if !s.away(ctx, l) {
			s.unsaidMu.Lock()
			s.unsaid = append(s.unsaid, all[i:]...)
			s.unsaidMu.Unlock()
			return false
		}
	}
	return true
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
