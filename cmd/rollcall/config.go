package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rollcall.example/internal/config"
)

// configCmd is about configuration files.
type configCmd struct {
	Check   configCheck   `cmd:"" help:"Check a configuration, of file and environment: every mistake, with its line."`
	Default configDefault `cmd:"" help:"Print the default configuration, with a comment on every key."`
}

// configCheck checks a file.
type configCheck struct {
	File string `arg:"" optional:"" help:"The file; without one, that of the data directory."`
	dataDir
}

// Help is the long help.
func (*configCheck) Help() string {
	return `
Exits 0 if a server would take the file, with what the environment sets over it, or else 1, with every mistake: the line, or the variable. Certificates and directories that are named are not opened.

Examples:

    rollcall config check rollcall.toml
    rollcall config check --dir data
    env -i "$(command -v rollcall)" config check rollcall.toml    # for another machine
`
}

// Run checks it.
func (c *configCheck) Run(s *streams) error {
	if c.File == "" {
		c.File = filepath.Join(c.Dir, config.FileName)
		if _, err := os.Stat(c.File); errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("there is no %s: name the file, or its directory with --dir; `rollcall init` makes one", c.File)
		}
	}
	_, err := config.Load(c.File, os.Environ())
	_, wrong := masterKey()
	if err := errors.Join(err, wrong); err != nil {
		return err
	}
	over := ""
	if set := config.Variables(os.Environ()); len(set) > 0 {
		over = ", with " + strings.Join(set, ", ") + " over it"
	}
	fmt.Fprintf(s.out, "%s is fine%s\n", c.File, over)
	return nil
}

// configDefault prints the default file.
type configDefault struct{}

// Help is the long help.
func (*configDefault) Help() string {
	return `
Examples:

    rollcall config default >rollcall.toml
`
}

// Run prints it.
func (*configDefault) Run(s *streams) error {
	fmt.Fprint(s.out, config.File)
	return nil
}
