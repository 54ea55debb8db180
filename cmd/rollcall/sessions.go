package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"rollcall.example"
	"rollcall.example/internal/admin"
)

// sessionsCmd shows where an account is logged in.
type sessionsCmd struct {
	aboutAccount
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*sessionsCmd) Help() string {
	return `
Shows each session of an account: its device, since when it is logged in, whether it is connected or since when it is away, and from where, shortened. Below stand those that lost their place and do not know it yet: they are told when they come back.

Examples:

    rollcall sessions alice
    rollcall sessions alice --app 1400000000 --json
`
}

// Run shows them.
func (c *sessionsCmd) Run(ctx context.Context, s *streams) error {
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, a rollcall.Account) error {
		v, err := o.Account(ctx, a)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s.out, v)
		}
		return printAccount(s.out, v)
	})
}

// ended says how many sessions have ended.
func ended(n int) string {
	if n == 1 {
		return "1 session has ended"
	}
	return fmt.Sprintf("%d sessions have ended", n)
}

// printAccount prints where an account is logged in.
func printAccount(w io.Writer, v admin.Account) error {
	if v.Disabled {
		fmt.Fprintf(w, "%s is disabled: it cannot log in\n", v.User)
	}
	if v.ValidFrom != 0 {
		fmt.Fprintf(w, "UserSigs dated before %s are worthless\n", stamp(time.Unix(v.ValidFrom, 0)))
	}
	if len(v.Sessions) == 0 {
		fmt.Fprintf(w, "%s is logged in nowhere\n", v.User)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(v.Sessions) > 0 {
		row(t, "SESSION", "PLATFORM", "NAME", "DEVICE", "LOGGED IN", "CONNECTION", "ADDRESS")
	}
	for _, x := range v.Sessions {
		connection := "connected"
		if x.AwaySince != nil {
			connection = "away since " + stamp(*x.AwaySince)
		}
		row(t, x.Session, x.Platform, x.DeviceName, x.Device, stamp(x.LoggedIn), connection, x.Address)
	}
	if len(v.Untold) > 0 {
		fmt.Fprintf(t, "%s; the device is told when it comes back within 7 days:\n", ended(len(v.Untold)))
		row(t, "SESSION", "PLATFORM", "REASON", "DEVICE", "ENDED")
	}
	for _, k := range v.Untold {
		row(t, k.Session, k.Platform, k.Reason, k.Device, stamp(k.Time))
	}
	return t.Flush()
}
