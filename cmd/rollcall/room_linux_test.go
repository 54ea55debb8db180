package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rollcall.example/wire"
)

// TestMessagesLeaveRoomForLogins: on a disk with little left messages are refused and
// logins are not, until there is more.
func TestMessagesLeaveRoomForLogins(t *testing.T) {
	m, err := tmpfs(t, "48m")
	if err != nil {
		t.Logf("no file system can be mounted here (%v): the rule alone is tested, in package server", err)
		return
	}
	command(t, "init", "--dir", m.dir)
	s := &fullStory{t: t, key: command(t, "app", "add", "--dir", m.dir, "7"), dir: m.dir}
	server := rollcallProcess(t, "serve", "--dir", m.dir, "--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0", "--admin=")
	ready := server.must(t, `^ready: clients (ws://\S+), ops (http://[^,]+),`)
	s.address = ready[1]
	s.login("bob")
	n := 0
	send := func() *wire.ServerFrame {
		t.Helper()
		row := s.request(fmt.Sprint("sender-", n))
		c, err := dialRaw(t.Context(), s.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		if _, err := c.ask(t.Context(), &wire.ClientFrame{Id: 1, Request: &wire.ClientFrame_Login{Login: row.login}}); err != nil {
			t.Fatal(err)
		}
		n++
		answer, err := c.ask(t.Context(), &wire.ClientFrame{Id: 2, Request: &wire.ClientFrame_Send{Send: &wire.SendRequest{
			Peer: "bob", MessageId: "one", Content: &wire.Content{Kind: &wire.Content_Text{Text: "hi"}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	taken := func() bool { return send().GetChange() != nil }
	if !taken() {
		t.Fatal("a message was refused on a disk with room")
	}
	ballast := filepath.Join(filepath.Dir(m.dir), "ballast")
	var fs unix.Statfs_t
	if err := unix.Statfs(m.dir, &fs); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ballast, make([]byte, int64(fs.Bavail)*fs.Bsize-4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	in30s(t, "a message is refused", func() bool {
		answer := send()
		if answer.GetChange() == nil {
			s.refused("a message", answer)
		}
		return answer.GetChange() == nil
	})
	server.must(t, `level=ERROR msg="the disk has little room left: messages are refused`)
	for i := range 5 {
		s.login(fmt.Sprint("late-", i))
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	in30s(t, "messages are taken again", taken)
	server.must(t, `level=WARN msg="the disk has room for messages again"`)
}

// in30s tries ten times a second until something is so.
func in30s(t *testing.T, what string, is func() bool) {
	t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for range 300 {
		if is() {
			return
		}
		<-again.C
	}
	t.Fatalf("%s: not within 30 s", what)
}
