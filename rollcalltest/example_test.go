package rollcalltest_test

import (
	"context"
	"testing"
	"time"

	"rollcall.example/client"
	"rollcall.example/rollcalltest"
)

// A Chat is an application under test.
type Chat struct {
	client *client.Client
	notice string // what its user reads
}

func (c *Chat) login(user, userSig string) error {
	c.client.AddListener(client.Listener{
		KickedOffline: func(k client.Kick) { c.notice = k.Text },
	})
	return c.client.Login(context.Background(), user, userSig)
}

func ExampleNewServer() {
	_ = func(t *testing.T) { // TestLogin in the application's tests
		s := rollcalltest.NewServer(t)
		c, err := client.Open(s.App, s.URL, s.Options("phone"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		chat := &Chat{client: c}
		if err := chat.login("alice", s.UserSig("alice", time.Hour)); err != nil {
			t.Fatalf("first login: %v", err)
		}
	}
}
