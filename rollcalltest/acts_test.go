package rollcalltest_test

import (
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/rollcalltest"
)

func TestWhatOperatorsDo(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		phone, page := s.Client("alice", rollcall.Android), s.Client("alice", rollcall.Web)
		login := func(c *rollcalltest.Client, want imcode.Code) {
			t.Helper()
			if err := c.Login(); imcode.Of(err) != want {
				t.Fatalf("a login: %v, want %d", err, want)
			}
		}
		hears := func(c *rollcalltest.Client, want client.Reason) {
			t.Helper()
			if e := c.Next(); e.Kind != rollcalltest.Kicked || e.Reason != want {
				t.Fatalf("heard %s, want kicked: %s", e, want)
			}
		}
		login(phone, 0)
		login(page, 0)
		s.SetPolicy("single", nil)
		phone.Quiet(time.Hour)
		s.ApplyPolicy()
		hears(phone, client.ReasonPolicyApplied)
		s.Kick("alice")
		hears(page, client.ReasonOperator)

		s.SetPolicy("multi", map[rollcall.Platform]int{rollcall.Android: 2})
		login(phone, 0)
		second := s.Client("alice", rollcall.Android)
		login(second, 0)
		s.SetDisabled("alice", true)
		hears(phone, client.ReasonAccountDisabled)
		hears(second, client.ReasonAccountDisabled)
		login(phone, imcode.AccountDisabled)
		s.SetDisabled("alice", false)
		login(phone, 0)
		s.Set("rest_kick_as_kick=true")
		s.Revoke("alice")
		hears(phone, client.ReasonRESTKick)
		time.Sleep(2 * time.Second)
		login(phone, 0)
		s.Delete("alice")
		hears(phone, client.ReasonAccountDeleted)
		login(phone, 0)
	})
}
