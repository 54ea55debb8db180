package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"rollcall.example/internal/admin"
	"rollcall.example/internal/plain"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
)

// checkCmd reads all that is stored.
type checkCmd struct {
	operator
	File string `arg:"" optional:"" type:"path" help:"A backup to read, in the place of the server's store."`
	JSON bool   `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*checkCmd) Help() string {
	return `
Reads all that the server has stored and finds what is not as it was written: a bit that flipped in a row, a row that is missing, a file that is no database any more. With the server running or stopped; a running one goes on meanwhile, and its log (rollcall.db-wal) grows by what is written. It changes nothing.

The server itself looks at each row that it reads, and never answers with one that is damaged (70500). This command reads those, too, that nobody asks for.

Exit status 0: all is sound. 1: something is damaged, or could not be read to the end. What to do then is in docs/operations.md.

Examples:

    rollcall check
    rollcall check --dir /var/lib/rollcall --json
    rollcall check /backups/rollcall-monday.db
`
}

// Run checks.
func (c *checkCmd) Run(ctx context.Context, s *streams) error {
	what, r, err := c.check(ctx, teller(s.err))
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(s.out, struct {
			Sound bool `json:"sound"`
			store.Report
		}{r.Sound(), r})
	} else {
		err = printReport(s.out, r)
	}
	return errors.Join(err, unsound(what, r))
}

func (c *checkCmd) check(ctx context.Context, tell func(store.Progress)) (what string, r store.Report, err error) {
	switch {
	case c.File != "":
		r, err = sqlite.CheckBackup(ctx, c.File, tell)
		return c.File, r, err
	case c.Server != "":
		o, err := admin.Remote(c.Server, os.Getenv("ROLLCALL_ADMIN_TOKEN"))
		if err != nil {
			return "", r, slipOf(err)
		}
		r, err = o.Check(ctx, tell)
		return c.Server, r, err
	}
	if err := initialised(c.Dir); err != nil {
		return "", r, err
	}
	whole, err := admin.OpenWhole(ctx, c.Dir)
	if err == nil {
		r, err = whole.Check(ctx, tell)
	}
	return c.Dir, r, err
}

// unsound is an error if a report has found damage.
func unsound(what string, r store.Report) error {
	if r.Sound() {
		return nil
	}
	return fmt.Errorf("%s is damaged: %s found; docs/operations.md says what to do", what, plain.Count(r.Count, "damage"))
}

// teller prints how far a long run is.
func teller(w io.Writer) func(store.Progress) {
	return func(p store.Progress) {
		switch {
		case p.All > 0:
			fmt.Fprintf(w, "%s: %s of %s\n", p.Part, size(p.Done), size(p.All))
		case p.Done > 0:
			fmt.Fprintf(w, "%s: %d\n", p.Part, p.Done)
		default:
			fmt.Fprintf(w, "%s ...\n", p.Part)
		}
	}
}

// size is a number of bytes for people.
func size(bytes int64) string {
	const kilo = 1024
	switch {
	case bytes >= 10*kilo*kilo*kilo:
		return fmt.Sprintf("%d GB", bytes/kilo/kilo/kilo)
	case bytes >= 10*kilo*kilo:
		return fmt.Sprintf("%d MB", bytes/kilo/kilo)
	}
	return fmt.Sprintf("%d KB", (bytes+kilo-1)/kilo)
}

// keeps is what lies in each table, for those who read a report.
var keeps = map[string]string{
	"app":          "apps, with their settings",
	"app_key":      "keys of apps",
	"setting":      "settings of the server, as the operators' token",
	"usage":        "counts of a day or a month: rollcall usage",
	"account":      "accounts",
	"session":      "sessions, connected or away",
	"kick":         "ends of sessions that their devices have not heard of yet",
	"try":          "the number that each device has given its latest try to log in",
	"history":      "what happened to accounts: rollcall history",
	"talker":       "accounts that have conversations",
	"conversation": "conversations",
	"alteration":   "messages that were recalled or deleted, for devices that were away",
	"deletion":     "messages that a side has deleted, to be passed over",
	"message":      "messages",
}

// printReport prints what a check has found.
func printReport(w io.Writer, r store.Report) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	var rows, unsummed int64
	for _, table := range r.Tables {
		row(t, table.Name, table.Rows, keeps[table.Name])
		rows, unsummed = rows+table.Rows, unsummed+table.Unsummed
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, found := range r.Damages {
		fmt.Fprintf(w, "damaged: %s: %s\n", plain.Line(found.Where), plain.Line(found.What))
	}
	if more := r.Count - len(r.Damages); more > 0 {
		fmt.Fprintf(w, "and %s more\n", plain.Count(more, "damage"))
	}
	switch {
	case r.Old:
		fmt.Fprintf(w, "it is of an older version, %d, whose rows only the server that migrates it can look at\n", r.Schema)
	case unsummed > 0:
		fmt.Fprintf(w, "%s of an older version have no sum yet: a bit that flips in them is not found. A running server gives them one, little by little\n", plain.Count(int(unsummed), "row"))
	}
	if r.Sound() {
		fmt.Fprintf(w, "sound: %s, %s\n", plain.Count(int(rows), "row"), size(r.Bytes))
	}
	return nil
}
