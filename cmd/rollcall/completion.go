package main

import kongcompletion "github.com/jotaen/kong-completion"

// completionCmd prints what turns on tab completion.
type completionCmd struct{ kongcompletion.Completion }

// Help is the long help.
func (*completionCmd) Help() string {
	return `
Prints the line that turns on tab completion in this terminal. Added to your shell's start file, it does so in every new one. The shell is bash, zsh or fish; without one, that of your login.

Examples:

    rollcall completion
    rollcall completion zsh
`
}
