package client_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/rollcalltest"
)

// TestCallsGivenUp makes every call again and again, in real time, and gives each up after
// some moment: before its answer, or just as that comes. Whatever is answered late reaches
// nobody who has gone. Each call has a goroutine that does nothing after it which the
// SDK's could be seen to wait for, so that the race detector sees what is written too late.
// In the midst of others the client is closed.
func TestCallsGivenUp(t *testing.T) {
	s := rollcalltest.NewServer(t)
	alice, bob := s.Client("alice", rollcall.Android), s.Client("bob", rollcall.Android)
	for _, c := range []*rollcalltest.Client{alice, bob} {
		must(t, c.Login())
	}
	calls := make([]givenUp, 1000)
	var all sync.WaitGroup
	for i := range calls {
		g := &calls[i]
		g.sdk, g.id, g.sig = alice.SDK, fmt.Sprint("m", i), s.UserSig("alice", time.Hour)
		all.Go(func() {
			time.Sleep(time.Duration(i) * 2 * time.Millisecond)
			g.err = g.call(t)
		})
	}
	time.Sleep(1900 * time.Millisecond)
	must(t, alice.SDK.Close())
	all.Wait()

	mayBe := []imcode.Code{ // at another moment, or of the numbers here
		imcode.TooManyRequests, imcode.CallFrequencyLimit, imcode.InvalidParameters, imcode.SDKInvalidParameters,
		imcode.InvalidConversation, imcode.LoginInProcess, imcode.NotInitialized, imcode.Interrupted, imcode.NotLoggedIn,
		imcode.WaitAckTimeout,
	}
	acknowledged, over := 0, 0
	for _, g := range calls {
		switch {
		case g.sequence > 0:
			acknowledged++
			page, err := bob.SDK.Messages(t.Context(), "c2c_alice", client.Page{Before: g.sequence + 1, Count: 1})
			if err != nil || len(page.Messages) != 1 || page.Messages[0].ID != g.id {
				t.Errorf("%s was acknowledged as message %d, which is %+v, %v", g.id, g.sequence, page.Messages, err)
			}
		case errors.Is(g.err, context.DeadlineExceeded):
			over++
		case g.err != nil && !slices.Contains(mayBe, imcode.Of(g.err)):
			t.Error(g.err)
		}
	}
	if acknowledged == 0 || over == 0 {
		t.Errorf("%d messages were acknowledged, %d calls given up", acknowledged, over)
	}
}

// A givenUp is a call that is given up after a while.
type givenUp struct {
	sdk     *client.Client
	id, sig string

	sequence uint64 // of the message, if it was acknowledged
	err      error
}

func (g *givenUp) call(t *testing.T) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), rand.N(10*time.Millisecond)<<rand.IntN(8)) // 1.3 s at most
	defer cancel()
	const bob = rollcall.ConversationID("c2c_bob")
	calls := []func() error{
		func() error { _, err := g.sdk.Messages(ctx, bob, client.Page{Count: 1 + rand.IntN(100)}); return err },
		func() error { _, err := g.sdk.Conversations(ctx, client.ListOptions{Count: 10}); return err },
		func() error { _, err := g.sdk.Conversation(ctx, bob); return err },
		func() error { _, err := g.sdk.TotalUnread(ctx); return err },
		func() error { return g.sdk.MarkRead(ctx, bob, 0) },
		func() error { return g.sdk.Pin(ctx, bob, rand.IntN(2) == 0) },
		func() error { return g.sdk.Recall(ctx, bob, 1<<40) },
		func() error { return g.sdk.DeleteMessages(ctx, bob, 1<<40) },
		func() error { _, err := g.sdk.Sessions(ctx); return err },
		func() error { _, err := g.sdk.SignOut(ctx, 1<<40, client.SignOutOptions{}); return err },
		func() error { _, err := g.sdk.SignOutOthers(ctx, client.SignOutOptions{}); return err },
		func() error { return g.sdk.RenewUserSig(ctx, g.sig) },
	}
	if n := rand.IntN(2 * len(calls)); n < len(calls) {
		return calls[n]()
	}
	m, err := g.sdk.Send(ctx, client.Outgoing{To: "bob", ID: g.id, Text: "hello"})
	if g.sequence = m.Sequence; m.ID != g.id || (m.Sequence > 0) != (err == nil) {
		t.Errorf("%+v, %v", m, err)
	}
	return err
}
