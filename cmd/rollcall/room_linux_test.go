package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	stays := s.talker("alice")
	n := 0
	send := func() *wire.ServerFrame {
		t.Helper()
		c := s.talker(fmt.Sprint("sender-", n))
		defer c.CloseNow()
		n++
		return s.says(c, toBob("one"))
	}
	taken := func() bool { return send().GetChange() != nil }
	if !taken() || s.says(stays, toBob("one")).GetChange() == nil {
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
	if got := metric(t, ready[2], "rollcall_disk_low"); got != "1" {
		t.Errorf("rollcall_disk_low is %s", got)
	}
	if a := s.says(stays, toBob("one")); a.GetChange() == nil {
		t.Errorf("a message that is there is answered %v", a)
	}
	mark := &wire.ClientFrame{Request: &wire.ClientFrame_MarkRead{MarkRead: &wire.MarkReadRequest{Peer: "bob", Sequence: 1}}}
	if a := s.says(stays, mark); a.GetChange() == nil {
		t.Errorf("a mark is answered %v", a)
	}
	list := &wire.ClientFrame{Request: &wire.ClientFrame_ListMessages{ListMessages: &wire.ListMessagesRequest{Peer: "bob", Count: 1}}}
	if a := s.says(stays, list); len(a.GetMessages().GetMessages()) != 1 {
		t.Errorf("a page is answered %v", a)
	}
	if out := command(t, "kick", "alice", "--all", "--app", "7", "--dir", m.dir); out == "" {
		t.Error("a kick said nothing")
	}
	for i := range 5 {
		s.login(fmt.Sprint("late-", i))
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	in30s(t, "messages are taken again", taken)
	server.must(t, `level=WARN msg="the disk has room for messages again"`)
	if got := metric(t, ready[2], "rollcall_disk_low"); got != "0" {
		t.Errorf("with room again rollcall_disk_low is %s", got)
	}
}

// toBob is a message to bob.
func toBob(id string) *wire.ClientFrame {
	return &wire.ClientFrame{Request: &wire.ClientFrame_Send{Send: &wire.SendRequest{
		Peer: "bob", MessageId: id, Content: &wire.Content{Kind: &wire.Content_Text{Text: "hi"}},
	}}}
}

// talker is a connection on which an account is logged in.
func (s *fullStory) talker(user string) *raw {
	s.t.Helper()
	c, err := dialRaw(s.t.Context(), s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.CloseNow() })
	row := s.request(user)
	if a := s.says(c, &wire.ClientFrame{Request: &wire.ClientFrame_Login{Login: row.login}}); a.GetSession() == nil {
		s.t.Fatalf("the login of %s was answered %v", user, a)
	}
	return c
}

// says asks for something on a connection, and returns the answer.
func (s *fullStory) says(c *raw, f *wire.ClientFrame) *wire.ServerFrame {
	s.t.Helper()
	answer, err := c.ask(s.t.Context(), f)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer
}

// metric is the value of a metric without labels.
func metric(t *testing.T, ops, name string) string {
	t.Helper()
	_, text := page(t, ops+"/metrics")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
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
