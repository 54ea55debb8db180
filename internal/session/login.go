package session

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/node"
	"rollcall.example/internal/policy"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

// A Login asks for a session. Its members are legal; nothing of them is proven.
type Login struct {
	Account      rollcall.Account
	UserSig      string
	Device       rollcall.DeviceID
	DeviceName   string
	Platform     rollcall.Platform
	Automatic    bool
	Try          uint64
	FixedHalf    []byte
	ChangingHalf []byte
	LastSession  uint64
	KickSeen     uint64
	Proofs       [][]byte
	Address      Address
}

// Login begins a session of the account on connection c, or finds the one that
// an earlier try of the same attempt began. Refusals by the rule are in the
// answer; what is refused before is the error: the codes of a UserSig, 60016,
// 70020, 70050, 72010.
func (s *Sessions) Login(ctx context.Context, c node.Conn, q Login) (Answer, error) {
	answer, err := s.login(ctx, c, q)
	switch {
	case err != nil:
		s.opt.OnLogin(imcode.Of(err))
	case answer.Answer == policy.Refused:
		s.opt.OnLogin(answer.Code)
	case answer.Answer == policy.Granted:
		s.opt.OnLogin(imcode.OK)
	}
	return answer, err
}

func (s *Sessions) login(ctx context.Context, c node.Conn, q Login) (Answer, error) {
	claims, still, err := s.verify(q.Account, q.UserSig, q.Address)
	if err != nil {
		return Answer{}, err
	}
	now, half := s.Now(), [wire.HalfBytes]byte(q.FixedHalf)
	of := household{q.Account, s.over(claims, q.UserSig, now)}
	if of.over { // every frame counts, and not only each attempt
		half = [wire.HalfBytes]byte{}
		binary.BigEndian.PutUint64(half[:], s.useless.Add(1))
	}
	if !s.deviceAttempts.Allow(installation{of, q.Device}, half, now) {
		return Answer{}, tooOften("more than 5 logins of this device in 10 s")
	}
	if !s.accountAttempts.Allow(of, member{q.Device, half}, now) {
		return Answer{}, tooOften("more than %d logins of this account in 10 s", maxAttempts)
	}
	request := policy.Login{
		Node: s.opt.Node, Device: q.Device, DeviceName: q.DeviceName, Platform: q.Platform, Address: q.Address.Short(),
		SigTime: claims.Time, SigEnds: ends(claims),
		Automatic: q.Automatic, Try: q.Try,
		Fixed: fixed(q.FixedHalf), Changing: hash(q.ChangingHalf),
		LastSession: q.LastSession, KickSeen: q.KickSeen, Proofs: hashes(q.Proofs),
	}
	answer, err := s.serve(ctx, login, c, q.Account, still, func(st policy.State, at present) policy.Outcome {
		request.Now, request.Lost = at.now, at.lost
		return policy.LogIn(st, request, at.rules)
	})
	if err == nil && answer.Answer == policy.Refused && (answer.Code == imcode.UserSigExpired || answer.Code == imcode.InvalidUserSig) {
		s.dead.Fail(q.UserSig, now)
	}
	return answer, err
}

// over tells whether a UserSig is known to be good for nothing: by the clock, or
// because a rule has said so lately.
func (s *Sessions) over(c usersig.Claims, ticket string, now time.Time) bool {
	if c.At(now) != nil {
		return true
	}
	_, dead := s.dead.Blocked(ticket, now)
	return dead
}

// verify checks all of a UserSig but its times, which the rule judges, and says what has
// to be so still at its turn.
func (s *Sessions) verify(a rollcall.Account, ticket string, from Address) (usersig.Claims, condition, error) {
	app, unknown := s.apps.App(a.App)
	var keys []string
	if unknown == nil {
		keys = app.Secrets()
	}
	claims, err := usersig.Check(ticket, a.App, string(a.User), keys)
	if unknown != nil && errors.Is(err, imcode.PublicKeyNotFound) {
		err = unknown
	}
	if err != nil {
		return claims, nil, s.failed(a, from, err)
	}
	return claims, stands(app, a, ticket), open(app)
}

// open refuses a disabled app: 60016.
func open(app *apps.App) error {
	if app.Disabled {
		return imcode.AppDisabled.Errorf("app %d is disabled", app.ID)
	}
	return nil
}

// ends is the last second in which a UserSig is good.
func ends(c usersig.Claims) int64 { return c.Ends().Unix() - 1 }

// failed counts a refusal before any proof; past the bound it reads 70050.
func (s *Sessions) failed(a rollcall.Account, from Address, err error) error {
	if after, blocked := s.wrong(a, from); blocked {
		return &imcode.Error{Code: imcode.AccountFreqLimit, Detail: "too many failed logins", RetryAfter: after}
	}
	return err
}

// wrong counts something unproven, by address and account and by address.
func (s *Sessions) wrong(a rollcall.Account, from Address) (after time.Duration, blocked bool) {
	now, who := s.Now(), stranger{from.Key(), a}
	if after, blocked := s.blocked(who, now); blocked {
		return after, true
	}
	s.accountFailures.Fail(who, now)
	s.addressFailures.Fail(who.address, now)
	return 0, false
}

// blocked tells whether who proves nothing has failed too often.
func (s *Sessions) blocked(who stranger, now time.Time) (after time.Duration, blocked bool) {
	if after, blocked = s.accountFailures.Blocked(who, now); blocked {
		return after, true
	}
	return s.addressFailures.Blocked(who.address, now)
}

// tooOften refuses attempts above a rate.
func tooOften(format string, args ...any) error {
	return &imcode.Error{
		Code: imcode.LoginFrequencyLimit, Detail: fmt.Sprintf(format, args...) + ": slow down", RetryAfter: attemptsWithin,
	}
}

// attemptsWithin is the window in which attempts are counted.
const attemptsWithin = 10 * time.Second
