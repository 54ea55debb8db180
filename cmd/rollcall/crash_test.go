package main

import (
	"encoding/base64"
	"encoding/hex"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall.example/usersig"
	"rollcall.example/wire"
)

// TestACrashPrintsNoSecret has a server that serves a session print the stacks of
// all its goroutines and die, and looks for what nobody may read there.
func TestACrashPrintsNoSecret(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	token := command(t, "init", "--dir", dir)
	key := command(t, "app", "add", "--dir", dir, "7")
	server, address := serveOn(t, dir)
	sig, err := usersig.Sign(7, key, "alice", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c, err := dialRaw(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	login := loginFrame(7, "alice", sig)
	if f, err := c.ask(t.Context(), &wire.ClientFrame{Request: &wire.ClientFrame_Login{Login: login}}); err != nil || f.GetSession() == nil {
		t.Fatalf("login: %v, %v", f, err)
	}
	if err := server.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if status, err := server.exits(); err != nil || status != 2 {
		t.Fatalf("it ended with %d, %v; want the runtime's 2", status, err)
	}
	printed := server.output()
	if !strings.Contains(printed, "SIGQUIT") || strings.Count(printed, "goroutine ") < 5 {
		t.Fatalf("no stacks were printed:\n%s", printed)
	}
	secrets := []string{key, sig}
	secrets = append(secrets, regexp.MustCompile(`[0-9a-f]{64}`).FindAllString(token, -1)...) // and the first app's key
	for _, half := range [][]byte{login.FixedHalf, login.ChangingHalf} {
		secrets = append(secrets, string(half), hex.EncodeToString(half), base64.StdEncoding.EncodeToString(half))
	}
	if len(secrets) != 2+2+6 {
		t.Fatalf("looking for %d secrets: init printed\n%s", len(secrets), token)
	}
	for _, s := range secrets {
		if strings.Contains(printed, s) {
			t.Errorf("the crash printed %.6s...", s)
		}
	}
}
