package session

import (
	"context"

	"rollcall.example/internal/node"
	"rollcall.example/internal/policy"
)

// Own lists the sessions of the account that a place serves, by number, and says
// which of them is the place's own.
func (s *Sessions) Own(ctx context.Context, place *node.Place) (all []policy.Session, own uint64, err error) {
	st, err := s.State(ctx, place.Account())
	own, _ = place.Session()
	return st.Sessions, own, err
}

// SignOut ends another session of the account that a place serves, or, with
// target 0, all others. With sigs all UserSigs made until now are revoked as well;
// what is in force stands in the outcome's State. 70402: there is no such session,
// or it is the place's own.
func (s *Sessions) SignOut(ctx context.Context, place *node.Place, target uint64, sigs bool) (policy.Outcome, error) {
	own, _ := place.Session()
	return s.act(ctx, place.Account(), func(st policy.State, at present) policy.Outcome {
		return policy.SignOutSessions(st, policy.SignOut{Now: at.now, Lost: at.lost, Session: own, Target: target, Sigs: sigs}, at.rules)
	})
}
