package session

import (
	"context"
	"errors"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/node"
	"rollcall.example/internal/policy"
)

// A Resume brings a session back on a new connection.
type Resume struct {
	Account     rollcall.Account
	Session     uint64
	FixedHalf   []byte
	PresentHalf []byte
	NextHalf    []byte
	Try         uint64
	UserSig     string // a renewal that found no connection; or empty
	Web         bool   // the connection comes from a web page
	Address     Address
}

// Resume gives the session connection c. With a renewal that is refused the
// session is granted all the same, with Renewal and Detail saying why.
func (s *Sessions) Resume(ctx context.Context, c node.Conn, q Resume) (Answer, error) {
	app, err := s.apps.App(q.Account.App)
	if err != nil {
		return Answer{}, s.failed(q.Account, q.Address, err)
	}
	if app.Disabled {
		return shut(), nil
	}
	request := policy.Resume{
		Node: s.opt.Node, Session: q.Session, Fixed: fixed(q.FixedHalf), Present: hash(q.PresentHalf), Next: hash(q.NextHalf),
		Try: q.Try, Web: q.Web, Address: q.Address.Short(),
	}
	back := func(st policy.State, at present) policy.Outcome {
		request.Now, request.Lost = at.now, at.lost
		return policy.ResumeSession(st, request, at.rules)
	}
	st, err := s.look(ctx, q.Account, q.Address)
	if err != nil {
		return Answer{}, err
	}
	if !st.Proves(q.Session, request.Fixed) { // it changes nothing: no need to hold up those that do
		return Answer{Outcome: s.unproven(q, back(st, s.present(q.Account)))}, nil
	}
	var unsigned error
	var good condition
	if q.UserSig != "" {
		request.Renewal, good, unsigned = s.renewal(q.Account, q.UserSig, q.Address)
	}
	answer, err := s.serve(ctx, first, c, q.Account, func(at present) error {
		if request.Renewal != nil {
			if unsigned = good(at); unsigned != nil {
				request.Renewal = nil
			}
		}
		return open(at.app)
	}, back)
	switch {
	case errors.Is(err, imcode.AppDisabled):
		return shut(), nil
	case err != nil:
		return answer, err
	}
	answer.Outcome = s.unproven(q, answer.Outcome)
	if unsigned != nil && answer.Answer == policy.Granted {
		answer.Renewal, answer.Detail = imcode.Of(unsigned), unsigned.Error()
	}
	return answer, nil
}

// shut is the answer to a return to an app that is disabled: a login is told why.
func shut() Answer { return Answer{Outcome: policy.Outcome{Answer: policy.LogInAgain}} }

// unproven counts a return that came to nothing, also where there is no such session:
// the count would tell.
func (s *Sessions) unproven(q Resume, out policy.Outcome) policy.Outcome {
	if out.Wrong || out.Answer == policy.LogInAgain {
		_, blocked := s.wrong(q.Account, q.Address)
		if out.Wrong && !blocked {
			s.opt.Log.Warn("a secret that is not the session's", "app", q.Account.App, "user", q.Account.User, "session", q.Session)
		}
	}
	return out
}

// look reads an account for who has proved nothing yet. Addresses that fail too often
// read one at a time, so that those who guess do not hold up others.
func (s *Sessions) look(ctx context.Context, a rollcall.Account, from Address) (policy.State, error) {
	if _, blocked := s.blocked(stranger{from.Key(), a}, s.Now()); blocked {
		select {
		case s.guessing <- struct{}{}:
			defer func() { <-s.guessing }()
		case <-ctx.Done():
			return policy.State{}, ctx.Err()
		}
	}
	st, err := s.store.State(ctx, a)
	if err != nil {
		return st, s.internal(a, err)
	}
	return st, nil
}

// renewal checks all of a new UserSig but its times.
func (s *Sessions) renewal(a rollcall.Account, ticket string, from Address) (*policy.Renewal, condition, error) {
	claims, still, err := s.verify(a, ticket, from)
	if err != nil {
		return nil, nil, err
	}
	return &policy.Renewal{SigTime: claims.Time, SigEnds: ends(claims)}, still, nil
}

// Renew gives the session of a place a new UserSig. The codes are those of a
// login; 70402 if it ends sooner than the present one.
func (s *Sessions) Renew(ctx context.Context, place *node.Place, ticket string, from Address) (Answer, error) {
	a := place.Account()
	claims, still, err := s.verify(a, ticket, from)
	if err != nil {
		return Answer{}, err
	}
	number, _ := place.Session()
	renewal := policy.Renewal{SigTime: claims.Time, SigEnds: ends(claims)}
	out, err := s.mutateIn(ctx, first, a, nil, still, func(st policy.State, at present) policy.Outcome {
		return policy.RenewSig(st, policy.Renew{Now: at.now, Session: number, Renewal: renewal}, at.rules)
	})
	if err == nil && out.Answer == policy.Granted {
		s.expect(out.Session.Due())
	}
	return Answer{Outcome: out}, err
}
