package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/plain"
)

// historyCmd prints what happened to an account.
type historyCmd struct {
	aboutAccount
	Limit int  `default:"50" placeholder:"N" help:"How many of the latest rows (default: 50)."`
	JSON  bool `name:"json" help:"Print each row as a line of JSON, for programs."`
}

// Help is the long help.
func (*historyCmd) Help() string {
	return `
Prints the latest rows of an account's history, the newest last: logins, returns, connections lost, logouts, kicks with by whom and by which rule, ends of UserSigs, refused logins, and the acts of operators. Connections that come and go within a minute share rows, and equal refusals within ten minutes.

Rows are kept for as long as the app says (history_days).

Examples:

    rollcall history alice
    rollcall history alice --limit 1000 --json
`
}

// Validate refuses what can only be a slip.
func (c *historyCmd) Validate() error {
	if c.Limit < 1 {
		return fmt.Errorf("--limit %d: want at least 1", c.Limit)
	}
	return nil
}

// Run prints it.
func (c *historyCmd) Run(ctx context.Context, s *streams) error {
	return c.ask(ctx, s, func(ctx context.Context, o *admin.Client, a rollcall.Account) error {
		var all []admin.Event
		for before := int64(0); len(all) < c.Limit; {
			page := min(c.Limit-len(all), admin.MaxHistory)
			rows, err := o.History(ctx, a, before, page)
			if err != nil {
				return err
			}
			all = append(all, rows...)
			if len(rows) < page {
				break
			}
			before = rows[len(rows)-1].Row
		}
		for _, e := range slices.Backward(all) {
			if err := printEvent(s.out, e, c.JSON); err != nil {
				return err
			}
		}
		if len(all) == 0 {
			fmt.Fprintln(s.err, "its history is empty: all rows were older than the app keeps them")
		}
		return nil
	})
}

// printEvent prints one row of a history.
func printEvent(w io.Writer, e admin.Event, asJSON bool) error {
	if asJSON {
		return printLine(w, e)
	}
	line := fmt.Sprintf("%s  %-16s  %s", stamp(e.Time), e.Event, happened(e))
	_, err := fmt.Fprintln(w, plain.Line(strings.TrimRight(line, " ")))
	return err
}

// happened says what goes with an event.
func happened(e admin.Event) string {
	var words []string
	add := func(ok bool, format string, args ...any) {
		if ok {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(e.Session != 0, "session %d", e.Session)
	if e.Platform != nil {
		add(true, "%s (%s)", called(e.DeviceName, e.Device), *e.Platform)
	}
	add(e.Address != "", "from %s", e.Address)
	if e.Code != 0 {
		meaning, _ := imcode.Lookup(int(e.Code))
		add(true, "%d %s", int(e.Code), meaning.Meaning)
	}
	add(e.Reason != "", "%s", e.Reason)
	if b := e.By; b != nil {
		if b.Platform != nil {
			add(true, "by session %d on %s (%s)", b.Session, called(b.DeviceName, "a device without a name"), *b.Platform)
		}
		add(b.Limit > 0, "%s of %d", b.Rule, b.Limit)
		add(b.Limit == 0 && b.Rule != "", "%s", b.Rule)
		add(b.Operator != "", "by operator %q", b.Operator)
	}
	if e.Connected != nil {
		add(true, "%s", map[bool]string{true: "it was connected", false: "it was away"}[*e.Connected])
	}
	if e.Last != nil {
		add(true, "%d times until %s", e.Count, stamp(*e.Last))
	}
	return strings.Join(words, ", ")
}
