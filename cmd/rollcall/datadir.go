package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"rollcall.example/internal/admin"
	"rollcall.example/internal/store/sqlite"
)

// dataDir is the flag that names a data directory.
type dataDir struct {
	Dir string `default:"data" env:"ROLLCALL_DIR" placeholder:"DIR" help:"The data directory (default: data)."`
}

// answerWithin is how long an operator waits for a server that does not answer.
const answerWithin = 30 * time.Second

// operate opens the directory to an operator: through its server if one runs,
// or its store.
func (d dataDir) operate(ctx context.Context, do func(context.Context, admin.Operator) error) error {
	if err := initialised(d.Dir); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	o, done, err := admin.Open(ctx, d.Dir)
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, o), done())
}

// initialised tells what to do if a directory is no data directory.
func initialised(dir string) error {
	_, err := os.Stat(filepath.Join(dir, sqlite.File))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s is no data directory: make one with `rollcall init --dir %s`, or name another with --dir", dir, dir)
	}
	return err
}
