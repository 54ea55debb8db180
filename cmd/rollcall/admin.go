package main

import (
	"context"
	"fmt"

	"rollcall.example/internal/admin"
)

// adminCmd is about the operators' door.
type adminCmd struct {
	Token adminToken `cmd:"" help:"Make a new token for operators, in the place of the old one."`
}

// adminToken makes a token.
type adminToken struct {
	operator
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*adminToken) Help() string {
	return `
Makes a new token for the admin address, with the server running or stopped. The old one is worthless at once. The new one is printed to standard output, and only now: the server keeps its hash.

Commands that are given an admin address, by --server or ROLLCALL_ADMIN, read the token from ROLLCALL_ADMIN_TOKEN. On the server's own machine they need neither: they use the data directory.

Examples:

    rollcall admin token
    ROLLCALL_ADMIN_TOKEN=$(rollcall admin token --dir /var/lib/rollcall)
`
}

// Run makes it.
func (c *adminToken) Run(ctx context.Context, s *streams) error {
	return c.operate(ctx, s, func(ctx context.Context, o *admin.Client) error {
		token, err := o.RenewToken(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s.out, map[string]string{"token": token})
		}
		fmt.Fprintln(s.err, "the operators' token, shown only now; the one before is worthless:")
		fmt.Fprintln(s.out, token)
		return nil
	})
}
