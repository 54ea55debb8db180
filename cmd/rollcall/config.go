package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"rollcall.example/internal/config"
)

// configCmd is about configuration files.
type configCmd struct {
	Check   configCheck   `cmd:"" help:"Check a configuration file: every mistake, with its line."`
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
Exits 0 if the file has no mistake, or else 1, with every mistake and its line. The environment is left out, and the files that it names are not opened.

Examples:

    rollcall config check rollcall.toml
    rollcall config check --dir data
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
	if err := config.Check(c.File); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s is fine\n", c.File)
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
