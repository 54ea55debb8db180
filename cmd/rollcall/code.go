package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"rollcall.example/imcode"
)

// codeCmd explains a code, or lists all.
type codeCmd struct {
	Code string `arg:"" optional:"" help:"Number or symbol; without one, all are listed."`
	JSON bool   `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*codeCmd) Help() string {
	return `
Says what a code means, what to do about it, and who makes it.

Examples:

    rollcall code 6206
    rollcall code ERR_USER_SIG_EXPIRED --json
    rollcall code
`
}

// Run prints it.
func (c *codeCmd) Run(s *streams) error {
	if c.Code == "" {
		return listCodes(s.out, c.JSON)
	}
	e, err := findCode(c.Code)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, e)
	}
	fmt.Fprintf(s.out, "%s\n  meaning: %s\n  to do:   %s\n  made by: %s\n",
		strings.TrimSpace(strconv.Itoa(int(e.Code))+" "+e.Symbol), e.Meaning, e.Advice, e.By)
	return nil
}

func findCode(text string) (imcode.Entry, error) {
	if n, err := strconv.Atoi(text); err == nil {
		if e, ok := imcode.Lookup(n); ok {
			return e, nil
		}
	} else {
		for e := range imcode.All() {
			if strings.EqualFold(e.Symbol, text) {
				return e, nil
			}
		}
	}
	return imcode.Entry{}, errors.New("there is no code " + strconv.Quote(text) + ": `rollcall code` lists all")
}

func listCodes(w io.Writer, asJSON bool) error {
	if asJSON {
		return printJSON(w, slices.Collect(imcode.All()))
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for e := range imcode.All() {
		fmt.Fprintf(t, "%d\t%s\t%s\n", e.Code, e.Symbol, e.Meaning)
	}
	return t.Flush()
}
