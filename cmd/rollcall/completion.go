package main

import (
	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
)

// completionCmd prints what turns on tab completion.
type completionCmd struct {
	Shell string `arg:"" optional:"" enum:"bash,zsh,fish," default:"" help:"bash, zsh or fish; without one, that of your login, with a word on what to do."`
	Code  bool   `short:"c" help:"Print the shell's code alone, also without a shell."`
}

// Help is the long help.
func (*completionCmd) Help() string {
	return `
Prints code for a shell that turns on tab completion. Put the line of your shell into its start file, and every new terminal has it. Without a shell it says which line that is.

Examples:

    source <(rollcall completion bash)
    source <(rollcall completion zsh)
    rollcall completion fish | source
    rollcall completion
`
}

// Run prints it.
func (c *completionCmd) Run(line *kong.Context) error {
	return (&kongcompletion.Completion{Shell: c.Shell, Code: c.Code || c.Shell != ""}).Run(line)
}
