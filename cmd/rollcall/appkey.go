package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/plain"
)

// appKeyCmd is about an app's keys.
type appKeyCmd struct {
	Add    appKeyAdd    `cmd:"" help:"Add a key to an app."`
	Remove appKeyRemove `cmd:"" help:"Remove a key from an app."`
	List   appKeyList   `cmd:"" help:"List an app's keys, without their secrets."`
}

// appKeyAdd adds a key.
type appKeyAdd struct {
	aboutApp
	ownKey
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*appKeyAdd) Help() string {
	return `
Adds a key: UserSigs signed with it are good at once, and those of the other keys stay good. A key that is drawn is printed to standard output, and only now.

Changing a key: add the new one, give it to your servers, wait until the last UserSig of the old one has ended, remove the old one.

Examples:

    rollcall app key add 1400000000
    rollcall app key add 1400000000 --key - <key.txt
`
}

// Run adds it.
func (c *appKeyAdd) Run(ctx context.Context, s *streams) error {
	secret, err := given("key", c.Key, s.in, apps.MaxKeyBytes)
	if err != nil {
		return err
	}
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, app rollcall.AppID) error {
		key, made, err := o.AddKey(ctx, app, secret)
		if err != nil {
			return err
		}
		if secret != "" {
			made = ""
		}
		if c.JSON {
			return printJSON(s.out, struct {
				apps.Key

				Secret string `json:"key,omitempty"`
			}{key, made})
		}
		if made == "" {
			fmt.Fprintf(s.err, "key %s of app %d is added: it is yours\n", plain.Line(key.ID), app)
			return nil
		}
		fmt.Fprintf(s.err, "key %s of app %d is added; its secret, shown only now:\n", plain.Line(key.ID), app)
		fmt.Fprintln(s.out, made)
		return nil
	})
}

// appKeyRemove removes a key.
type appKeyRemove struct {
	aboutAppFirst
	Key  string `arg:"" optional:"" help:"The key's id, as app key list has it."`
	Yes  bool   `help:"Remove it also if it is the app's last key."`
	JSON bool   `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*appKeyRemove) Help() string {
	return `
Removes a key: UserSigs signed with it are refused with 70009 at once. Sessions that logged in with one go on. Without its last key an app lets nobody in: that one is removed with --yes alone.

Examples:

    rollcall app key remove 1400000000 k5f0c2a91
    rollcall app key remove 1400000000 k5f0c2a91 --yes
`
}

// Validate refuses what can only be a slip.
func (c *appKeyRemove) Validate() error {
	if c.Key == "" {
		return errors.New("want the key's id, as app key list has it")
	}
	return nil
}

// Run removes it.
func (c *appKeyRemove) Run(ctx context.Context, s *streams) error {
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, id rollcall.AppID) error {
		app, err := find(ctx, o, id)
		if err != nil {
			return err
		}
		last := len(app.Keys) == 1 && app.Keys[0].ID == c.Key
		if last && !c.Yes {
			return fmt.Errorf("nothing has changed: %s is the last key of app %d, and nobody can log in without one: add another first, or say --yes", c.Key, id)
		}
		if err := o.RemoveKey(ctx, id, c.Key); err != nil {
			return err
		}
		fmt.Fprintf(s.err, "key %s of app %d is removed\n", c.Key, id)
		if last {
			fmt.Fprintf(s.err, "app %d has no key now: nobody can log in before it has one (70016)\n", id)
		}
		if c.JSON {
			return printJSON(s.out, map[string]any{"app": id, "removed": c.Key, "keys": len(app.Keys) - 1})
		}
		return nil
	})
}

// appKeyList lists an app's keys.
type appKeyList struct {
	aboutApp
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*appKeyList) Help() string {
	return `
Examples:

    rollcall app key list 1400000000
`
}

// Run lists them.
func (c *appKeyList) Run(ctx context.Context, s *streams) error {
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, id rollcall.AppID) error {
		app, err := find(ctx, o, id)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s.out, app.Keys)
		}
		t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		row(t, "KEY", "ADDED", "STORED")
		for _, k := range app.Keys {
			stored := "in plain"
			if k.Sealed {
				stored = "sealed"
			}
			row(t, k.ID, stamp(k.Created), stored)
		}
		return t.Flush()
	})
}

// find finds an app among all.
func find(ctx context.Context, o *admin.Client, id rollcall.AppID) (apps.Info, error) {
	all, err := o.Apps(ctx)
	if err != nil {
		return apps.Info{}, err
	}
	for _, app := range all {
		if app.ID == id {
			return app, nil
		}
	}
	return apps.Info{}, imcode.AppNotFound.Errorf("there is no app %d", id)
}
