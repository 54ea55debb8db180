package main

import (
	"bufio"
	"context"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/rollcalltest"
)

// TestLogin: what the example says of a login, of a message that it sends and of one that
// comes, and of the kick that ends it.
func TestLogin(t *testing.T) {
	s := rollcalltest.NewServerWith(t, rollcalltest.Options{TCP: true})
	bob := s.Client("bob", rollcall.Android)
	if err := bob.Login(); err != nil {
		t.Fatal(err)
	}
	out, written := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(t.Context(), []string{
			"--server", s.URL, "--app", strconv.Itoa(int(s.App)), "--user", "alice", "--to", "bob", "--say", "is that you?",
		}, s.UserSig("alice", time.Hour), written)
		written.Close()
	}()
	lines := bufio.NewScanner(out)
	for _, want := range []string{"logged in as alice", "sent: message 1 with bob", "bob: it is"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("it says %q, want %q", lines.Text(), want)
		}
		if strings.HasPrefix(want, "sent") {
			if _, err := bob.SDK.SendText(t.Context(), "alice", "it is"); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.Kick("alice")
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "operator") {
		t.Errorf("kicked, it ends with %v", err)
	}
}

// TestUntilInterrupted: it logs out.
func TestUntilInterrupted(t *testing.T) {
	s := rollcalltest.NewServerWith(t, rollcalltest.Options{TCP: true})
	ctx, interrupt := context.WithCancel(t.Context())
	out, written := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--server", s.URL, "--app", strconv.Itoa(int(s.App)), "--to", "carol"}, s.UserSig("alice", time.Hour), written)
	}()
	lines := bufio.NewScanner(out)
	for _, want := range []string{"logged in as alice", "carol has never logged in"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("it says %q, want %q", lines.Text(), want)
		}
	}
	interrupt()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
