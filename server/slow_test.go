package server_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

// systemHolds is how many bytes a system takes for a connection whose other end reads
// nothing: Linux by its default (tcp_wmem), others less. How long it takes to send as many
// is up to the machine.
const systemHolds = 4 << 20

// TestOverTCPASlowReaderIsCutOffAndHoldsNobodyUp: alice has a session whose device reads
// nothing, while bob writes to her more than the system holds for a connection. He and her
// other device notice nothing, and when it comes back it has all of it from history.
func TestOverTCPASlowReaderIsCutOffAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	at, key := startAlone(t, orders{})
	slow, err := net.Dial("tcp", at.Clients)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if err := slow.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	if err := logIn(slow, key, "alice", 1); err != nil {
		t.Fatal(err)
	}
	bob := dialTCP(t, "ws://"+at.Clients+wire.Path, wire.Proto)
	sig, err := usersig.Sign(app, key, "bob", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	login := loginFrame(sig, "mac", 1)
	login.GetLogin().UserId = "bob"
	if f := bob.ask(login); f.GetSession() == nil {
		t.Fatalf("bob's login was answered with %v", f)
	}
	other := listen(t, at, key)
	at.collect(t)
	before := at.metrics(t)

	says := strings.Repeat("x", 12_000)
	sent, slowest, began := uint64(0), time.Duration(0), time.Now()
	var full time.Time // since when a system holds no more for the slow one
	for sent%20 > 0 || at.metrics(t)["rollcall_connections"] >= before["rollcall_connections"] {
		if full.IsZero() && sent*uint64(len(says)) > systemHolds {
			full = time.Now()
		}
		if !full.IsZero() && time.Since(full) > 30*time.Second {
			t.Fatalf("who reads nothing is still connected 30 s after %d bytes were sent to it", systemHolds)
		}
		sent++
		asked := time.Now()
		f := bob.ask(&wire.ClientFrame{Id: sent + 1, Request: &wire.ClientFrame_Send{Send: text("alice", fmt.Sprint("m", sent), says)}})
		if f.GetChange() == nil {
			t.Fatalf("message %d was answered with %v", sent, f)
		}
		other.hears(t, sent)
		slowest = max(slowest, time.Since(asked))
		time.Sleep(time.Until(asked.Add(10 * time.Millisecond))) // no more than he may send
	}
	if slowest > 5*time.Second { // and not the 10 s after which it is cut
		t.Errorf("a message was acknowledged after %v", slowest)
	}
	at.collect(t)
	if grown := at.metrics(t)["go_memstats_heap_alloc_bytes"] - before["go_memstats_heap_alloc_bytes"]; grown > 4<<20 {
		t.Errorf("%.0f bytes more are in use", grown)
	}
	t.Logf("cut off after %v and %d messages; one took %v at most", time.Since(began), sent, slowest)

	again, err := net.Dial("tcp", at.Clients)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := logIn(again, key, "alice", 2); err != nil {
		t.Fatal(err)
	}
	f, err := exchange(again, again, &wire.ClientFrame{Id: 3, Request: &wire.ClientFrame_Sync{Sync: &wire.SyncRequest{Count: 10}}})
	if err != nil {
		t.Fatal(err)
	}
	if all := f.GetSync().GetConversations(); len(all) != 1 || all[0].GetLastSequence() != sent || uint64(all[0].GetUnread()) != sent {
		t.Errorf("the device comes back to %v, want %d unread messages of bob", f, sent)
	}
	for left, id := sent, uint64(4); left > 0; id++ { // back from the latest
		f, err := exchange(again, again, &wire.ClientFrame{Id: id, Request: &wire.ClientFrame_ListMessages{
			ListMessages: &wire.ListMessagesRequest{Peer: "bob", Before: left + 1, Count: 100},
		}})
		if err != nil || len(f.GetMessages().GetMessages()) == 0 {
			t.Fatalf("up to message %d there is %v, %v", left, f, err)
		}
		for _, m := range slices.Backward(f.GetMessages().GetMessages()) {
			if m.GetSequence() != left || m.GetMessageId() != fmt.Sprint("m", left) {
				t.Fatalf("message %d is %d, %s", left, m.GetSequence(), m.GetMessageId())
			}
			left--
		}
		time.Sleep(5 * time.Millisecond) // no more than it may ask
	}
}

// An ear is another device of alice.
type ear chan uint64

// listen logs it in.
func listen(t *testing.T, at lodging, key string) ear {
	t.Helper()
	c, err := client.Open(app, "ws://"+at.Clients, client.Options{Platform: rollcall.Web})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	heard := make(ear, 100)
	c.AddListener(client.Listener{NewMessage: func(m client.Message) { heard <- m.Sequence }})
	sig, err := usersig.Sign(app, key, "alice", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Login(t.Context(), "alice", sig); err != nil {
		t.Fatal(err)
	}
	return heard
}

// hears waits for a message, which has to be the next one.
func (e ear) hears(t *testing.T, sequence uint64) {
	t.Helper()
	select {
	case got := <-e:
		if got != sequence {
			t.Fatalf("the other device hears message %d, want %d", got, sequence)
		}
	case <-time.After(5 * time.Second): // and not the 10 s after which the slow one is cut
		t.Fatalf("the other device does not hear of message %d", sequence)
	}
}
