package main

import (
	"context"
	"fmt"

	"rollcall.example/internal/admin"
)

// watchCmd prints what happens to an account, as it happens.
type watchCmd struct {
	aboutAccount
	JSON bool `name:"json" help:"Print each event as a line of JSON, for programs."`
}

// Help is the long help.
func (*watchCmd) Help() string {
	return `
Prints who is logged in, and then each event of the account as it is written to its history, until Ctrl-C. It ends with exit status 1 when the server shuts down, and when events come faster than they are read: then some are missing, and it says so.

With --json the first line has the member "now", the others "event".

Examples:

    rollcall watch alice
    rollcall watch alice --json
`
}

// Run prints them.
func (c *watchCmd) Run(ctx context.Context, s *streams) error {
	return c.reach(ctx, s, func(ctx context.Context, o *admin.Client) error {
		a, err := c.account(ctx, o)
		if err != nil {
			return err
		}
		err = o.Watch(ctx, a, func(seen admin.Sight) error {
			switch {
			case c.JSON:
				return printLine(s.out, seen)
			case seen.Now != nil:
				return printAccount(s.out, *seen.Now)
			case seen.Event != nil:
				return printEvent(s.out, *seen.Event, false)
			}
			return nil
		})
		if err == nil {
			overCtrlC(s.err)
			fmt.Fprintf(s.err, "%s is not watched any more\n", a.User)
		}
		return err
	})
}
