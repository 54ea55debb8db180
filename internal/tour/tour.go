// Package tour narrates a few of the scenarios in package conformance as they
// are played: with a real server in this process and real clients, over real
// TCP, in real time. Nothing is simulated but the cable that is pulled.
package tour

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"rollcall.example/conformance"
	"rollcall.example/internal/stage"
	"rollcall.example/server"
)

// file is where the scenarios stand that the tour tells, all of them.
const file = "tour.txt"

// Run tells the tour to n and returns nil if every event was the expected one.
// It takes about a quarter of a minute.
func Run(ctx context.Context, n *Narrator) error {
	all, err := conformance.Scenarios()
	if err != nil {
		return err
	}
	return run(ctx, n, slices.DeleteFunc(all, func(s conformance.Scenario) bool { return s.File != file }))
}

func run(ctx context.Context, n *Narrator, stories []conformance.Scenario) error {
	dir, err := os.MkdirTemp("", "rollcall-tour-")
	if err != nil {
		return fmt.Errorf("make a directory for the tour: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system clears its temporary directory itself
	began := time.Now()
	n.welcome(len(stories))
	for i, s := range stories {
		n.title(i+1, s)
		if err := tell(ctx, n, filepath.Join(dir, strconv.Itoa(i)), s); err != nil {
			n.wrong(err)
			return fmt.Errorf("story %d, %q, did not go as expected: %w", i+1, s.Title, err)
		}
	}
	n.farewell(len(stories), time.Since(began))
	return nil
}

// tell plays one scenario on a server of its own.
func tell(ctx context.Context, n *Narrator, dir string, s conformance.Scenario) (err error) {
	st, err := stage.Open(dir, stage.Options{TCP: true, Server: server.Config{DrainSpread: time.Millisecond}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	p := &conformance.Player{Face: conformance.Go{}, Stage: st, Began: n.began, Done: n.done, Heard: n.heard, Told: n.told}
	return p.Play(ctx, s)
}
