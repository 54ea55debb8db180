package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall.example"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/plain"
)

// kickCmd ends sessions of an account.
type kickCmd struct {
	aboutAccount
	Session   uint64 `xor:"whom" placeholder:"N" help:"The session with this number."`
	Device    string `xor:"whom" placeholder:"ID" help:"The session of this device."`
	Platform  string `xor:"whom" placeholder:"NAME" help:"All sessions on this platform."`
	All       bool   `xor:"whom" help:"All sessions."`
	Revoke    bool   `xor:"whom" help:"All sessions, and make all UserSigs worthless that were made until now: the vendor's kick."`
	ValidFrom int64  `placeholder:"SECONDS" help:"With --revoke: make those worthless that are dated before this moment, in seconds since 1970."`
	acting
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*kickCmd) Help() string {
	return `
Ends sessions. Each device is told at once, or when it comes back within 7 days, and does not come back by itself; its user may log in again, because the UserSigs stay good.

With --revoke they do not: all UserSigs made until now are worthless, and a new one from your business server lets the account in. It prints from which moment on UserSigs are good. To keep an account out altogether: ` + "`rollcall account disable`" + `.

Examples:

    rollcall sessions alice
    rollcall kick alice --session 3 --as Olga
    rollcall kick alice --platform Android
    rollcall kick alice --revoke
`
}

// Validate refuses what can only be a slip.
func (c *kickCmd) Validate() error {
	if c.Session == 0 && c.Device == "" && c.Platform == "" && !c.All && !c.Revoke {
		return errors.New("whom? want one of --session, --device, --platform, --all and --revoke")
	}
	if c.ValidFrom != 0 && !c.Revoke {
		return errors.New("--valid-from goes with --revoke")
	}
	return nil
}

// Run ends them.
func (c *kickCmd) Run(ctx context.Context, s *streams) error {
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, a rollcall.Account) error {
		var done admin.Kicked
		var err error
		if c.Revoke {
			done, err = o.Revoke(ctx, a, c.ValidFrom, c.As)
		} else {
			t := admin.Target{Session: c.Session, Device: rollcall.DeviceID(c.Device), Platform: c.Platform, All: c.All}
			done, err = o.Kick(ctx, a, t, c.As)
		}
		if err != nil {
			return err
		}
		return printKicked(s, done, c.JSON)
	})
}

// printKicked prints what an act has ended.
func printKicked(s *streams, done admin.Kicked, asJSON bool) error {
	if asJSON {
		return printJSON(s.out, done)
	}
	for _, x := range done.Ended {
		was := "was told at once"
		if !x.Connected {
			was = "was away, and will be told"
		}
		line := fmt.Sprintf("session %d on %s (%s) has ended; it %s", x.Session, called(x.DeviceName, x.Device), x.Platform, was)
		fmt.Fprintln(s.out, plain.Line(line))
	}
	if len(done.Ended) == 0 {
		fmt.Fprintln(s.err, "no session has ended: there was none")
	}
	if done.KeptOut > 0 {
		fmt.Fprintf(s.err, "kept out as well: %s that could have come back after a newer login\n", plain.Count(done.KeptOut, "device"))
	}
	if done.ValidFrom != 0 {
		fmt.Fprintf(s.out, "UserSigs dated before %d (%s) are worthless\n", done.ValidFrom, stamp(time.Unix(done.ValidFrom, 0)))
	}
	return nil
}

// called is a device's name, quoted because it is its client's word, or its id where
// it has none.
func called(name string, id rollcall.DeviceID) string {
	if name == "" {
		return string(id)
	}
	return plain.Quote(name)
}
