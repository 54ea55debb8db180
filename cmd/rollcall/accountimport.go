package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"rollcall.example"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/plain"
)

// accountImport makes accounts known before their first login.
type accountImport struct {
	File string         `arg:"" placeholder:"FILE" help:"One account a line; - reads standard input."`
	App  rollcall.AppID `placeholder:"N" help:"The app's SDKAppID; not needed where there is only one app."`
	operator
	DryRun bool `help:"Only check the file."`
}

// Help is the long help.
func (*accountImport) Help() string {
	return `
Makes accounts known before their first login: nobody needs it, since a first login signs its account up, but for accounts that are to keep the day on which they signed up elsewhere, or that are to be disabled from the beginning.

A line is UserID,CREATED,disabled, of which the last two may be left out: CREATED is a time as 2021-03-04T05:06:07Z or a day as 2021-03-04, and disabled is the word. Empty lines and those that begin with # are passed over.

The file is checked whole before anything is imported: each line that is wrong is named, and nothing has happened then. Accounts that are there already stay as they are, so that an import that was interrupted is repeated. Logins go on meanwhile.

Examples:

    rollcall account import accounts.csv --dry-run
    rollcall account import accounts.csv
    printf 'alice\nbob,2021-03-04\ncarol,,disabled\n' | rollcall account import -
`
}

// Run does it.
func (c *accountImport) Run(ctx context.Context, s *streams) error {
	file, done, err := c.open(s.in)
	if err != nil {
		return err
	}
	defer done()
	total, err := checkImport(file, s.err)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", c.File, err)
	case c.DryRun:
		fmt.Fprintf(s.out, "%s could be imported\n", plain.Count(total, "account"))
		return nil
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read %s: %w", c.File, err)
	}
	return c.reach(ctx, s, func(ctx context.Context, o *admin.Client) error {
		app, err := theApp(ctx, o, c.App, "with --app")
		if err != nil {
			return err
		}
		added, err := importAll(ctx, o, app, file, total, s.err)
		fmt.Fprintf(s.out, "%s imported; %d of them were there already\n", plain.Count(total, "account"), total-added)
		return err
	})
}

// open is the file to read, twice.
func (c *accountImport) open(in io.Reader) (file *os.File, done func(), err error) {
	if c.File != "-" {
		if file, err = os.Open(c.File); err != nil {
			return nil, nil, err
		}
		return file, func() { _ = file.Close() }, nil
	}
	if file, err = os.CreateTemp("", "rollcall-import-*"); err != nil {
		return nil, nil, err
	}
	done = func() { _, _ = file.Close(), os.Remove(file.Name()) }
	if _, err = io.Copy(file, in); err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		done()
		return nil, nil, fmt.Errorf("keep standard input: %w", err)
	}
	return file, done, nil
}

// checkImport reads all of a file, names each line that is wrong, and counts the
// accounts.
func checkImport(file io.Reader, to io.Writer) (total int, err error) {
	wrong := 0
	err = eachImported(file, func(line int, a admin.NewAccount, mistake error) error {
		if total++; mistake != nil {
			wrong++
			fmt.Fprintf(to, "line %d: %v\n", line, mistake)
		}
		return nil
	})
	switch {
	case err != nil:
		return 0, err
	case wrong > 0:
		return 0, fmt.Errorf("%d of %s wrong: nothing was imported", wrong, plain.Count(total, "line"))
	case total == 0:
		return 0, errors.New("it holds no account")
	}
	return total, nil
}

// importAll imports a file that was checked, and says how far it is.
func importAll(ctx context.Context, o *admin.Client, app rollcall.AppID, file io.Reader, total int, to io.Writer) (added int, err error) {
	var page []admin.NewAccount
	done, last := 0, time.Now()
	send := func() error {
		if len(page) == 0 {
			return nil
		}
		x, err := o.Import(ctx, app, page)
		added, done, page = added+x.Added, done+len(page), page[:0]
		if err == nil && time.Since(last) >= time.Second {
			last = time.Now()
			fmt.Fprintf(to, "%d of %s\n", done, plain.Count(total, "account"))
		}
		return err
	}
	err = eachImported(file, func(line int, a admin.NewAccount, mistake error) error {
		if mistake != nil {
			return fmt.Errorf("the file has changed meanwhile: line %d: %w", line, mistake)
		}
		if page = append(page, a); len(page) == admin.MaxImport {
			return send()
		}
		return nil
	})
	return added, errors.Join(err, send())
}

// maxImportLine is more than any legal line has.
const maxImportLine = 256

// eachImported reads a file line by line.
func eachImported(file io.Reader, each func(line int, a admin.NewAccount, mistake error) error) error {
	r := bufio.NewReaderSize(file, 64<<10)
	for line := 1; ; line++ {
		text, err := importedLine(r)
		if errors.Is(err, io.EOF) && text == "" {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if len(text) <= maxImportLine && strings.TrimSpace(text) == "" || strings.HasPrefix(text, "#") {
			continue
		}
		a, mistake := readImported(text)
		if err := each(line, a, mistake); err != nil {
			return err
		}
	}
}

// importedLine reads up to the end of a line, and of one that is too long no more than
// shows that.
func importedLine(r *bufio.Reader) (string, error) {
	part, more, err := r.ReadLine()
	text := string(part[:min(len(part), maxImportLine+1)])
	for more && err == nil {
		_, more, err = r.ReadLine()
	}
	return strings.TrimRight(text, "\r"), err
}

// readImported reads one line.
func readImported(text string) (a admin.NewAccount, err error) {
	if len(text) > maxImportLine || !utf8.ValidString(text) {
		return a, fmt.Errorf("want UserID,CREATED,disabled in at most %d bytes of UTF-8", maxImportLine)
	}
	fields := strings.Split(text, ",")
	for len(fields) < 3 {
		fields = append(fields, "")
	}
	if len(fields) > 3 {
		return a, fmt.Errorf("%d fields: want UserID,CREATED,disabled", len(fields))
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	if a.User, err = rollcall.ParseUserID(fields[0]); err != nil {
		return a, err
	}
	if fields[1] != "" {
		at, err := time.Parse(time.RFC3339, fields[1])
		if err != nil {
			at, err = time.Parse(time.DateOnly, fields[1])
		}
		if err != nil || at.Year() < 1970 {
			return a, fmt.Errorf("created %q: want a time as 2021-03-04T05:06:07Z or a day as 2021-03-04, from 1970 on", fields[1])
		}
		a.Created = &at
	}
	switch fields[2] {
	case "":
	case "disabled":
		a.Disabled = true
	default:
		return a, fmt.Errorf("%q: want the word disabled, or nothing", fields[2])
	}
	return a, nil
}
