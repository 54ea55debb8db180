package session

import (
	"context"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// The acts of operators. operator is who acts, by their own word; it stands in
// the history. Each returns when its outcome is durable and the connections here
// are told. 70020: no such app; 70107: no such account.

// Kick ends the sessions of a target. Their UserSigs stay good.
func (s *Sessions) Kick(ctx context.Context, a rollcall.Account, target policy.Target, operator string) (policy.Outcome, error) {
	return s.act(ctx, a, func(st policy.State, at present) policy.Outcome {
		return policy.KickSessions(st, policy.OperatorKick{Now: at.now, Lost: at.lost, Target: target, Operator: operator}, at.rules)
	})
}

// Revoke makes all UserSigs of the account worthless that were made before
// validFrom, in seconds (0: all until now), and ends its sessions. What is in
// force stands in the outcome's State. 70402: validFrom is out of bounds.
func (s *Sessions) Revoke(ctx context.Context, a rollcall.Account, validFrom int64, operator string) (policy.Outcome, error) {
	return s.act(ctx, a, func(st policy.State, at present) policy.Outcome {
		return policy.RevokeSigs(st, policy.Revoke{Now: at.now, Lost: at.lost, ValidFrom: validFrom, Operator: operator}, at.rules)
	})
}

// SetDisabled shuts the account out and ends its sessions, or lets it in again.
func (s *Sessions) SetDisabled(ctx context.Context, a rollcall.Account, disabled bool, operator string) (policy.Outcome, error) {
	return s.act(ctx, a, func(st policy.State, at present) policy.Outcome {
		return policy.SetDisabled(st, policy.Disable{Now: at.now, Lost: at.lost, Disabled: disabled, Operator: operator}, at.rules)
	})
}

// Delete ends the account's sessions and makes it unknown.
func (s *Sessions) Delete(ctx context.Context, a rollcall.Account, operator string) (policy.Outcome, error) {
	return s.act(ctx, a, func(st policy.State, at present) policy.Outcome {
		return policy.DeleteAccount(st, policy.Delete{Now: at.now, Lost: at.lost, Operator: operator}, at.rules)
	})
}

// act carries out one act. Its refusal is an error.
func (s *Sessions) act(ctx context.Context, a rollcall.Account, r rule) (policy.Outcome, error) {
	if _, err := s.apps.App(a.App); err != nil {
		return policy.Outcome{}, err
	}
	out, err := s.mutate(ctx, a, nil, r)
	if err == nil && out.Answer == policy.Refused {
		err = out.Code.Errorf("%s", out.Detail)
	}
	return out, err
}

// State is what is kept of an account, with the connections that are known here
// to be gone already away. 70020: no such app. An account that nobody has signed
// up is the zero State.
func (s *Sessions) State(ctx context.Context, a rollcall.Account) (policy.State, error) {
	if _, err := s.apps.App(a.App); err != nil {
		return policy.State{}, err
	}
	lost, now := s.roster.Lost(a), s.Now()
	st, err := s.store.State(ctx, a)
	if err != nil {
		return policy.State{}, s.internal(a, err)
	}
	for _, l := range lost {
		for i := range st.Sessions {
			if x := &st.Sessions[i]; x.Number == l.Session && x.Conn == l.Conn && x.Node != "" {
				x.Node, x.Away = "", now
			}
		}
	}
	return st, nil
}
