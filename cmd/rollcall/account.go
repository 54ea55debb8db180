package main

import (
	"context"
	"fmt"

	"rollcall.example"
	"rollcall.example/internal/admin"
)

// accountCmd is about accounts.
type accountCmd struct {
	Disable accountDisable `cmd:"" help:"Shut an account out, and end its sessions."`
	Enable  accountEnable  `cmd:"" help:"Let an account in again."`
	Delete  accountDelete  `cmd:"" help:"Forget an account, and end its sessions."`
	Import  accountImport  `cmd:"" help:"Make accounts known before their first login, from a file."`
}

// accountDisable shuts an account out.
type accountDisable struct {
	aboutAccount
	acting
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*accountDisable) Help() string {
	return `
Ends all sessions of the account, with the reason; from now on its logins are refused with 70051, whatever UserSig they carry, until it is enabled.

Examples:

    rollcall account disable alice --as Olga
`
}

// Run does it.
func (c *accountDisable) Run(ctx context.Context, s *streams) error {
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, a rollcall.Account) error {
		done, err := o.Disable(ctx, a, string(c.As))
		if err != nil {
			return err
		}
		fmt.Fprintf(s.err, "%s is disabled\n", a.User)
		return printKicked(s, done, c.JSON)
	})
}

// accountEnable lets an account in again.
type accountEnable struct {
	aboutAccount
	acting
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*accountEnable) Help() string {
	return `
Lets a disabled account log in again. Its UserSigs are as good as before.

Examples:

    rollcall account enable alice --as Olga
`
}

// Run does it.
func (c *accountEnable) Run(ctx context.Context, s *streams) error {
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, a rollcall.Account) error {
		if err := o.Enable(ctx, a, string(c.As)); err != nil {
			return err
		}
		fmt.Fprintf(s.err, "%s is enabled\n", a.User)
		if c.JSON {
			return printJSON(s.out, map[string]any{"app": a.App, "user": a.User, "disabled": false})
		}
		return nil
	})
}

// accountDelete forgets an account.
type accountDelete struct {
	aboutAccount
	acting
	Yes  bool `help:"Do it; without this it is only said what would be done."`
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*accountDelete) Help() string {
	return `
Ends all sessions of the account and makes it unknown: its next login signs it up anew, also if it was disabled. Its history stays for as long as the app keeps it. To keep somebody out, disable the account.

Examples:

    rollcall account delete alice
    rollcall account delete alice --yes --as Olga
`
}

// Run does it, if it is wanted.
func (c *accountDelete) Run(ctx context.Context, s *streams) error {
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, a rollcall.Account) error {
		if !c.Yes {
			v, err := o.Account(ctx, a)
			if err != nil {
				return err
			}
			if err := printAccount(s.out, v); err != nil {
				return err
			}
			return fmt.Errorf("nothing has changed: to delete %s and end its sessions, say --yes", a.User)
		}
		done, err := o.Delete(ctx, a, string(c.As))
		if err != nil {
			return err
		}
		fmt.Fprintf(s.err, "%s is deleted\n", a.User)
		return printKicked(s, done, c.JSON)
	})
}
