package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/stage"
)

// These stories are played against the real server; those of every other test
// of this package against a peer with a script.

// onStage runs tell with a real server, in fake time, under policy multi: devices
// on different platforms leave each other alone.
func onStage(t *testing.T, tell func(t *testing.T, s *stage.Stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := stage.Open(t.TempDir(), stage.Options{})
		must(t, err)
		t.Cleanup(func() { must(t, s.Close()) })
		must(t, s.SetPolicy(apps.Policy{Name: "multi"}))
		tell(t, s)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// enter opens a client on the device of this name and logs the user in.
func enter(t *testing.T, s *stage.Stage, device, user string) *client.Client {
	t.Helper()
	return enterOn(t, s, device, user, rollcall.Android)
}

// enterOn is enter on a platform.
func enterOn(t *testing.T, s *stage.Stage, device, user string, platform rollcall.Platform) *client.Client {
	t.Helper()
	c, err := client.Open(stage.App, s.URL(), client.Options{
		DataDirectory: s.DataDirectory(device), Dial: s.Endpoint(device).Dial, Platform: platform,
	})
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	must(t, c.Login(t.Context(), user, ticket(t, s, user)))
	return c
}

func ticket(t *testing.T, s *stage.Stage, user string) string {
	t.Helper()
	userSig, err := s.UserSig(user, 24*time.Hour)
	must(t, err)
	return userSig
}

// sessions fails the test unless the server has so many sessions of the user.
func sessions(t *testing.T, s *stage.Stage, user string, want int) {
	t.Helper()
	got, err := s.Sessions(user)
	must(t, err)
	if len(got) != want {
		t.Fatalf("the server has %d sessions of %s, want %d: %v", len(got), user, want, got)
	}
}

func TestAnswerLostAndTheCallRepeated(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage.Stage) {
		c, err := client.Open(stage.App, s.URL(), client.Options{Dial: s.Endpoint("phone").Dial})
		must(t, err)
		t.Cleanup(func() { must(t, c.Close()) })
		must(t, s.Endpoint("phone").LoseAnswer(memnet.Reset)) // of the upgrade
		must(t, c.Login(t.Context(), "alice", ticket(t, s, "alice")))
		sessions(t, s, "alice", 1)
		if got := c.Session(); got.Number != 1 {
			t.Errorf("session %+v, want the first", got)
		}
	})
}

// However the network breaks, the session is the same for days.
func TestAWeekOfBadNetwork(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage.Stage) {
		c := enter(t, s, "phone", "alice")
		ends := make(chan string, 10)
		c.AddListener(client.Listener{
			KickedOffline:  func(k client.Kick) { ends <- k.Reason.String() },
			UserSigExpired: func() { ends <- "expired" },
		})
		for i := range 60 {
			how := []memnet.Break{memnet.Reset, memnet.Unplug, memnet.Silent}[i%3]
			switch i % 5 {
			case 0:
				must(t, s.Endpoint("phone").LoseAnswer(how))
			case 1:
				must(t, s.Endpoint("phone").LoseRequest(how))
			}
			s.Endpoint("phone").Cut(how)
			time.Sleep(time.Duration(i*i) * time.Second / 2)
			s.Endpoint("phone").Mend()
			time.Sleep(time.Duration(i%7) * time.Minute / 2)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(ends) > 0 {
			t.Fatalf("the session has ended: %s", <-ends)
		}
		if got := c.Session(); got.Number != 1 || got.Connection < 20 {
			t.Errorf("session %+v, want the first, on one of many connections", got)
		}
		sessions(t, s, "alice", 1)
	})
}

func TestServerKilledAndStarted(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage.Stage) {
		c := enter(t, s, "phone", "alice")
		for range 5 {
			must(t, s.Kill())
			time.Sleep(time.Minute)
			must(t, s.Start())
			time.Sleep(time.Minute)
		}
		if got := c.Session(); got.Number != 1 || got.Connection != 6 {
			t.Errorf("session %+v, want the first, on connection 6", got)
		}
	})
}

func TestRenewalWithTheServer(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage.Stage) {
		c := enter(t, s, "phone", "alice")
		time.Sleep(time.Hour)
		must(t, c.Login(t.Context(), "alice", ticket(t, s, "alice")))
		bobs := ticket(t, s, "bob")
		if err := c.Login(t.Context(), "alice", bobs); !errors.Is(err, imcode.UserSigMismatchID) {
			t.Errorf("renewal with bob's UserSig: %v", err)
		}
		short, err := s.UserSig("alice", time.Hour)
		must(t, err)
		if err := c.Login(t.Context(), "alice", short); !errors.Is(err, imcode.InvalidParameters) {
			t.Errorf("renewal that ends sooner: %v", err)
		}
		time.Sleep(20 * time.Hour)
		s.Endpoint("phone").Cut(memnet.Unplug)
		must(t, c.Login(t.Context(), "alice", ticket(t, s, "alice"))) // kept
		time.Sleep(3 * time.Hour)
		s.Endpoint("phone").Mend()
		time.Sleep(10 * time.Hour)
		if c.LoginStatus() != client.StatusLogined || c.Session().Number != 1 {
			t.Errorf("%v in session %+v, want LOGINED in the first", c.LoginStatus(), c.Session())
		}
	})
}

