package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"rollcall.example"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/plain"
)

// usageCmd says how many accounts were active.
type usageCmd struct {
	App  rollcall.AppID `placeholder:"N" help:"The app's SDKAppID; not needed where there is only one app."`
	By   string         `enum:"day,month" default:"day" placeholder:"UNIT" help:"A row for each day (default) or each month."`
	Days *int           `placeholder:"N" help:"That many days, up to --to (default: 30, or, by month, a year)."`
	From date           `placeholder:"DAY" help:"From this day on, as 2026-11-23."`
	To   date           `placeholder:"DAY" help:"Up to this day (default: today)."`
	CSV  bool           `name:"csv" help:"Print comma-separated values, for spreadsheets."`
	JSON bool           `name:"json" help:"Print JSON, for programs."`
	operator
}

// Help is the long help.
func (*usageCmd) Help() string {
	return `
For each day: the accounts that were active, how many logins there were, how many accounts signed up, and how many sessions were online at once, at most, and when. Days are those of the app's time zone (time_zone).

An account is active in a day, or month, in which it came online, by a login or by coming back after a lost connection, and counts once. One that only stays connected over midnight is counted when it next comes online, but it is online. A month has its active accounts, which is not the sum of its days, and the sums and the peak of its days; months are whole, whatever --from and --to say.

A peak is written a few seconds after it was reached: kill -9 loses those at most. Everything else is exact. Counts are kept for ten years.

Examples:

    rollcall usage
    rollcall usage --by month --csv >months.csv
    rollcall usage --app 1400000000 --from 2026-11-01 --to 2026-11-30
`
}

// Validate refuses what can only be a slip. The server judges the rest.
func (c *usageCmd) Validate() error {
	switch {
	case c.CSV && c.JSON:
		return errors.New("--csv and --json: want one of them")
	case c.Days != nil && (*c.Days < 1 || *c.Days > admin.MaxUsageDays):
		return fmt.Errorf("--days %d: want 1 to %d", *c.Days, admin.MaxUsageDays)
	case c.Days != nil && c.From != "":
		return errors.New("--days and --from: want one of them")
	case c.To != "" && c.From > c.To:
		return fmt.Errorf("--from %s is after --to %s", c.From, c.To)
	}
	return nil
}

// A date is a day, as 2026-11-23.
type date string

// UnmarshalText reads a day.
func (d *date) UnmarshalText(text []byte) error {
	if _, err := time.Parse(time.DateOnly, string(text)); err != nil {
		return fmt.Errorf("%q: want a day as 2026-11-23", text)
	}
	*d = date(text)
	return nil
}

// Run says it.
func (c *usageCmd) Run(ctx context.Context, s *streams) error {
	return c.operate(ctx, s, func(ctx context.Context, o *admin.Client) error {
		app, err := theApp(ctx, o, c.App, "with --app")
		if err != nil {
			return err
		}
		q := admin.UsageQuery{By: c.By, From: string(c.From), To: string(c.To)}
		set(&q.Days, c.Days)
		u, err := o.Usage(ctx, app, q)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return printJSON(s.out, u)
		case c.CSV:
			return usageCSV(s.out, u)
		}
		return usageTable(s.out, u)
	})
}

// usageCSV prints a usage as comma-separated values, under a line with their names.
func usageCSV(w io.Writer, u admin.Usage) error {
	all := csv.NewWriter(w)
	lines := [][]string{{u.By, "active", "logins", "signed_up", "peak_online", "peak_at"}}
	for _, r := range u.Usage {
		at := ""
		if r.PeakAt != nil {
			at = r.PeakAt.UTC().Format(time.RFC3339)
		}
		line := []string{r.Day + r.Month}
		for _, n := range []int64{r.Active, r.Logins, r.SignedUp, r.PeakOnline} {
			line = append(line, strconv.FormatInt(n, 10))
		}
		lines = append(lines, append(line, at))
	}
	return all.WriteAll(lines)
}

// usageTable prints a usage for people. Moments are in the app's zone, as its days are.
func usageTable(w io.Writer, u admin.Usage) error {
	zone, known := plain.Zone(u.TimeZone)
	if !known {
		zone = time.UTC
	}
	head, format := "DAY", time.TimeOnly
	if u.By == admin.ByMonth {
		head, format = "MONTH", time.DateTime
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row(t, head, "ACTIVE", "LOGINS", "SIGNED UP", "PEAK ONLINE", "AT ("+zone.String()+")")
	for _, r := range u.Usage {
		at := ""
		if r.PeakAt != nil {
			at = r.PeakAt.In(zone).Format(format)
		}
		row(t, r.Day+r.Month, r.Active, r.Logins, r.SignedUp, r.PeakOnline, at)
	}
	return t.Flush()
}
