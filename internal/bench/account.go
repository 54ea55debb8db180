package bench

import (
	"crypto/rand"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall.example"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

// An account is one that a bench logs in, with the session that it has.
type account struct {
	number  uint64
	user    string
	userSig string
	devices int // how many it has had

	device  string
	try     uint64
	fixed   []byte
	present []byte
	next    []byte
	session uint64
}

// ticketsFor is how long a bench's UserSigs are good: longer than any sitting.
const ticketsFor = 24 * time.Hour

// accounts makes n accounts that the target has not seen.
func (t *target) accounts(n int) ([]*account, error) {
	tag := rand.Text()[:10]
	return t.named(n, func(i int) string { return fmt.Sprintf("bench-%s-%d", tag, i) })
}

// named makes n accounts of the names given, with UserSigs of now.
func (t *target) named(n int, name func(i int) string) ([]*account, error) {
	all, now := make([]*account, n), time.Now()
	var g errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		g.Go(func() error {
			for i := w; i < n; i += workers {
				a := &account{number: uint64(i), user: name(i)}
				if t.kind == rollcallKind {
					sig, err := usersig.Sign(t.app, t.key, a.user, now, ticketsFor)
					if err != nil {
						return err
					}
					a.userSig = sig
				} else {
					a.userSig = sampleSig
				}
				all[i] = a
			}
			return nil
		})
	}
	return all, g.Wait()
}

// sampleSig has a UserSig's length: what goes to a floor is as long as a login.
var sampleSig = func() string {
	b := make([]byte, 216)
	for i := range b {
		b[i] = 'x'
	}
	return string(b)
}()

// half draws half of a secret.
func half() []byte {
	b := make([]byte, wire.HalfBytes)
	rand.Read(b)
	return b
}

// login is the frame with which the account logs in on another device than before.
func (t *target) login(a *account) ([]byte, error) {
	a.devices++
	a.device = fmt.Sprintf("device-%d", a.devices)
	a.try, a.fixed, a.present, a.next = 0, half(), half(), half()
	return t.loginAgain(a)
}

// loginAgain is the frame with which the account tries the same login once more.
func (t *target) loginAgain(a *account) ([]byte, error) {
	a.try++
	b, err := wire.Proto.Encode(&wire.ClientFrame{Id: 1, Request: &wire.ClientFrame_Login{Login: &wire.LoginRequest{
		App: uint32(t.app), UserId: a.user, UserSig: a.userSig, Platform: uint32(rollcall.Android), DeviceId: a.device,
		DeviceName: "a bench's phone", TryNumber: a.try, FixedHalf: a.fixed, ChangingHalf: a.present,
		Client: "rollcall bench",
	}}})
	if err != nil {
		return nil, err
	}
	return t.spell(b, a.number), nil
}

// resume is the frame with which the account's session comes back. Its repetition
// is the same but for the try number.
func (t *target) resume(a *account) ([]byte, error) {
	a.try++
	b, err := wire.Proto.Encode(&wire.ClientFrame{Id: 1, Request: &wire.ClientFrame_Resume{Resume: &wire.ResumeRequest{
		App: uint32(t.app), UserId: a.user, Session: a.session, FixedHalf: a.fixed, PresentHalf: a.present, NextHalf: a.next,
		TryNumber: a.try, Client: "rollcall bench",
	}}})
	if err != nil {
		return nil, err
	}
	return t.spell(b, a.number), nil
}

// stepped notes that a resume was granted.
func (a *account) stepped() { a.present, a.next = a.next, half() }

// acknowledgement is the frame that says that the notice for a session has come.
func (t *target) acknowledgement(session uint64) ([]byte, error) {
	b, err := wire.Proto.Encode(&wire.ClientFrame{Request: &wire.ClientFrame_Acknowledgement{
		Acknowledgement: &wire.Acknowledgement{Session: session},
	}})
	if err != nil {
		return nil, err
	}
	return t.spell(b, 0), nil
}

// logins are the frames of as many logins of new accounts, made beforehand.
func (t *target) logins(n int) ([][]byte, error) {
	all, err := t.accounts(n)
	if err != nil {
		return nil, err
	}
	frames := make([][]byte, n)
	for i, a := range all {
		if frames[i], err = t.login(a); err != nil {
			return nil, err
		}
	}
	return frames, nil
}