// Logged out without a network, the process gone: the next one delivers it.
func TestLogoutOfADeadProcess(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage.Stage) {
		c := enter(t, s, "phone", "alice")
		s.Endpoint("phone").Cut(memnet.Unplug)
		must(t, c.Logout(t.Context()))
		must(t, c.Close())
		sessions(t, s, "alice", 1)
		s.Endpoint("phone").Mend()
		c, err := client.Open(stage.App, s.URL(), client.Options{DataDirectory: s.DataDirectory("phone"), Dial: s.Endpoint("phone").Dial})
		must(t, err)
		time.Sleep(time.Minute)
		sessions(t, s, "alice", 0)
		must(t, c.Close())
	})
}

// A restart of the app: the same device logs in again and kicks nobody.
func TestTheSameDeviceAgain(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage.Stage) {
		for n := range 3 {
			c := enter(t, s, "phone", "alice")
			if got := c.Session().Number; got != uint64(n+1) {
				t.Errorf("session %d, want %d", got, n+1)
			}
			sessions(t, s, "alice", 1)
			must(t, c.Close())
		}
	})
}

// A copied data directory is one secret used twice.
func TestCopiedDataDirectory(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage.Stage) {
		c := enter(t, s, "phone", "alice")
		kicks := make(chan client.Kick, 10)
		c.AddListener(client.Listener{KickedOffline: func(k client.Kick) { kicks <- k }})
		must(t, s.CopyDataDirectory("phone", "copy"))
		twin := enter(t, s, "copy", "alice")
		time.Sleep(time.Minute)
		if twin.LoginStatus() != client.StatusLogined || c.LoginStatus() != client.StatusLogout {
			t.Errorf("the copy is %v, the original %v", twin.LoginStatus(), c.LoginStatus())
		}
		if k := <-kicks; k.Reason != client.ReasonSameDeviceElsewhere {
			t.Errorf("the original was told %+v", k)
		}
	})
}

func TestUserSigEndsOnTheSecond(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage.Stage) {
		c := enter(t, s, "phone", "alice")
		at := make(chan time.Time, 1)
		c.AddListener(client.Listener{UserSigExpired: func() { at <- time.Now() }})
		ends := c.Session().Ends
		if late := (<-at).Sub(ends); late < 0 || late > time.Second {
			t.Errorf("onUserSigExpired came %v after the end", late)
		}
	})
}

// A provider keeps an account in for ten days of one-day tickets.
func TestProviderWithTheServer(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage.Stage) {
		asked := 0
		c, err := client.Open(stage.App, s.URL(), client.Options{
			Dial: s.Endpoint("bot").Dial,
			UserSig: func(_ context.Context, user rollcall.UserID) (string, error) {
				asked++
				return s.UserSig(string(user), 24*time.Hour)
			},
		})
		must(t, err)
		t.Cleanup(func() { must(t, c.Close()) })
		must(t, c.Login(t.Context(), "bot", ticket(t, s, "bot")))
		heard := make(chan string, 1000)
		c.AddListener(client.Listener{
			Connecting:     func() { heard <- "connecting" },
			KickedOffline:  func(k client.Kick) { heard <- k.Reason.String() },
			UserSigExpired: func() { heard <- "expired" },
		})
		time.Sleep(10 * 24 * time.Hour)
		synctest.Wait()
		if c.LoginStatus() != client.StatusLogined || len(heard) > 0 {
			t.Errorf("%v, and the app has heard %d callbacks", c.LoginStatus(), len(heard))
		}
		if asked < 9 || asked > 11 {
			t.Errorf("the provider was asked %d times", asked)
		}
	})
}

// Many accounts, one after the other and each way round, leave nothing behind.
func TestManySwitches(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage.Stage) {
		c := enter(t, s, "phone", "user0")
		for n := range 20 {
			time.Sleep(3 * time.Second)
			must(t, c.Login(t.Context(), fmt.Sprint("user", n%3), ticket(t, s, fmt.Sprint("user", n%3))))
		}
		must(t, c.Logout(t.Context()))
		time.Sleep(time.Minute)
		for n := range 3 {
			sessions(t, s, fmt.Sprint("user", n), 0)
		}
	})
}

// Whatever many callers do at once, with a network that comes and goes: every
// call is answered, and after a logout the server has nobody.
func TestManyCallers(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage.Stage) {
		c := enter(t, s, "phone", "user0")
		c.AddListener(client.Listener{KickedOffline: func(k client.Kick) { t.Errorf("kicked: %+v", k) }})
		allowed := []imcode.Code{
			imcode.OK, imcode.LoggedOutBeforeLogin, imcode.CallFrequencyLimit, imcode.LoginInProcess, imcode.RequestTimeout,
			imcode.NetworkUnreachable, imcode.Disconnected, imcode.ConnectTimeout, imcode.LoginFrequencyLimit, imcode.InvalidParameters,
		}
		var callers sync.WaitGroup
		for n := range 6 {
			user := fmt.Sprint("user", n%2)
			callers.Go(func() {
				for i := range 40 {
					time.Sleep(time.Duration(n*i%7) * time.Second)
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Second)
					var err error
					if n == 5 {
						err = c.Logout(ctx)
					} else {
						err = c.Login(ctx, user, ticket(t, s, user))
					}
					cancel()
					if code := imcode.Of(err); !slices.Contains(allowed, code) && !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%s: %v", user, err)
					}
					if i%10 == n {
						s.Endpoint("phone").Cut(memnet.Break(n%3 + 1))
						time.Sleep(time.Duration(n) * time.Second)
						s.Endpoint("phone").Mend()
					}
				}
			})
		}
		callers.Wait()
		must(t, c.Logout(t.Context()))
		time.Sleep(5 * time.Minute)
		sessions(t, s, "user0", 0)
		sessions(t, s, "user1", 0)
	})
}
