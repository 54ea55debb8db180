// Command login is a whole app of the Go SDK, as short as it can be: it logs a user in,
// writes to somebody, shows what comes, and ends when it is kicked, or by Ctrl-C.
//
// With `go run ./cmd/rollcall dev` running, take the UserSig that it prints for alice:
//
//	ROLLCALL_USERSIG=... go run ./examples/login --user alice --to bob --say hello
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Getenv("ROLLCALL_USERSIG"), os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, userSig string, out io.Writer) error {
	flags := flag.NewFlagSet("login", flag.ContinueOnError)
	app := flags.Uint("app", 1400000000, "the app's SDKAppID")
	server := flags.String("server", "ws://127.0.0.1:7400", "where the server is")
	user := flags.String("user", "alice", "who logs in")
	to := flags.String("to", "", "whom to write to")
	say := flags.String("say", "hello", "what to write")
	dir := flags.String("dir", "", "keep the device and its messages here; without, it is a new device each time")
	if err := flags.Parse(args); err != nil {
		return err
	}

	c, err := client.Open(rollcall.AppID(*app), *server, client.Options{
		DataDirectory: *dir, Platform: rollcall.Linux, DeviceName: "the example",
	})
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // the session stays for the next time; there is nobody left to tell
	over := make(chan error, 1)
	c.AddListener(client.Listener{
		NewMessage:     func(m client.Message) { fmt.Fprintf(out, "%s: %s\n", m.Sender, m.Text) },
		KickedOffline:  func(k client.Kick) { over <- errors.New(k.Text) },
		UserSigExpired: func() { over <- errors.New("the UserSig has ended: get a new one, and log in again") },
	})
	if err := c.Login(ctx, *user, userSig); err != nil {
		return err
	}
	fmt.Fprintf(out, "logged in as %s\n", c.LoginUser())
	if *to != "" {
		m, err := c.SendText(ctx, rollcall.UserID(*to), *say)
		switch {
		case errors.Is(err, imcode.InvalidRecipient):
			fmt.Fprintf(out, "%s has never logged in\n", *to)
		case err != nil:
			return err
		default:
			fmt.Fprintf(out, "sent: message %d with %s\n", m.Sequence, *to)
		}
	}

	select {
	case err := <-over:
		return err
	case <-ctx.Done():
		return c.Logout(context.WithoutCancel(ctx))
	}
}
