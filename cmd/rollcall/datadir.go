package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"rollcall.example/internal/admin"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/config"
	"rollcall.example/internal/store/sqlite"
)

// dataDir is the flag that names a data directory.
type dataDir struct {
	Dir string `default:"data" env:"ROLLCALL_DIR" placeholder:"DIR" help:"The data directory (default: data)."`
}

// defaultDir is the data directory of who names none.
const defaultDir = "data"

// AfterApply takes an empty variable for none.
func (d *dataDir) AfterApply(line *kong.Context) error {
	if d.Dir == "" && inLine(line, "dir") {
		return errors.New("--dir is empty: want a directory")
	}
	d.Dir = cmp.Or(d.Dir, defaultDir)
	return nil
}

// answerWithin is how long an operator waits for a server that does not answer.
const answerWithin = 30 * time.Second

// An operator is the flags of the commands for operators: which server they are
// about. The token has no flag: others on the machine can list command lines.
type operator struct {
	dataDir
	Server string `env:"ROLLCALL_ADMIN" placeholder:"URL" help:"A running server's admin address, as http://127.0.0.1:7402, in place of the data directory. The token is read from ROLLCALL_ADMIN_TOKEN."`
}

// AfterApply lets a flag that was given win over the environment: who names a
// directory means it, and not the server that ROLLCALL_ADMIN names. A variable that is
// misspelt is refused: without ROLLCALL_ADMIN the command would be about another server.
func (o *operator) AfterApply(line *kong.Context) error {
	if err := errors.Join(o.dataDir.AfterApply(line), config.Unknown(os.Environ())); err != nil {
		return err
	}
	switch {
	case !inLine(line, "dir"):
	case inLine(line, "server"):
		return errors.New("--dir and --server both name a server: want one of them")
	default:
		o.Server = ""
	}
	return nil
}

// A hereDir is the flag of the commands that work on a data directory alone, and never
// through an admin address.
type hereDir struct{ dataDir }

// AfterApply refuses to choose a directory where ROLLCALL_ADMIN says that the commands
// are about a server, which may be another one than that directory's.
func (d *hereDir) AfterApply(line *kong.Context) error {
	if err := errors.Join(d.dataDir.AfterApply(line), config.Unknown(os.Environ())); err != nil {
		return err
	}
	if os.Getenv("ROLLCALL_ADMIN") == "" || inLine(line, "dir") {
		return nil
	}
	return errors.New("ROLLCALL_ADMIN names a server, and this works on a data directory, maybe of another: say which with --dir")
}

// inLine tells whether a flag stands in the command line.
func inLine(line *kong.Context, flag string) bool {
	return slices.ContainsFunc(line.Path, func(p *kong.Path) bool { return p.Flag != nil && p.Flag.Name == flag })
}

// operate is reach for what the server answers at once.
func (o operator) operate(ctx context.Context, s *streams, do func(context.Context, *admin.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	return o.reach(ctx, s, do)
}

// reach reaches the server at its admin address, if one is named; or else in its
// data directory, through the server if it runs there, or through its store.
func (o operator) reach(ctx context.Context, s *streams, do func(context.Context, *admin.Client) error) error {
	if o.Server != "" {
		c, err := admin.Remote(o.Server, os.Getenv("ROLLCALL_ADMIN_TOKEN"))
		if err != nil {
			return slipOf(err)
		}
		return do(ctx, c)
	}
	if err := initialised(o.Dir); err != nil {
		return err
	}
	c, free, err := admin.Open(ctx, o.Dir, func() (apps.Options, error) { return stopped(o.Dir, s) })
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, c), free())
}

// stopped is what the configuration of a server that does not run says about apps.
func stopped(dir string, s *streams) (apps.Options, error) {
	file := filepath.Join(dir, config.FileName)
	if _, err := os.Stat(file); os.IsNotExist(err) {
		file = ""
	}
	cfg, err := config.Load(file, os.Environ())
	master, wrong := masterKey()
	return apps.Options{
		MasterKey:       master,
		MaxWebInstances: int(cfg.Policy.MaxWebInstances), MaxInstances: int(cfg.Policy.MaxInstances),
		Log: logger(s.err, config.Log{Level: config.Level(slog.LevelError), Format: config.Text}),
	}, errors.Join(err, wrong)
}

// masterKey is the key that seals those of apps in the store, if there is one.
func masterKey() (apps.MasterKey, error) {
	const name = "ROLLCALL_MASTER_KEY"
	key, err := apps.ParseMasterKey(os.Getenv(name))
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return key, err
}

// initialised tells what to do if a directory is no data directory.
func initialised(dir string) error {
	_, err := os.Stat(filepath.Join(dir, sqlite.File))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Stat(filepath.Join(dir, sqlite.Staging)); err == nil {
			return fmt.Errorf("a restore into %s was not finished: repeat it, with --force if it says that the directory is not empty", dir)
		}
		return fmt.Errorf("%s is no data directory: make one with `rollcall init --dir %s`, or name another with --dir", dir, dir)
	}
	return unusable(dir, err)
}

// unusable says why a directory cannot be looked into.
func unusable(dir string, err error) error {
	info, wrong := os.Stat(dir)
	switch {
	case wrong == nil && !info.IsDir():
		return fmt.Errorf("%s is a file, not a directory: name another with --dir", dir)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w: it belongs to another user; be that one, as with sudo -u, or name another with --dir", err)
	}
	return fmt.Errorf("look into %s: %w", dir, err)
}
