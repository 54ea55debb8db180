package session

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/node"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

// TestARequestIsJudgedByWhatIsSoAtItsTurn: a request waits in the line, and what it is
// judged by becomes otherwise meanwhile.
func TestARequestIsJudgedByWhatIsSoAtItsTurn(t *testing.T) {
	two := apps.Policy{Instances: apps.Instances{rollcall.Android: 2}}
	for _, tt := range []struct {
		name      string
		before    func(s *scene) // alice's phone is in by then, with a UserSig for an hour
		ask       func(s *scene, phone Answer) (came string)
		meanwhile func(s *scene, phone Answer)
		want      string
	}{
		{
			name:      "a login, and there is room for two",
			ask:       func(s *scene, _ Answer) string { return said(s.login("another", time.Hour)) },
			meanwhile: func(s *scene, _ Answer) { s.set(two) },
			want:      "granted []",
		},
		{
			name:      "a login, and its UserSig is over",
			ask:       func(s *scene, _ Answer) string { return said(s.login("another", 10*time.Second)) },
			meanwhile: func(*scene, Answer) { time.Sleep(11 * time.Second) },
			want:      "refused 70001 []",
		},
		{
			name:      "a login of a device, and its connection is gone",
			ask:       func(s *scene, _ Answer) string { return said(s.login("phone", time.Hour)) },
			meanwhile: (*scene).lose,
			want:      "granted [replaced]",
		},
		{
			name:      "a login, and the app is disabled",
			ask:       func(s *scene, _ Answer) string { return said(s.login("another", time.Hour)) },
			meanwhile: (*scene).disable,
			want:      "60016 ERR_SVR_COMM_SDKAPPID_FORBIDDEN: app 5 is disabled",
		},
		{
			name:      "a login, and the key of its UserSig is removed",
			ask:       func(s *scene, _ Answer) string { return said(s.login("another", time.Hour)) },
			meanwhile: (*scene).removeKey,
			want:      "70009 ERR_SVR_ACCOUNT_USERSIG_MISMATCH_PUBLICKEY: it was signed with no current key of SDKAppID 5, or changed since",
		},
		{
			name:      "a login, and something else of the app is another",
			ask:       func(s *scene, _ Answer) string { return said(s.login("phone", time.Hour)) },
			meanwhile: (*scene).addKey,
			want:      "granted [kicked]",
		},
		{
			name:      "a return, and the app is disabled",
			ask:       func(s *scene, phone Answer) string { return said(s.resume(phone)) },
			meanwhile: (*scene).disable,
			want:      fmt.Sprintf("answer %d []", policy.LogInAgain),
		},
		{
			name: "a return with a renewal, and the key of the new UserSig is removed",
			ask: func(s *scene, phone Answer) string {
				a, err := s.resumeWith(phone, s.sign(2*time.Hour))
				return fmt.Sprint(said(a, err), ", renewal: ", int(a.Renewal))
			},
			meanwhile: (*scene).removeKey,
			want:      "granted [], renewal: 70009",
		},
		{
			name: "a renewal, and the app is disabled",
			ask: func(s *scene, phone Answer) string {
				return said(s.Renew(s.t.Context(), phone.Place, s.sign(2*time.Hour), Address{}))
			},
			meanwhile: (*scene).disable,
			want:      "60016 ERR_SVR_COMM_SDKAPPID_FORBIDDEN: app 5 is disabled",
		},
		{
			name:      "a return, and the UserSig is over",
			ask:       func(s *scene, phone Answer) string { return said(s.resume(phone)) },
			meanwhile: func(*scene, Answer) { time.Sleep(2 * time.Hour) },
			want:      "told [expired]",
		},
		{
			name: "a renewal, and the new UserSig is over",
			ask: func(s *scene, phone Answer) string {
				return said(s.Renew(s.t.Context(), phone.Place, s.sign(10*time.Second), Address{}))
			},
			meanwhile: func(*scene, Answer) { time.Sleep(11 * time.Second) },
			want:      "refused 70001 []",
		},
		{
			name: "a logout, and the UserSig is over",
			ask: func(s *scene, _ Answer) string {
				return said(s.Logout(s.t.Context(), nil, Logout{Account: alice, Device: "phone", FixedHalf: half(1), Try: 2}))
			},
			meanwhile: func(*scene, Answer) { time.Sleep(2 * time.Hour) },
			want:      "granted [expired]",
		},
		{
			name: "a kick, and the connection is gone",
			ask: func(s *scene, _ Answer) string {
				out, err := s.Kick(s.t.Context(), alice, policy.Target{}, "root")
				return fmt.Sprint(said(Answer{Outcome: out}, err), ", connected: ", out.Events[0].Connected)
			},
			meanwhile: (*scene).lose,
			want:      "granted [kicked], connected: false",
		},
		{
			name: "a policy that is applied, and is another one",
			before: func(s *scene) {
				s.set(two)
				if got := said(s.login("another", time.Hour)); got != "granted []" {
					s.t.Errorf("the second login: %s", got)
				}
				s.set(apps.Policy{})
			},
			ask: func(s *scene, _ Answer) string {
				applied, err := s.Apply(s.t.Context(), alice.App, "root", nil)
				return fmt.Sprint(applied.Sessions, " go, ", err)
			},
			meanwhile: func(s *scene, _ Answer) { s.set(two) },
			want:      "0 go, <nil>",
		},
		{
			name: "an import, and it is a minute later",
			ask: func(s *scene, _ Answer) string {
				began := time.Now()
				added, err := s.Import(s.t.Context(), alice.App, []NewAccount{{User: "bob"}})
				if err != nil {
					return err.Error()
				}
				st, err := s.State(s.t.Context(), rollcall.Account{App: alice.App, User: "bob"})
				return fmt.Sprint(added, " signed up after ", st.Created.Sub(began).Round(time.Second), ", ", err)
			},
			meanwhile: func(*scene, Answer) { time.Sleep(time.Minute) },
			want:      "1 signed up after 1m0s, <nil>",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			play(t, func(s *scene) {
				phone, err := s.login("phone", time.Hour)
				if got := said(phone, err); got != "granted []" {
					s.t.Fatalf("the first login: %s", got)
				}
				if tt.before != nil {
					tt.before(s)
				}
				var got string
				s.inLine(func() { got = tt.ask(s, phone) }, func() { tt.meanwhile(s, phone) })
				if got != tt.want {
					s.t.Errorf("got %s, want %s", got, tt.want)
				}
			})
		})
	}
}

