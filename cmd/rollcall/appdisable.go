package main

import (
	"context"
	"fmt"

	"rollcall.example"
	"rollcall.example/internal/admin"
)

// appDisable shuts an app.
type appDisable struct {
	aboutApp
}

// Help is the long help.
func (*appDisable) Help() string {
	return `
Lets nobody log in to the app, come back to a session after a lost connection, or renew a UserSig: all of that is refused with 60016, from now on, until the app is enabled. Who is connected stays until the connection or the UserSig ends; to end a session at once, rollcall kick.

Examples:

    rollcall app disable 1400000000
`
}

// Run does it.
func (c *appDisable) Run(ctx context.Context, s *streams) error {
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, app rollcall.AppID) error {
		if err := o.DisableApp(ctx, app); err != nil {
			return err
		}
		fmt.Fprintf(s.err, "app %d is disabled: nobody logs in or comes back (60016); who is connected stays until then\n", app)
		return nil
	})
}

// appEnable opens an app again.
type appEnable struct {
	aboutApp
}

// Help is the long help.
func (*appEnable) Help() string {
	return `
Lets the accounts of a disabled app log in again. Their UserSigs are as good as before.

Examples:

    rollcall app enable 1400000000
`
}

// Run does it.
func (c *appEnable) Run(ctx context.Context, s *streams) error {
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, app rollcall.AppID) error {
		if err := o.EnableApp(ctx, app); err != nil {
			return err
		}
		fmt.Fprintf(s.err, "app %d is enabled\n", app)
		return nil
	})
}
