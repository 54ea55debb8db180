package client_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/stage"
	"rollcall.example/wire"
)

// goodFor is a device on which alice is in with a UserSig that is over after
// the time given, and her line.
func (p *peer) goodFor(good time.Duration, o client.Options) (*device, *line) {
	p.t.Helper()
	d := p.open(o)
	d.login("alice", sig("alice", good))
	l := p.accept()
	l.login()
	l.grantUntil(1, 1, time.Now().Add(good-time.Second))
	d.heard("connecting", "connected", "login ok")
	return d, l
}

func TestTheAppHearsThatTheUserSigEndsSoon(t *testing.T) {
	for _, tt := range []struct {
		name               string
		good, wanted, rest time.Duration
		want               string
	}{
		{"5 minutes ahead", time.Hour, 0, 5 * time.Minute, "ends in 5m0s"},
		{"as long ahead as the app wants", time.Hour, 20 * time.Minute, 20 * time.Minute, "ends in 20m0s"},
		{"good for just twice that", 10 * time.Minute, 0, 5 * time.Minute, "ends in 5m0s"},
		{"good for less: at half", 4 * time.Minute, 0, 2 * time.Minute, "ends in 2m0s"},
		{"good for a moment", 4 * time.Second, 0, 2 * time.Second, "ends in 2s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			story(t, func(t *testing.T, p *peer) {
				d, l := p.goodFor(tt.good, client.Options{UserSigWarning: tt.wanted})
				time.Sleep(tt.good - tt.rest - time.Millisecond)
				d.heard()
				time.Sleep(time.Millisecond)
				d.heard(tt.want)
				time.Sleep(tt.rest)
				l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_USERSIG_ENDED, Expired: true}))
				d.heard(`expired [LOGOUT ""]`)
				p.idle(time.Hour)
				d.heard()
			})
		})
	}
}

// However often the session comes back while its UserSig ends, the app has heard
// of it once; so too where the SDK had to log in again with it.
func TestTheUserSigEndsSoonIsSaidOnce(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.goodFor(time.Hour, client.Options{})
		ends := time.Now().Add(time.Hour - time.Second)
		time.Sleep(55 * time.Minute)
		d.heard("ends in 5m0s")
		for n := range uint64(3) {
			l.cut()
			l = p.acceptWithin(time.Second)
			l.resume()
			l.grantUntil(1, n+2, ends)
			d.heard("connecting", "connected")
		}
		l.cut()
		l = p.acceptWithin(time.Second)
		l.resume()
		l.loginAgain()
		l.login()
		l.grantUntil(2, 1, ends)
		time.Sleep(time.Minute)
		d.heard("connecting", "connected")
	})
}

// A session that comes back before its UserSig ends soon is told at the same
// moment as one that was never away.
func TestAReturnDoesNotMoveTheWarning(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.goodFor(4*time.Minute, client.Options{})
		ends := time.Now().Add(4*time.Minute - time.Second)
		time.Sleep(time.Minute)
		l.cut()
		l = p.acceptWithin(time.Second)
		l.resume()
		l.grantUntil(1, 2, ends)
		d.heard("connecting", "connected")
		time.Sleep(58 * time.Second)
		d.heard()
		time.Sleep(2 * time.Second)
		d.heard("ends in 2m0s")
	})
}

func TestARenewalInTimeStartsTheWarningAnew(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.goodFor(time.Hour, client.Options{})
		for range 3 {
			time.Sleep(55 * time.Minute)
			d.heard("ends in 5m0s")
			d.renewUserSig(sig("alice", time.Hour))
			l.renew()
			l.renewed(time.Now().Add(time.Hour - time.Second))
			d.heard("renewal ok")
		}
		time.Sleep(54 * time.Minute)
		d.heard()
	})
}

// Without a connection the app hears of it too, and can do something about it.
func TestTheUserSigEndsSoonWhileOffline(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, _ := p.goodFor(time.Hour, client.Options{})
		d.endpoint.Cut(memnet.Unplug)
		time.Sleep(54 * time.Minute)
		d.forget()
		time.Sleep(2 * time.Minute)
		if got := d.forget(); !slices.Contains(got, "ends in 5m0s") {
			t.Fatalf("offline the app has heard %q", got)
		}
		longer := sig("alice", 48*time.Hour)
		d.renewUserSig(longer)
		d.endpoint.Mend()
		l := p.acceptWithin(time.Minute)
		if got := l.resume().GetUserSig(); got != longer {
			t.Error("the resume does not carry the renewal")
		}
		l.grantUntil(1, 2, time.Now().Add(48*time.Hour))
		if got := d.forget(); !slices.Contains(got, "renewal ok") {
			t.Errorf("the app has heard %q", got)
		}
		time.Sleep(47 * time.Hour)
		d.heard()
	})
}

