package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"rollcall.example"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/config"
	"rollcall.example/internal/store/sqlite"
)

// initCmd makes a data directory.
type initCmd struct {
	dataDir
	App  rollcall.AppID `default:"1400000000" placeholder:"N" help:"SDKAppID of the first app (default: 1400000000)."`
	Name string         `help:"Name of the first app, for people."`
	JSON bool           `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*initCmd) Help() string {
	return `
Makes the data directory: a configuration, a store, and a first app with a secret key drawn for it, and a token for operators. Key and token are printed this once. A directory that is one already is left alone. It becomes mode 0700, unless it holds other things.

Examples:

    rollcall init
    rollcall init --dir /var/lib/rollcall --app 1400000000 --name Chat
`
}

// Validate refuses what would leave half a data directory behind.
func (c *initCmd) Validate() error {
	return apps.CheckName(c.Name)
}

// Run makes it.
func (c *initCmd) Run(ctx context.Context, s *streams) error {
	for _, name := range []string{sqlite.File, config.FileName} {
		switch _, err := os.Lstat(filepath.Join(c.Dir, name)); {
		case err == nil:
			return fmt.Errorf("%s is a data directory already: it has %s; name another with --dir", c.Dir, name)
		case !errors.Is(err, os.ErrNotExist):
			return unusable(c.Dir, err)
		}
	}
	master, err := masterKey()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if err := closeToOthers(c.Dir); err != nil {
		fmt.Fprintf(s.err, "warning: other users of this machine can look into the data directory, though not into its files: %v\n", err)
	}
	key, token, err := c.fill(ctx, master)
	if err != nil {
		return err
	}
	file := filepath.Join(c.Dir, config.FileName)
	if err := os.WriteFile(file, []byte(config.File), 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	if c.JSON {
		return printJSON(s.out, map[string]any{"dir": c.Dir, "config": file, "app": c.App, "key": key, "admin_token": token})
	}
	fmt.Fprintf(s.out, `%[1]s is a data directory now, with %[2]s and app %[3]d.

This is the app's secret key. It makes tickets for every account, and is shown
only now: keep it where your business server can read it, and nowhere else.

  export ROLLCALL_KEY=%[4]s

And this is the token with which operators reach the server over TCP. It may do
everything, and is shown only now:

  export ROLLCALL_ADMIN_TOKEN=%[6]s

Next, a server; and in a second terminal%[7]s, with the key there too, a login:

  %[5]s serve --dir %[1]s
  %[5]s login --app %[3]d --user alice
`, c.Dir, config.FileName, c.App, key, program(), token, here())
	return nil
}

// closeToOthers makes a directory its owner's alone that was there before. One that
// others may use for something else is left as it is.
func closeToOthers(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 || runtime.GOOS == "windows" { // where the mode says nothing
		return err
	}
	switch inside, err := os.ReadDir(dir); {
	case err != nil:
		return err
	case len(inside) > 0:
		return fmt.Errorf("it holds other things already; if they are yours alone, chmod 700 %s", dir)
	}
	return os.Chmod(dir, 0o700) //nolint:gosec // a directory has to be entered
}

// fill makes the store, with the app and the operators' token in it.
func (c *initCmd) fill(ctx context.Context, master apps.MasterKey) (key, token string, err error) {
	o, free, err := admin.Open(ctx, c.Dir, func() (apps.Options, error) { return apps.Options{MasterKey: master}, nil })
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, free()) }()
	if key, err = o.AddApp(ctx, c.App, c.Name, ""); err != nil {
		return "", "", fmt.Errorf("add the first app: %w", err)
	}
	if token, err = o.RenewToken(ctx); err != nil {
		return "", "", fmt.Errorf("make the operators' token: %w", err)
	}
	return key, token, nil
}
