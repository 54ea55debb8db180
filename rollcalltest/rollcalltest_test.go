package rollcalltest_test

import (
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/rollcalltest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestANewerLoginKicksTheOlderOne(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		phone := s.Client("alice", rollcall.Android)
		must(t, phone.Login())
		other := s.Client("alice", rollcall.Android)
		must(t, other.Login())
		if e := phone.Next(); e.Kind != rollcalltest.Kicked || e.ByPlatform != rollcall.Android {
			t.Fatalf("the phone heard %v, want a kick by Android", e)
		}
		phone.Quiet(time.Hour)
		other.Quiet(0)
	})
}

func TestCutAnHourAndBack(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		phone := s.Client("alice", rollcall.Android)
		must(t, phone.Login())
		before := phone.SDK.Session()
		phone.Cut()
		time.Sleep(time.Hour)
		phone.Mend()
		phone.Quiet(time.Minute)
		after := phone.SDK.Session()
		if after.Number != before.Number || after.Connection <= before.Connection {
			t.Fatalf("session %+v before the cut, %+v after: want the same on a later connection", before, after)
		}
	})
}

// TestServerLives shows what a server outlives, in memory and over TCP, outside
// a bubble.
func TestServerLives(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    rollcalltest.Options
	}{{"in memory", rollcalltest.Options{}}, {"TCP", rollcalltest.Options{TCP: true}}} {
		t.Run(tt.name, func(t *testing.T) {
			s := rollcalltest.NewServerWith(t, tt.o)
			url := s.URL
			phone := s.Client("alice", rollcall.Android)
			must(t, phone.Login())
			s.Kill()
			s.Start()
			connected := make(chan struct{}, 10)
			phone.SDK.AddListener(client.Listener{ConnectSuccess: func() { connected <- struct{}{} }})
			select {
			case <-connected:
			case <-time.After(30 * time.Second):
				t.Fatal("not back within 30 s of a kill")
			}
			if n := phone.SDK.Session().Number; n != 1 || s.URL != url {
				t.Fatalf("session %d at %s after a kill, want 1 at %s", n, s.URL, url)
			}
			s.Advance(25 * time.Hour)
			if e := phone.Next(); e.Kind != rollcalltest.Expired {
				t.Fatalf("a day later by the server's clock: %v, want expired", e)
			}
			s.Restart()
			if err := phone.SDK.Login(t.Context(), "alice", "no ticket"); imcode.Of(err) != imcode.UserSigCheckFailed {
				t.Fatalf("a login with no ticket: %v, want 70003", err)
			}
			must(t, phone.Login())
			must(t, phone.Logout())
		})
	}
}