// A renewal that is kept is one in time. If the server refuses it, the old
// UserSig ends soon after all.
func TestTheUserSigEndsSoonAndARenewalIsKept(t *testing.T) {
	for code, want := range map[imcode.Code]int{imcode.OK: 0, imcode.InvalidParameters: 1} {
		story(t, func(t *testing.T, p *peer) {
			d, l := p.goodFor(time.Hour, client.Options{})
			ends := time.Now().Add(time.Hour - time.Second)
			d.endpoint.Cut(memnet.Unplug)
			l.cut()
			d.renewUserSig(sig("alice", 2*time.Hour))
			time.Sleep(56 * time.Minute)
			if got := d.forget(); countWarnings(got) > 0 {
				t.Errorf("with a renewal kept the app has heard %q", got)
			}
			d.endpoint.Mend()
			l = p.acceptWithin(time.Minute)
			l.resume()
			if code == imcode.OK {
				ends = time.Now().Add(time.Hour)
			}
			l.answer(&wire.ServerFrame{Body: &wire.ServerFrame_Session{Session: &wire.SessionAnswer{
				Session: 1, Connection: 2, ExpiresS: ends.Unix(), RenewalCode: int32(code),
			}}})
			if got := d.forget(); countWarnings(got) != want {
				t.Errorf("renewal answered with %d: the app has heard %q", code, got)
			}
		})
	}
}

// countWarnings counts how often the app was told that its UserSig ends soon.
func countWarnings(heard []string) (n int) {
	for _, e := range heard {
		if strings.HasPrefix(e, "ends in ") {
			n++
		}
	}
	return n
}

// While the answer to a renewal is awaited nobody is alarmed; when it is no, or
// was not waited for, the old UserSig still ends soon.
func TestTheUserSigEndsSoonWhileARenewalIsOnItsWay(t *testing.T) {
	for name, end := range map[string]func(*device, *line, context.CancelFunc){
		"refused":   func(_ *device, l *line, _ context.CancelFunc) { l.refuse(imcode.InvalidParameters, 0) },
		"cancelled": func(_ *device, _ *line, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(t *testing.T, p *peer) {
				d, l := p.goodFor(time.Hour, client.Options{})
				time.Sleep(55*time.Minute - time.Second)
				ctx, cancel := context.WithCancel(t.Context())
				result := make(chan error, 1)
				go func() { result <- d.RenewUserSig(ctx, sig("alice", time.Hour)) }()
				l.renew()
				time.Sleep(2 * time.Second)
				d.heard()
				end(d, l, cancel)
				if err := <-result; err == nil {
					t.Error("RenewUserSig succeeded")
				}
				d.heard("ends in 4m59s")
			})
		})
	}
}

// The warning is by the server's clock, as last heard: it comes when that says
// so, and not after the end.
func TestTheWarningGoesByTheServersClock(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, l := p.goodFor(time.Hour, client.Options{})
		l.says(time.Now().Add(-10 * time.Minute))
		time.Sleep(64 * time.Minute)
		d.heard()
		time.Sleep(time.Minute)
		d.heard("ends in 5m0s")
	})
	story(t, func(t *testing.T, p *peer) {
		d, l := p.goodFor(time.Hour, client.Options{})
		l.says(time.Now().Add(time.Hour))
		time.Sleep(59 * time.Minute)
		d.heard()
	})
}

// says lets the client hear this time.
func (l *line) says(now time.Time) {
	l.t.Helper()
	b, err := wire.Proto.Encode(&wire.ServerFrame{TimeMs: now.UnixMilli()})
	must(l.t, err)
	must(l.t, l.ws.Write(l.t.Context(), websocket.MessageBinary, b))
	synctest.Wait()
}

func TestNothingEndsSoonForWhoIsOut(t *testing.T) {
	for name, end := range map[string]func(*device, *line){
		"kicked": func(d *device, l *line) {
			l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_OPERATOR}))
			d.heard(`kicked 0 operator [LOGOUT ""]`)
		},
		"logged out": func(d *device, l *line) {
			d.logout()
			l.logout()
			l.loggedOut(true)
			d.heard("logout ok")
		},
		"ended before its time": func(d *device, l *line) {
			l.send(l.notice(&wire.Notice{Session: 1, Reason: wire.Reason_REASON_REST_KICK, Expired: true}))
			d.heard(`expired [LOGOUT ""]`)
		},
		"closed": func(d *device, _ *line) { _ = d.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(t *testing.T, p *peer) {
				d, l := p.goodFor(time.Hour, client.Options{})
				time.Sleep(54 * time.Minute)
				end(d, l)
				time.Sleep(time.Hour)
				d.heard()
			})
		})
	}
}

// A provider gets the next UserSig by itself: the app need do nothing.
func TestNothingEndsSoonWithAProvider(t *testing.T) {
	story(t, func(t *testing.T, p *peer) {
		d, _ := p.goodFor(time.Hour, client.Options{UserSig: func(context.Context, rollcall.UserID) (string, error) {
			return "", errors.New("not asked yet")
		}})
		time.Sleep(59 * time.Minute)
		d.heard()
	})
}

func TestUserSigWarningThatIsNone(t *testing.T) {
	_, err := client.Open(app, address, client.Options{UserSigWarning: -time.Second})
	if !errors.Is(err, imcode.SDKInvalidParameters) {
		t.Errorf("a warning after the end: %v", err)
	}
}

// An app that renews whenever it is told stays in, in one session.
func TestRenewedWheneverTold(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage.Stage) {
		c := enter(t, s, "phone", "alice")
		told := 0
		c.AddListener(client.Listener{
			UserSigWillExpire: func(time.Time) {
				told++
				must(t, c.RenewUserSig(t.Context(), ticket(t, s, "alice")))
			},
			UserSigExpired: func() { t.Error("expired") },
		})
		time.Sleep(10 * 24 * time.Hour)
		synctest.Wait()
		if c.Session().Number != 1 || told != 10 {
			t.Errorf("told %d times, in session %d; want 10 times, in the first", told, c.Session().Number)
		}
	})
}
