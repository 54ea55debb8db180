package rollcalltest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/stage"
)

// A Client is an SDK client of an account, on a device of its own. It ends with
// its test.
type Client struct {
	SDK *client.Client // the whole SDK

	t        testing.TB
	server   *Server
	user     string
	endpoint *stage.Endpoint
	events   chan Event
}

// Client opens a client for the user, on a new device of the platform.
func (s *Server) Client(user string, platform rollcall.Platform) *Client {
	s.t.Helper()
	device := fmt.Sprintf("%s-%s-%d", user, platform, s.devices.Add(1))
	o := s.Options(device)
	o.Platform = platform
	o.DeviceName = device
	c, err := client.Open(s.App, s.URL, o)
	s.check(err)
	s.t.Cleanup(func() { s.check(c.Close()) })
	x := &Client{SDK: c, t: s.t, server: s, user: user, endpoint: s.stage.Endpoint(device), events: make(chan Event, 1000)}
	c.AddListener(client.Listener{
		KickedOffline:  func(k client.Kick) { x.events <- Event{Kind: Kicked, Kick: k} },
		UserSigExpired: func() { x.events <- Event{Kind: Expired} },
	})
	return x
}

// Login logs the user in with a ticket that is good for a day.
func (c *Client) Login() error {
	c.t.Helper()
	return c.SDK.Login(context.Background(), c.user, c.server.UserSig(c.user, 24*time.Hour))
}

// Logout logs the user out.
func (c *Client) Logout() error { return c.SDK.Logout(context.Background()) }

// Cut takes the device off the network: its connections break, and it cannot
// dial, until [Client.Mend]. The server in memory learns nothing of it, as when
// a phone leaves its Wi-Fi.
func (c *Client) Cut() { c.endpoint.Cut(memnet.Unplug) }

// Mend brings the device back to the network. Its client comes back by itself.
func (c *Client) Mend() { c.endpoint.Mend() }

// A Kind is what an [Event] tells.
type Kind string

// The kinds of events.
const (
	Kicked  Kind = "kicked"  // somebody else ended the session: Event.Kick says how
	Expired Kind = "expired" // the ticket has ended
)

// An Event is the end of a session, as the app hears it.
type Event struct {
	Kind Kind
	client.Kick
}

func (e Event) String() string {
	if e.Kind == Kicked {
		return fmt.Sprintf("kicked: %s (by %s)", e.Reason, e.ByPlatform)
	}
	return string(e.Kind)
}

// Next is the next event. The test fails if none comes within a minute.
func (c *Client) Next() Event {
	c.t.Helper()
	select {
	case e := <-c.events:
		return e
	case <-time.After(time.Minute):
		c.t.Fatalf("rollcalltest: %s heard of no kick and no end of a ticket within a minute", c.user)
		return Event{}
	}
}

// Quiet fails the test if the client hears of an event within d.
func (c *Client) Quiet(d time.Duration) {
	c.t.Helper()
	select {
	case e := <-c.events:
		c.t.Fatalf("rollcalltest: %s was to hear of nothing, and was %s", c.user, e)
	case <-time.After(d):
	}
}
