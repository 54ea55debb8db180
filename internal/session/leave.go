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
	if _, err := s.apps.App(q.Account.App); err != nil {
		return Answer{}, s.failed(q.Account, q.Address, err)
	}
	signed := false
	if q.UserSig != "" {
		claims, _, err := s.verify(q.Account, q.UserSig, q.Address)
		now := s.Now()
		signed = err == nil
		of := household{q.Account, claims.At(now) != nil}
		if signed && !s.accountAttempts.Allow(of, member{q.Device, [wire.HalfBytes]byte(q.FixedHalf)}, now) {
			return Answer{}, tooOften("more than %d logouts of this account in 10 s", maxAttempts)
		}
	}
	half := fixed(q.FixedHalf)
	leave := func(st policy.State, at present) policy.Outcome {
		return policy.LogOut(st, policy.Logout{Now: at.now, Device: q.Device, Fixed: half, Try: q.Try, Signed: signed}, at.rules)
	}
	if !signed {
		st, err := s.look(ctx, q.Account, q.Address)
		if err != nil {
			return Answer{}, err
		}
		if !st.Knows(half) { // it changes nothing: no need to hold up those that do
			s.wrong(q.Account, q.Address)
			return Answer{Outcome: leave(st, s.present(q.Account))}, nil
		}
	}
	out, err := s.mutate(ctx, q.Account, asking, leave)
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
	out, err := s.mutateIn(ctx, later, a, nil, nil, func(st policy.State, at present) policy.Outcome {
		return policy.Disconnected(st, l.request, at.rules)
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
	_, _ = s.mutate(ctx, a, nil, func(st policy.State, at present) policy.Outcome { // logged; the row stays, the notice is given again
		return policy.AcknowledgeKick(st, policy.Acknowledge{Now: at.now, Session: session}, at.rules)
	})
}
