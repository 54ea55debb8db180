package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/plain"
)

// explainCmd says why a device was signed out.
type explainCmd struct {
	aboutAccount
	Device string `xor:"what" placeholder:"ID" help:"Only this device, by its id or its name."`
	At     string `xor:"what" placeholder:"TIME" help:"Say who was logged in at this moment: a time as 2026-11-23T14:03:05Z or 2026-11-23 14:03, or how long ago, as 90m."`
	Zone   string `default:"UTC" placeholder:"NAME" help:"The time zone of what is read and printed, as Asia/Shanghai (default: UTC)."`
}

// Help is the long help.
func (*explainCmd) Help() string {
	return `
Says in sentences, to be read to a user, where the account is logged in now and, for each device, why its last session ended: who took its place and by which rule, whether it was connected then, and whether it knows by now. Lines marked "For support only" name operators.

With --at it says who was logged in at a moment, from the account's history.

Examples:

    rollcall explain alice
    rollcall explain alice --device "Ann's phone"
    rollcall explain alice --at "2026-11-23 14:03" --zone Europe/Berlin
    rollcall explain alice --at 90m
`
}

// Run says it.
func (c *explainCmd) Run(ctx context.Context, s *streams) error {
	zone, known := plain.Zone(c.Zone)
	if !known {
		return imcode.InvalidParameters.Errorf("unknown time zone %q: want an IANA name, as Asia/Shanghai", c.Zone)
	}
	q := admin.Question{Device: c.Device, Zone: c.Zone}
	if c.At != "" {
		at, err := moment(c.At, zone, time.Now())
		if err != nil {
			return err
		}
		q.At = at
	}
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, a rollcall.Account) error {
		text, err := o.Explain(ctx, a, q)
		fmt.Fprint(s.out, text)
		return err
	})
}

// moment reads a time as people write it, or how long ago it was. A second is read
// as its end, so that a time that a history shows is not before its event.
func moment(text string, zone *time.Location, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{
		time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", time.DateOnly,
	} {
		t, err := time.ParseInLocation(layout, text, zone)
		if err != nil {
			continue
		}
		second := strings.Contains(layout, ":05") && t.Nanosecond() == 0
		switch end := t.Add(time.Second - time.Millisecond); {
		case second && end.Before(now):
			return end, nil
		case second && t.Before(now):
			return now, nil
		}
		return t, nil
	}
	return time.Time{}, imcode.InvalidParameters.Errorf("--at %q: want a time as 2026-11-23T14:03:05Z, 2026-11-23 14:03 or 2026-11-23, or how long ago, as 90m", text)
}
