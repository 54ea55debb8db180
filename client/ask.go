package client

import (
	"crypto/sha256"
	"slices"
	"time"

	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// Version is that of this SDK.
const Version = "0.1.0"

// ask sends what brings s in: its attempt's login, or a resume of its session.
func (e *engine) ask(s *seat) {
	if e.journal.Try >= wire.MaxTryNumber {
		e.log.Warn("the device's try numbers are used up: going on as a new device")
		e.journal.renew()
		e.loginAgain(s)
		return
	}
	c := s.conn
	e.journal.Try++
	f := e.resumeFrame
	if s.attempt != nil {
		f = e.loginFrame
	}
	frame := f(s)
	if err := e.journal.save(); err != nil {
		e.tryFailed(s, imcode.IOFailed.Errorf("save the client's state: %v", err))
		return
	}
	a := s.attempt
	if a != nil {
		a.sent = true
		a.open++
	}
	s.doubt = s.doubt || a == nil && s.carried != ""
	s.phase = asking
	s.alarm.stop()
	s.alarm = e.after(answerWithin, func() {
		if e.here(s, c) && s.phase == asking {
			e.tryFailed(s, imcode.RequestTimeout.Errorf("no answer from the server within %v", answerWithin))
		}
	})
	c.ask(frame, func(answer *wire.ServerFrame) {
		if answer != nil && a != nil {
			a.open--
		}
		if answer != nil && e.here(s, c) {
			s.alarm.stop()
			e.answered(s, answer)
		}
	})
}

func (e *engine) loginFrame(s *seat) *wire.ClientFrame {
	a, r := s.attempt, e.journal.record(s.place)
	a.userSig = s.userSig
	if a.automatic {
		a.userSig = e.usable(s)
	}
	return &wire.ClientFrame{Request: &wire.ClientFrame_Login{Login: &wire.LoginRequest{
		App:          uint32(s.App),
		UserId:       string(s.User),
		UserSig:      a.userSig,
		Platform:     uint32(e.opt.Platform),
		DeviceId:     string(e.journal.Device),
		DeviceName:   e.opt.DeviceName,
		Automatic:    a.automatic,
		TryNumber:    e.journal.Try,
		FixedHalf:    a.Fixed,
		ChangingHalf: a.Present,
		LastSession:  r.Session,
		KickSeen:     r.KickSeen,
		Proofs:       e.proofs(r, a),
		Client:       clientName,
	}}}
}

const clientName = "rollcall-go/" + Version

// proofs shows that earlier sessions of this device were this client's: the
// last answered one, and those of attempts whose answers were lost.
func (e *engine) proofs(r *record, a *attempt) [][]byte {
	var all [][]byte
	if len(r.Fixed) > 0 {
		hash := sha256.Sum256(r.Fixed)
		all = append(all, hash[:], r.Present)
	}
	if len(r.Next) > 0 {
		all = append(all, r.Next)
	}
	for _, l := range slices.Backward(e.journal.Logouts) {
		if l.place == r.place && l != a.pending && len(all) < wire.MaxProofs {
			hash := sha256.Sum256(l.Fixed)
			all = append(all, hash[:])
		}
	}
	return all
}

func (e *engine) resumeFrame(s *seat) *wire.ClientFrame {
	if s.secret.Next == nil {
		s.secret.Next = newHalf() // stays until this step is answered
	}
	e.journal.record(s.place).secret = s.secret
	s.carried = s.kept
	return &wire.ClientFrame{Request: &wire.ClientFrame_Resume{Resume: &wire.ResumeRequest{
		App:         uint32(s.App),
		UserId:      string(s.User),
		Session:     s.number,
		FixedHalf:   s.secret.Fixed,
		PresentHalf: s.secret.Present,
		NextHalf:    s.secret.Next,
		TryNumber:   e.journal.Try,
		UserSig:     s.carried,
		Client:      clientName,
	}}}
}

// answered goes by what the server said to a login or resume.
func (e *engine) answered(s *seat, f *wire.ServerFrame) {
	switch b := f.GetBody().(type) {
	case *wire.ServerFrame_Session:
		e.granted(s, b.Session)
	case *wire.ServerFrame_Refusal:
		e.refused(s, b.Refusal)
	case *wire.ServerFrame_Stale:
		e.stale(s, b.Stale.GetHighest())
	case *wire.ServerFrame_LoginAgain:
		e.loginAgain(s)
	case *wire.ServerFrame_Notice:
		e.noticed(s, b.Notice)
	default:
		e.tryFailed(s, imcode.Disconnected.Errorf("the server gave an answer of another kind"))
	}
}

// granted: the session is served on this connection.
func (e *engine) granted(s *seat, a *wire.SessionAnswer) {
	if s.attempt != nil {
		e.loggedIn(s, a)
	} else {
		e.resumed(s, a)
	}
	r := e.journal.record(s.place)
	r.secret, r.Past = s.secret, e.pastOf(s, r.Past, a.GetPast())
	if err := e.journal.save(); err != nil {
		e.log.Error("save the client's state", "err", err) // what is on disk proves the session, too
	}
	s.connection = a.GetConnection()
	e.endsAt(s, a.GetExpiresS())
	s.phase, s.doubt = serving, false
	s.fetch = fetch{last: s.fetch.last}
	e.keepAlive(s.conn, heartbeat(a.GetHeartbeatMs()))

	k := s.login
	s.login = nil
	s.deadline.stop()
	e.publish()
	if s.announced {
		e.connectSuccess()
	}
	e.answer(k, nil)
	e.follow(s)
}

func (e *engine) loggedIn(s *seat, a *wire.SessionAnswer) {
	s.secret = s.attempt.secret
	s.number = a.GetSession()
	s.userSig = s.attempt.userSig
	if s.kept == s.userSig {
		s.kept = ""
	}
	e.drop(s, true)
	s.over = false
	r := e.journal.record(s.place)
	r.Session, r.KickSeen = s.number, 0
}

func (e *engine) resumed(s *seat, a *wire.SessionAnswer) {
	s.secret.Present, s.secret.Next = s.secret.Next, nil
	if s.carried != "" {
		e.keptAnswered(s, s.carried, imcode.Code(a.GetRenewalCode()))
	}
}

// heartbeat is how often the server wants to hear of us, within reason and
// with a margin for a slow network.
func heartbeat(ms uint32) time.Duration {
	if ms == 0 {
		ms = 60_000
	}
	wanted := time.Duration(ms) * time.Millisecond
	return min(max(wanted*2/3, time.Second), 10*time.Minute)
}

// stale: the server has seen a higher try number, so the next one is above it.
func (e *engine) stale(s *seat, highest uint64) {
	if s.detours++; s.detours > maxDetours {
		e.tryFailed(s, imcode.Disconnected.Errorf("the server answers stale again and again"))
		return
	}
	e.journal.Try = max(e.journal.Try, min(highest, wire.MaxTryNumber))
	e.ask(s)
}

// loginAgain: there is nothing to resume, or the attempt's session has ended.
// What follows is a new attempt; a login() stays one.
func (e *engine) loginAgain(s *seat) {
	e.begin(s, s.login == nil)
	if s.detours++; s.detours > maxDetours {
		e.tryFailed(s, imcode.Disconnected.Errorf("the server asks to log in again and again"))
		return
	}
	e.goOn(s)
}

// refused: not granted, for good or for a while.
func (e *engine) refused(s *seat, r *wire.Refusal) {
	err := refusalOf(r)
	switch {
	case s.login != nil && err.Code == imcode.Internal && err.RetryAfter > 0:
		e.tryFailed(s, &comeBack{err.RetryAfter, err.Error()})
		s.last = err
	case s.login != nil:
		e.loginRefused(s, err, r.GetKicked())
	case forAWhile(r):
		e.tryFailed(s, &comeBack{err.RetryAfter, err.Error()})
	default:
		e.returnRefused(s, err)
	}
}

// loginRefused ends a login() with the server's code.
func (e *engine) loginRefused(s *seat, err *imcode.Error, by *wire.Notice) {
	if saysExpired(err.Code) {
		e.dead.add(s.userSig)
	}
	if err.Code == imcode.KickedOffByOther {
		r := e.journal.record(s.place)
		r.KickSeen = by.GetSession()
		if r.KickSeen == 0 {
			r.KickSeen = r.Session
		}
	}
	e.dropRefused(s)
	e.connectSuccess()
	e.failLogin(s, err)
}

// returnRefused ends the stay of one who came back by himself, unless another
// UserSig may still serve.
func (e *engine) returnRefused(s *seat, err *imcode.Error) {
	if !aboutUserSig(err.Code) {
		reason := ReasonUnknown
		if err.Code == imcode.AccountDisabled {
			reason = ReasonAccountDisabled
		}
		e.dropRefused(s)
		e.kicked(s, Kick{Reason: reason, Code: err.Code, Text: err.Detail, At: e.clock.now()})
		return
	}
	offered := s.userSig
	if s.attempt != nil {
		offered = s.attempt.userSig
	}
	e.refuse(s, offered, err.Code)
	e.dropRefused(s)
	e.begin(s, true)
	e.rest(s)
	e.goOn(s)
}

// aboutUserSig tells whether another UserSig could make a difference.
func aboutUserSig(c imcode.Code) bool {
	return slices.Contains([]imcode.Code{
		imcode.UserSigExpired, imcode.UserSigEmpty, imcode.UserSigCheckFailed,
		imcode.UserSigMismatchPublicKey, imcode.UserSigMismatchID, imcode.UserSigMismatchAppID,
		imcode.PublicKeyNotFound, imcode.InvalidUserSig,
	}, c)
}

// saysExpired tells whether the code means that the UserSig is never good again.
func saysExpired(c imcode.Code) bool {
	return c == imcode.UserSigExpired || c == imcode.InvalidUserSig
}
