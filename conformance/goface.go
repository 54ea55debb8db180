package conformance

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
)

// Go is the face of package client.
type Go struct{}

// Name implements Face.
func (Go) Name() string { return "client" }

// goWords is how package client spells events.
var goWords = map[Kind]string{
	Connecting:    "Connecting",
	Connected:     "ConnectSuccess",
	ConnectFails:  "ConnectFailed",
	Kicked:        "KickedOffline",
	TicketEnds:    "UserSigWillExpire",
	TicketExpired: "UserSigExpired",
	NewMessage:    "NewMessage",
	Recalled:      "MessageRecalled",
	ReadByPeer:    "ReadByPeer",
	UnreadChanges: "TotalUnreadChanged",
	LoginResult:   "Login",
	RenewalResult: "RenewUserSig",
	LogoutResult:  "Logout",
	SignOutResult: "SignOut, SignOutOthers",
	SendResult:    "Send",
	RecallResult:  "Recall",
	DeleteResult:  "DeleteMessages, DeleteConversation",
	MarkResult:    "MarkRead",
	PinResult:     "Pin",
}

// Spell implements Face.
func (Go) Spell(k Kind) string { return goWords[k] }

// Lacks implements Face.
func (Go) Lacks(Ability) bool { return false }

// Open implements Face.
func (Go) Open(s Setup) (Device, error) {
	o := client.Options{DataDirectory: s.DataDirectory, Platform: s.Platform, DeviceName: s.DeviceName, Dial: s.Dial}
	if s.Provider != nil {
		o.UserSig = func(_ context.Context, user rollcall.UserID) (string, error) { return s.Provider(string(user)) }
	}
	c, err := client.Open(s.App, s.URL, o)
	if err != nil {
		return nil, err
	}
	c.AddListener(client.Listener{
		Connecting:     func() { s.Hear(Event{Kind: Connecting}) },
		ConnectSuccess: func() { s.Hear(Event{Kind: Connected}) },
		ConnectFailed: func(code imcode.Code, text string) {
			s.Hear(Event{Kind: ConnectFails, Result: Result{Code: code}, Text: text})
		},
		KickedOffline: func(k client.Kick) {
			s.Hear(Event{
				Kind: Kicked, Result: Result{Code: k.Code}, Text: k.Text,
				By: &By{Reason: k.Reason.String(), Rule: ruleOf(k), Platform: k.ByPlatform},
			})
		},
		UserSigWillExpire: func(time.Time) { s.Hear(Event{Kind: TicketEnds}) },
		UserSigExpired:    func() { s.Hear(Event{Kind: TicketExpired}) },
	})
	goHearsChat(c, s.Hear)
	return &goDevice{client: c}, nil
}

func ruleOf(k client.Kick) string {
	switch k.Rule {
	case client.KickRuleNone:
		return ""
	case client.KickRuleOverLimit:
		return fmt.Sprintf("%s of %d", k.Rule, k.Limit)
	default:
		return k.Rule.String()
	}
}

// A goDevice is a device with package client.
type goDevice struct {
	client *client.Client

	mu     sync.Mutex
	giveUp context.CancelFunc // of the last call
}

// Do implements Device.
func (d *goDevice) Do(q Request, c Call) {
	ctx, cancel := context.WithCancel(context.Background())
	d.mu.Lock()
	d.giveUp = cancel
	d.mu.Unlock()
	run := func() {
		defer cancel()
		c.Done(goResult(d.ask(ctx, q)))
	}
	if c.Inside {
		run()
		return
	}
	go run()
}

func (d *goDevice) ask(ctx context.Context, q Request) error {
	switch q.Kind {
	case RenewalResult:
		return d.client.RenewUserSig(ctx, q.Ticket)
	case LogoutResult:
		return d.client.Logout(ctx)
	case SignOutResult:
		o := client.SignOutOptions{UserSigs: q.Tickets}
		if q.Session != 0 {
			_, err := d.client.SignOut(ctx, q.Session, o)
			return err
		}
		_, err := d.client.SignOutOthers(ctx, o)
		return err
	case LoginResult:
		return d.client.Login(ctx, q.User, q.Ticket)
	default:
		return d.chat(ctx, q)
	}
}

func goResult(err error) Result {
	r := Result{Code: imcode.Of(err), Cancelled: errors.Is(err, context.Canceled)}
	if r.Cancelled {
		r.Code, _ = errors.AsType[imcode.Code](err) // it need not have one
	}
	return r
}

// Sessions implements Device.
func (d *goDevice) Sessions() ([]Seen, error) {
	all, err := d.client.Sessions(context.Background())
	return seen(all), err
}

func seen(all []client.DeviceSession) []Seen {
	list := make([]Seen, len(all))
	for i, s := range all {
		list[i] = Seen{DeviceName: s.DeviceName, Platform: s.Platform, Away: !s.AwaySince.IsZero(), This: s.This}
	}
	return list
}

// GiveUp implements Device.
func (d *goDevice) GiveUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.giveUp != nil {
		d.giveUp()
	}
}

// Standing implements Device.
func (d *goDevice) Standing() (Status, string) {
	status := LoggedOut
	switch d.client.LoginStatus() {
	case client.StatusLogined:
		status = LoggedIn
	case client.StatusLogining:
		status = LoggingIn
	case client.StatusLogout:
	}
	return status, string(d.client.LoginUser())
}

// Close implements Device.
func (d *goDevice) Close() error { return d.client.Close() }
