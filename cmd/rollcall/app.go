package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"rollcall.example"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/apps"
)

// appCmd is about apps.
type appCmd struct {
	Add    appAdd       `cmd:"" help:"Add an app."`
	List   appList      `cmd:"" help:"List the apps."`
	Show   appShow      `cmd:"" help:"Show an app with all its settings."`
	Set    appSet       `cmd:"" help:"Change settings of an app."`
	Policy appPolicyCmd `cmd:"" help:"Show and set which sessions of an account may stand beside each other."`
	Key    appKeyCmd    `cmd:"" help:"Add, remove and list an app's keys."`

	Disable appDisable `cmd:"" help:"Let nobody log in to an app or come back."`
	Enable  appEnable  `cmd:"" help:"Let accounts log in to a disabled app again."`
}

// ownKey is the flag for a key that the operator brings along. Its variable is
// not that of the key to sign with, which would be taken by mistake.
type ownKey struct {
	Key string `env:"ROLLCALL_NEW_KEY" placeholder:"KEY" help:"A secret key of your own, 16 to 256 bytes; - reads it from standard input. Without one, one is drawn and printed."`
}

// appAdd adds an app.
type appAdd struct {
	ID   rollcall.AppID `arg:"" help:"Its SDKAppID: a number from 1 to 4294967295."`
	Name string         `help:"Its name, for people, at most 64 bytes."`
	ownKey
	operator
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*appAdd) Help() string {
	return `
Adds an app with a secret key, in force at once. A key that is drawn is printed to standard output, and only now.

Examples:

    rollcall app add 1400000001 --name Chat
    rollcall app add 1400000001 --key - <key.txt
    ROLLCALL_KEY=$(rollcall app add 1400000001)
`
}

// Run adds it.
func (c *appAdd) Run(ctx context.Context, s *streams) error {
	key, err := given("key", c.Key, s.in, apps.MaxKeyBytes)
	if err != nil {
		return err
	}
	return c.operate(ctx, s, func(ctx context.Context, o *admin.Client) error {
		made, err := o.AddApp(ctx, c.ID, c.Name, key)
		if err != nil {
			return err
		}
		if key != "" {
			made = ""
		}
		if c.JSON {
			return printJSON(s.out, struct {
				ID   rollcall.AppID `json:"id"`
				Name string         `json:"name,omitempty"`
				Key  string         `json:"key,omitempty"`
			}{c.ID, c.Name, made})
		}
		if made == "" {
			fmt.Fprintf(s.err, "app %d is added, with your key\n", c.ID)
			return nil
		}
		fmt.Fprintf(s.err, "app %d is added; its secret key, shown only now:\n", c.ID)
		fmt.Fprintln(s.out, made)
		return nil
	})
}

// appList lists the apps.
type appList struct {
	operator
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*appList) Help() string {
	return `
Examples:

    rollcall app list --dir data
`
}

// Run lists them.
func (c *appList) Run(ctx context.Context, s *streams) error {
	return c.operate(ctx, s, func(ctx context.Context, o *admin.Client) error {
		all, err := o.Apps(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s.out, all)
		}
		t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		row(t, "APP", "ADDED", "KEYS", "NAME")
		for _, app := range all {
			name := app.Name
			if app.Disabled {
				name += " (disabled)"
			}
			row(t, app.ID, stamp(app.Created), len(app.Keys), name)
		}
		return t.Flush()
	})
}
