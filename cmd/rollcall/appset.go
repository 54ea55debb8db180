package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"rollcall.example"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/apps"
)

// appSet changes settings.
type appSet struct {
	aboutAppFirst
	Settings []string `arg:"" optional:"" name:"setting=value" help:"What to set; nothing behind the = is the default."`
	JSON     bool     `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*appSet) Help() string {
	return `
Changes settings of an app, all or none, in force for the next login. Those not named stay as they are. docs/settings.md says what each means.

    time_zone                 of the app's days and months: an IANA name (UTC)
    platforms                 those that may log in, with commas between (all)
    tell_kicked_on_reconnect  true: 6208 to who comes back by itself (false)
    tell_kicked_on_login      true: 6208 to the first login after that (false)
    rest_kick_as_kick         true: revoked tickets are told as a kick (false)
    history_days              how long history is kept: 1 to 3650 (180)
    message_days              how long messages are kept: 1 to 3650 (7)
    recall_seconds            how long a message can be recalled: 1 to 604800 (120)

The login policy is set by rollcall app policy set.

Examples:

    rollcall app set time_zone=Asia/Shanghai history_days=365
    rollcall app set 1400000000 platforms=Android,iPhone,Web
    rollcall app set 1400000000 platforms=
`
}

// Validate refuses what can only be a slip.
func (c *appSet) Validate() error {
	if len(c.Settings) == 0 {
		return errors.New("want at least one setting, as history_days=365")
	}
	return nil
}

// Run changes them.
func (c *appSet) Run(ctx context.Context, s *streams) error {
	change := make(apps.Change)
	for _, text := range c.Settings {
		if err := change.Parse(text); err != nil {
			return slipOf(err)
		}
	}
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, app rollcall.AppID) error {
		set, err := o.ChangeSettings(ctx, app, change)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s.out, set)
		}
		fmt.Fprintf(s.err, "app %d has these settings from the next login on\n", app)
		t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		printSettings(t, set)
		return t.Flush()
	})
}

// appShow shows an app.
type appShow struct {
	aboutApp
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*appShow) Help() string {
	return `
Shows an app with its policy and all its settings, as they are in force. docs/settings.md says what each means.

Examples:

    rollcall app show
    rollcall app show 1400000000 --json
`
}

// Run shows it.
func (c *appShow) Run(ctx context.Context, s *streams) error {
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, id rollcall.AppID) error {
		app, err := find(ctx, o, id)
		if err != nil {
			return err
		}
		set, err := o.Settings(ctx, id)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s.out, struct {
				apps.Info

				Settings apps.Settings `json:"settings"`
			}{app, set})
		}
		t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		row(t, "app", app.ID)
		if app.Name != "" {
			row(t, "name", app.Name)
		}
		row(t, "added", stamp(app.Created))
		if app.Disabled {
			row(t, "disabled", "nobody logs in or comes back (60016)")
		}
		row(t, "keys", len(app.Keys))
		for _, line := range policyLines(set.Policy) {
			fmt.Fprintln(t, line)
		}
		if app.NoZone {
			set.TimeZone += " (not known to the server's machine: UTC is used)"
		}
		printSettings(t, set)
		return t.Flush()
	})
}

// printSettings prints all settings but the policy, in two columns.
func printSettings(w io.Writer, set apps.Settings) {
	row(w, "time_zone", set.TimeZone)
	row(w, "platforms", names(set.Platforms))
	row(w, "tell_kicked_on_reconnect", set.TellKickedOnReconnect)
	row(w, "tell_kicked_on_login", set.TellKickedOnLogin)
	row(w, "rest_kick_as_kick", set.RESTKickAsKick)
	row(w, "history_days", set.HistoryDays)
	row(w, "message_days", set.MessageDays)
	row(w, "recall_seconds", set.RecallSeconds)
}
