package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"rollcall.example/internal/tour"
)

// tourCmd shows what Rollcall does.
type tourCmd struct{}

// Help implements kong.HelpProvider.
func (*tourCmd) Help() string {
	return `Tells short stories with a real server and real clients over TCP on this
machine: a first login, a kick, a lost network, tickets that end, a change of
account, a logout, a restart. Prints each event as it happens. Ends by itself in
about ten seconds; exit status 0 only if every event was the expected one.

Colours on a terminal unless NO_COLOR is set.`
}

// Run tells the stories.
func (*tourCmd) Run(ctx context.Context, s *streams) error {
	if err := tour.Run(ctx, tour.NewNarrator(bare(s.out), colorful(s.out))); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.out, "Next: %s dev starts a server to try it on.\n", program())
	return err
}

// colorful tells whether whoever reads w may want colours: a terminal, unless
// NO_COLOR is set (https://no-color.org).
func colorful(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)
}
