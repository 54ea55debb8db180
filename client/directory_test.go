package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
)

func TestDataDirectoryBelongsToOneProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	first, err := client.Open(app, address, client.Options{DataDirectory: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	_, err = client.Open(app, address, client.Options{DataDirectory: dir})
	if !errors.Is(err, imcode.InitFailed) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("a second Open: %v, want 6018 with our process id", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := client.Open(app, address, client.Options{DataDirectory: dir})
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	_ = second.Close()
}

func TestDataDirectoryIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes on Windows")
	}
	story(t, func(t *testing.T, p *peer) {
		dir := filepath.Join(t.TempDir(), "data")
		p.loggedIn(client.Options{DataDirectory: dir})
		err := filepath.WalkDir(dir, func(path string, f os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := f.Info()
			if err != nil {
				return err
			}
			if info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// What cannot be understood makes a new device, and is not printed.
func TestStateThatCannotBeUnderstood(t *testing.T) {
	for name, content := range map[string]string{
		"cut off":                            `{"version":1,"device":"phone","tr`,
		"empty":                              ``,
		"another thing":                      `[1,2,3]`,
		"an illegal device":                  `{"version":1,"device":"../../etc","try":3}`,
		"a logout of null":                   `{"version":1,"device":"phone","try":3,"logouts":[null]}`,
		"an account of null":                 `{"version":1,"device":"phone","try":3,"accounts":[null]}`,
		"a try number that nobody counts to": `{"version":1,"device":"phone","try":18446744073709551615}`,
		"half a half":                        `{"version":1,"device":"phone","try":3,"logouts":[{"fixed":"AAAA"}]}`,
		"a half that no frame would take":    `{"version":1,"device":"phone","try":3,"accounts":[{"present":"` + strings.Repeat("AAAA", 3000) + `"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(t *testing.T, p *peer) {
				dir := t.TempDir()
				if err := os.WriteFile(filepath.Join(dir, "state.json"), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				d := p.open(client.Options{DataDirectory: dir})
				d.login("alice", sig("alice", time.Hour))
				in := p.accept().login()
				if in.GetDeviceId() == "phone" || len(in.GetDeviceId()) != 32 || in.GetTryNumber() != 1 {
					t.Errorf("the login is of device %q, try %d", in.GetDeviceId(), in.GetTryNumber())
				}
			})
		})
	}
}

func TestStateOfANewerVersionIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	const content = `{"version":2,"device":"phone"}`
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the lock is given back as well
		_, err := client.Open(app, address, client.Options{DataDirectory: dir})
		if !errors.Is(err, imcode.InitFailed) || !strings.Contains(err.Error(), "newer") {
			t.Errorf("Open: %v", err)
		}
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != content {
		t.Errorf("it was changed to %s (%v)", b, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		app    rollcall.AppID
		server string
		o      client.Options
		code   imcode.Code
	}{
		{"no app", 0, address, client.Options{}, imcode.SDKInvalidParameters},
		{"no address", app, "", client.Options{}, imcode.SDKInvalidParameters},
		{"no host", app, "ws://:80", client.Options{}, imcode.SDKInvalidParameters},
		{"another scheme", app, "ftp://host", client.Options{}, imcode.SDKInvalidParameters},
		{"a password", app, "wss://user:secret@host", client.Options{}, imcode.SDKInvalidParameters},
		{"a query", app, "wss://host?userSig=secret", client.Options{}, imcode.SDKInvalidParameters},
		{"nonsense", app, "wss://secret\x7f", client.Options{}, imcode.SDKInvalidParameters},
		{"a long device name", app, address, client.Options{DeviceName: strings.Repeat("x", 65)}, imcode.SDKInvalidParameters},
		{"a line break in the device name", app, address, client.Options{DeviceName: "a\nb"}, imcode.SDKInvalidParameters},
		{"a turn in the device name", app, address, client.Options{DeviceName: "a\u202eb"}, imcode.SDKInvalidParameters},
		{"a negative time", app, address, client.Options{LoginWithin: -1}, imcode.SDKInvalidParameters},
		{"a directory that is a file", app, address, client.Options{DataDirectory: file}, imcode.InitFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := client.Open(tt.app, tt.server, tt.o)
			if err == nil {
				_ = c.Close()
			}
			if !errors.Is(err, tt.code) {
				t.Errorf("Open: %v, want %v", err, tt.code)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

// Whatever stands in the state file, a client opens and works, or says why not.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"version":1,"device":"phone","try":3,"accounts":[{"server":"s","app":1,"user":"alice","session":4,"fixed":"AAAA"}],"logouts":[]}`))
	f.Add([]byte(`{"version":1,"device":"phone","try":3,"logouts":[{"server":"ws://rollcall.test:80","app":1400000000,"fixed":"aGFsZiBudW1iZXIgMDAwMQ=="}]}`))
	f.Add([]byte(`{"version":99999}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "state.json"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		dial := func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
		c, err := client.Open(app, address, client.Options{DataDirectory: dir, Dial: dial, LoginWithin: time.Millisecond})
		if err != nil {
			if !errors.Is(err, imcode.InitFailed) {
				t.Errorf("Open: %v", err)
			}
			return
		}
		if err := c.Login(t.Context(), "alice", "no UserSig"); err == nil {
			t.Error("Login without a server succeeded")
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if c, err = client.Open(app, address, client.Options{DataDirectory: dir, Dial: dial}); err != nil {
			t.Fatalf("Open of what we wrote ourselves: %v", err)
		}
		_ = c.Close()
	})
}
