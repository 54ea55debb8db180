package terminal_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/terminal"
	"rollcall.example/rollcalltest"
)

// TestLinesWithoutANetworkAtTheStart: what the device has is read, and what is said is
// sent once there is a network.
func TestLinesWithoutANetworkAtTheStart(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		bob, device := s.Client("bob", rollcall.Linux), s.Client("alice", rollcall.Linux)
		if err := errors.Join(bob.Login(), device.Login()); err != nil {
			t.Fatal(err)
		}
		if _, err := bob.SDK.SendText(t.Context(), "alice", "remember me"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := device.Logout(); err != nil {
			t.Fatal(err)
		}
		s.Stop()
		lines := func(text string) (printed string, err error) {
			var out, errs journal
			o := terminal.Options{Client: device.SDK, User: "alice", UserSig: s.UserSig("alice", time.Hour)}
			err = terminal.Lines(t.Context(), o, strings.NewReader(text), &out, &errs)
			return out.String(), errors.Join(err, device.Logout())
		}
		read := fmt.Sprintf("%s #1 bob: remember me\n", time.Now().Local().Format(time.DateTime))
		got, err := lines("/switch bob\n/history\n")
		if imcode.Of(err) != imcode.ConnectRefused || got != read {
			t.Errorf("read without a network: %v, printed %q, want %q", err, got, read)
		}
		got, err = lines("/switch bob\nhello?\n")
		if want := "1 message not sent, nothing could be sent for 2 minutes"; imcode.Of(err) != imcode.ConnectRefused || !strings.Contains(err.Error(), want) {
			t.Errorf("said without a network: %v, printed %q; want %q", err, got, want)
		}
		back := time.AfterFunc(time.Minute, s.Start)
		defer back.Stop()
		if got, err = lines("/switch bob\nhello!\n"); err != nil || !strings.HasSuffix(got, "#2 alice to bob: hello!\n") {
			t.Errorf("said before there is a network: %v, printed %q", err, got)
		}
	})
}
