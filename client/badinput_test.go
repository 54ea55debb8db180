package client_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/rollcalltest"
)

// TestBadInputOnAServer: each call has its code, and nothing is another afterwards, on any
// device.
func TestBadInputOnAServer(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		ctx := t.Context()
		in := func(user, device string) *client.Client {
			c, err := client.Open(s.App, s.URL, s.Options(device))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			if err := c.Login(ctx, user, s.UserSig(user, time.Hour)); err != nil {
				t.Fatal(err)
			}
			return c
		}
		alice, bob := in("alice", "alice's"), in("bob", "bob's")
		in("carol", "carol's")
		for _, m := range []client.Outgoing{{To: "bob", ID: "m1", Text: "one"}, {To: "bob", ID: "m2", Text: "two"}} {
			if _, err := alice.Send(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := bob.SendText(ctx, "alice", "three"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		const with, stranger = "c2c_bob", "c2c_carol"
		state := func() string { return everything(t, alice, with) + everything(t, bob, "c2c_alice") }
		before := state()
		page := func(id rollcall.ConversationID, p client.Page) error { return second(alice.Messages(ctx, id, p)) }
		send := func(o client.Outgoing) error { return second(alice.Send(ctx, o)) }
		for _, tt := range []struct {
			name string
			err  error
			want imcode.Code
		}{
			{"an empty body", send(client.Outgoing{To: "bob"}), imcode.SDKInvalidParameters},
			{"an oversized body", send(client.Outgoing{To: "bob", Text: strings.Repeat("x", 12<<10)}), imcode.MsgBodySizeLimit},
			{"oversized data beside it", send(client.Outgoing{To: "bob", Text: "x", CloudCustomData: strings.Repeat("x", 12<<10)}), imcode.MsgBodySizeLimit},
			{"invalid UTF-8", send(client.Outgoing{To: "bob", Text: "a\xc3("}), imcode.SDKInvalidParameters},
			{"invalid UTF-8 beside it", send(client.Outgoing{To: "bob", Text: "x", CloudCustomData: "\xff"}), imcode.SDKInvalidParameters},
			{"an id with another content", send(client.Outgoing{To: "bob", ID: "m1", Text: "another"}), imcode.SDKInvalidParameters},
			{"an id with another recipient", send(client.Outgoing{To: "carol", ID: "m1", Text: "one"}), imcode.SDKInvalidParameters},
			{"to an unknown user", send(client.Outgoing{To: "dave", Text: "x"}), imcode.InvalidRecipient},
			{"to oneself", send(client.Outgoing{To: "alice", Text: "x"}), imcode.InvalidRecipient},
			{"a page of 0", page(with, client.Page{}), imcode.SDKInvalidParameters},
			{"a page of -1", page(with, client.Page{Count: -1}), imcode.SDKInvalidParameters},
			{"a page over the limit", page(with, client.Page{Count: 101}), imcode.SDKInvalidParameters},
			{"a local page over the limit", page(with, client.Page{Count: 101, Local: true}), imcode.SDKInvalidParameters},
			{"older than beyond the end", page(with, client.Page{Before: 5, Count: 10}), imcode.SDKInvalidParameters},
			{"newer than beyond the end", page(with, client.Page{After: 4, Count: 10}), imcode.SDKInvalidParameters},
			{"newer than beyond all ends", page(with, client.Page{After: 1<<64 - 1, Count: 10}), imcode.SDKInvalidParameters},
			{"a page with an unknown user", page("c2c_dave", client.Page{Count: 10}), imcode.InvalidRecipient},
			{"a list of 0", second(alice.Conversations(ctx, client.ListOptions{})), imcode.SDKInvalidParameters},
			{"a list over the limit", second(alice.Conversations(ctx, client.ListOptions{Count: 101})), imcode.SDKInvalidParameters},
			{"a list from below zero", second(alice.Conversations(ctx, client.ListOptions{Count: 1, After: -1})), imcode.SDKInvalidParameters},
			{"a mark beyond the end", alice.MarkRead(ctx, with, 4), imcode.SDKInvalidParameters},
			{"a mark beyond all ends", alice.MarkRead(ctx, with, 1<<64-1), imcode.SDKInvalidParameters},
			{"a mark with a stranger", alice.MarkRead(ctx, stranger, 1), imcode.SDKInvalidParameters},
			{"a pin of a stranger", alice.Pin(ctx, stranger, true), imcode.SDKInvalidParameters},
			{"the deletion of a stranger's", alice.DeleteConversation(ctx, stranger), imcode.SDKInvalidParameters},
			{"the deletion of message 0", alice.DeleteMessages(ctx, with, 1, 0), imcode.SDKInvalidParameters},
			{"the deletion of one to come", alice.DeleteMessages(ctx, with, 1, 4), imcode.SDKInvalidParameters},
			{"a recall of somebody else's", alice.Recall(ctx, with, 3), imcode.MessageNotFound},
			{"a recall of one to come", alice.Recall(ctx, with, 4), imcode.SDKInvalidParameters},
			{"a recall with a stranger", alice.Recall(ctx, stranger, 1), imcode.SDKInvalidParameters},
		} {
			if imcode.Of(tt.err) != tt.want {
				t.Errorf("%s: %v, want %d", tt.name, tt.err, tt.want)
			}
		}
		if err := page(stranger, client.Page{Count: 10}); err != nil {
			t.Errorf("a page with a stranger: %v, want an empty one", err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if after := state(); after != before {
			t.Errorf("it was\n%s\nand is\n%s", before, after)
		}
		time.Sleep(2 * time.Minute)
		if err := alice.Recall(ctx, with, 1); imcode.Of(err) != imcode.RevokeTimeLimit {
			t.Errorf("a recall that is too late: %v, want %d", err, imcode.RevokeTimeLimit)
		}
		if after := state(); after != before {
			t.Errorf("it was\n%s\nand is\n%s", before, after)
		}
	})
}

// everything is what a client and its server hold.
func everything(t *testing.T, c *client.Client, id rollcall.ConversationID) string {
	t.Helper()
	list, err := c.Conversations(t.Context(), client.ListOptions{Count: 100})
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Messages(t.Context(), id, client.Page{Count: 100})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal([]any{list, all})
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}