var alice = rollcall.Account{App: 5, User: "alice"}

// A scene is Sessions over a store, in fake time, with one app.
type scene struct {
	*Sessions

	t    *testing.T
	key  string
	try  uint64
	left sync.WaitGroup // connections that are gone, until the store has heard
}

func play(t *testing.T, story func(*scene)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		st, err := sqlite.Open(ctx, dir, sqlite.Options{Node: "local"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		}()
		all, err := apps.Load(ctx, st, apps.Options{})
		if err != nil {
			t.Fatal(err)
		}
		key, err := all.Add(ctx, alice.App, "test", "")
		if err != nil {
			t.Fatal(err)
		}
		story(&scene{Sessions: New(st, all, node.NewRoster(), Options{LoginWait: time.Minute}), t: t, key: key})
	})
}

// inLine has a request wait in the line, lets something happen, and gives the request
// its turn.
func (s *scene) inLine(ask, meanwhile func()) {
	s.t.Helper()
	for range startRoom {
		if err := s.line.enter(s.t.Context(), first); err != nil {
			s.t.Fatal(err)
		}
	}
	var asked sync.WaitGroup
	asked.Go(ask)
	synctest.Wait()
	if n := s.Waiting(); n != 1 {
		s.t.Errorf("%d wait, want the one request", n)
	}
	meanwhile()
	began := time.Now().Add(-time.Second / 4) // neither fast nor slow: there is room for no more
	s.line.leave(began)
	asked.Wait()
	for range startRoom - 1 {
		s.line.leave(began)
	}
	s.left.Wait()
}

// login logs alice in on an Android device, with secrets of its own.
func (s *scene) login(device rollcall.DeviceID, lifetime time.Duration) (Answer, error) {
	s.try++
	return s.Login(s.t.Context(), deaf{}, Login{
		Account: alice, UserSig: s.sign(lifetime), Device: device, Platform: rollcall.Android,
		Try: s.try, FixedHalf: half(s.try), ChangingHalf: half(100),
	})
}

// resume brings back the session that the first login began.
func (s *scene) resume(first Answer) (Answer, error) { return s.resumeWith(first, "") }

// resumeWith brings a renewal along.
func (s *scene) resumeWith(first Answer, sig string) (Answer, error) {
	s.try++
	return s.Resume(s.t.Context(), deaf{}, Resume{
		Account: alice, Session: first.Session.Number, Try: s.try,
		FixedHalf: half(1), PresentHalf: half(100), NextHalf: half(101), UserSig: sig,
	})
}

// lose ends a connection, of which the store is still to hear.
func (s *scene) lose(of Answer) {
	s.left.Go(func() { s.Left(s.t.Context(), of.Place) })
	synctest.Wait()
}

func (s *scene) set(p apps.Policy) {
	if err := s.apps.SetSettings(s.t.Context(), alice.App, apps.Settings{Policy: p}); err != nil {
		s.t.Error(err)
	}
}

func (s *scene) disable(Answer) {
	if err := s.apps.SetDisabled(s.t.Context(), alice.App, true); err != nil {
		s.t.Error(err)
	}
}

func (s *scene) addKey(Answer) {
	if _, _, err := s.apps.AddKey(s.t.Context(), alice.App, ""); err != nil {
		s.t.Error(err)
	}
}

// removeKey puts another key in the place of the one that signs.
func (s *scene) removeKey(Answer) {
	app, err := s.apps.App(alice.App)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.addKey(Answer{})
	if err := s.apps.RemoveKey(s.t.Context(), alice.App, app.Keys()[0].ID); err != nil {
		s.t.Error(err)
	}
}

func (s *scene) sign(lifetime time.Duration) string {
	sig, err := usersig.Sign(alice.App, s.key, string(alice.User), time.Now(), lifetime)
	if err != nil {
		s.t.Error(err)
	}
	return sig
}

// half is one of many halves of a secret.
func half(n uint64) []byte { return bytes.Repeat([]byte{byte(n)}, wire.HalfBytes) }

// said is an answer in words, with how sessions have ended.
func said(a Answer, err error) string {
	ends := make([]policy.EventKind, 0, len(a.Ended))
	for _, e := range a.Ended {
		ends = append(ends, e.Kind)
	}
	switch {
	case err != nil:
		return err.Error()
	case a.Answer == policy.Granted:
		return fmt.Sprintf("granted %v", ends)
	case a.Answer == policy.Refused:
		return fmt.Sprintf("refused %d %v", a.Code, ends)
	case a.Answer == policy.Told:
		return fmt.Sprintf("told %v", ends)
	}
	return fmt.Sprintf("answer %d %v", a.Answer, ends)
}

// A deaf connection hears nothing.
type deaf struct{}

func (deaf) Tell(policy.Notice)       {}
func (deaf) Close(wire.Close)         {}
func (deaf) Push(uint64, talk.Change) {}
