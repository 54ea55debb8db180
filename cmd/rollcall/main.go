// Rollcall is the command: it runs a server, administers it, and lets a person
// with a terminal log in and watch.
//
//	rollcall tour           see it work, in a quarter of a minute
//	rollcall dev            try it out: a server, accounts, tickets
//	rollcall init           make a data directory with a first app
//	rollcall serve          run a server on it
//	rollcall app            add apps, change their policy, settings and keys
//	rollcall admin          change the operators' token
//	rollcall sessions       where an account is logged in
//	rollcall kick           end sessions
//	rollcall account        disable, enable and delete accounts
//	rollcall history        what happened to an account
//	rollcall explain        why a device was signed out
//	rollcall watch          what happens to an account, live
//	rollcall check          whether all that is stored is sound
//	rollcall backup         a backup of it, while the server runs or not
//	rollcall restore        go back to one
//	rollcall usage          how many accounts were active
//	rollcall usersig        make, check and explain tickets
//	rollcall login          hold a session open and print what happens to it
//	rollcall chat           talk, on a terminal or in a pipe
//	rollcall bench          measure it, beside what it cannot beat
//	rollcall code 6206      explain a code
//
// Each subcommand is a struct: its flags, its help and its Run. Exit status 0 is
// success, 1 an error, 2 a command line that cannot be understood. The manual is
// docs/cli.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"

	"rollcall.example/imcode"
)

// commands are the subcommands, in the order of the help.
type commands struct {
	Tour     tourCmd     `cmd:"" help:"See it work: short stories with a real server, told as they happen."`
	Dev      devCmd      `cmd:"" help:"Try Rollcall out: a server, accounts and tickets, with nothing to configure."`
	Init     initCmd     `cmd:"" help:"Make a data directory with a configuration and a first app."`
	Serve    serveCmd    `cmd:"" help:"Run a server on a data directory."`
	Config   configCmd   `cmd:"" help:"Check a configuration, or print the default one."`
	App      appCmd      `cmd:"" help:"Add apps, change their login policy, settings and keys; with the server running or not."`
	Admin    adminCmd    `cmd:"" help:"Change the token with which operators reach the server over TCP."`
	Sessions sessionsCmd `cmd:"" help:"Show where an account is logged in."`
	Kick     kickCmd     `cmd:"" help:"End sessions of an account."`
	Account  accountCmd  `cmd:"" help:"Disable, enable and delete accounts."`
	History  historyCmd  `cmd:"" help:"Print what happened to an account."`
	Explain  explainCmd  `cmd:"" help:"Say why a device was signed out, or who was logged in at a moment."`
	Watch    watchCmd    `cmd:"" help:"Print what happens to an account, as it happens."`
	Check    checkCmd    `cmd:"" help:"Read all that is stored, and find what is damaged."`
	Backup   backupCmd   `cmd:"" help:"Make a backup of all that is stored, with the server running or not."`
	Restore  restoreCmd  `cmd:"" help:"Make a backup the store of a data directory."`
	Usage    usageCmd    `cmd:"" help:"Say how many accounts were active, and how many online at once, by day or month."`
	UserSig  userSigCmd  `cmd:"" name:"usersig" help:"Make, check and explain UserSigs, the tickets accounts log in with."`
	Login    loginCmd    `cmd:"" help:"Log in, hold the session open, and print what happens to it."`
	Chat     chatCmd     `cmd:"" help:"Talk: a chat on a terminal, or lines in a pipe."`
	Bench    benchCmd    `cmd:"" help:"Measure Rollcall beside what it cannot beat."`
	Code     codeCmd     `cmd:"" help:"Explain a code, by its number or symbol."`
	Version  versionCmd  `cmd:"" help:"Print the version."`

	Completion completionCmd `cmd:"" help:"Print what turns on tab completion in your shell."`

	VersionFlag kong.VersionFlag `name:"version" hidden:"" help:"As rollcall version."`
}

// streams are where a subcommand reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	out := &output{File: os.Stdout}
	std := &streams{os.Stdin, shown{out}, shown{os.Stderr}}
	parser := kong.Must(new(commands),
		kong.Name("rollcall"),
		kong.Description("Who is logged in where: a server for the logins of a chat application."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Writers(out, os.Stderr), kong.Exit(func(code int) { os.Exit(out.status(std.err, code)) }),
		kong.Bind(std), kong.BindFor(ctx),
		kong.Vars{"version": thisVersion().String()},
	)
	kongcompletion.Register(parser)
	line, err := parser.Parse(asked(os.Args[1:]))
	if out.caused(err) {
		return out.status(std.err, 1)
	}
	if err != nil {
		parser.Stdout = os.Stderr
		return misunderstood(std.err, err)
	}
	err = line.Run()
	if wrong, ok := errors.AsType[slip](err); ok {
		fmt.Fprintf(std.err, "rollcall: %s\n%s", slipped(wrong.error), helpOf(line))
		return 2
	}
	if err != nil && !out.caused(err) {
		fmt.Fprintf(std.err, "rollcall: %v\n%s", err, advice(err))
	}
	if err != nil {
		return out.status(std.err, 1)
	}
	return out.status(std.err, 0)
}

// asked reads "help usersig new" as "usersig new --help".
func asked(args []string) []string {
	if len(args) > 0 && args[0] == "help" {
		return append(slices.Clone(args[1:]), "--help")
	}
	return args
}

// A slip is a value in a command line that cannot be, which only its command could
// see. Nothing has been done.
type slip struct{ error }

func (s slip) Unwrap() error { return s.error }

// slipOf makes an error a slip.
func slipOf(err error) error {
	if err == nil {
		return nil
	}
	return slip{err}
}

// slipped is what an error says: where it carries a code, the detail with the code
// behind it, for nothing was asked of Rollcall that it could have answered.
func slipped(err error) string {
	text := err.Error()
	if coded, ok := errors.AsType[*imcode.Error](err); ok {
		text = strings.Replace(text, coded.Error(), fmt.Sprintf("%s (%d)", coded.Detail, coded.Code), 1)
	}
	return belowZero.ReplaceAllString(text, "$1: $2 is below zero, which it cannot be")
}

// belowZero is what the parser says of a number below zero: that it looks like a flag.
var belowZero = regexp.MustCompile(`^(--[a-z-]+): expected .* value but got "(-[0-9][^"]*)" \(short flag\).*$`)

// misunderstood says what is wrong with a command line, or, where it ends before its
// command, which there are. It returns the exit status.
func misunderstood(stderr io.Writer, err error) int {
	if p, ok := errors.AsType[*kong.ParseError](err); ok && cutShort(p.Context) {
		if err := p.Context.PrintUsage(false); err == nil {
			return 2
		}
	}
	fmt.Fprintf(stderr, "rollcall: %s\n%s", slipped(err), understood(err))
	return 2
}

// cutShort tells whether a command line has no mistake but that a command is missing in
// the end.
func cutShort(line *kong.Context) bool {
	node := line.Path[len(line.Path)-1].Node()
	return line.Error == nil && node != nil && len(node.Children) > 0
}

// understood points to the help of as much of the command line as was
// understood.
func understood(err error) string {
	if p, ok := errors.AsType[*kong.ParseError](err); ok {
		return helpOf(p.Context)
	}
	return "Help: rollcall --help\n"
}

// helpOf points to the help of a command.
func helpOf(line *kong.Context) string {
	words := []string{"rollcall"}
	for _, step := range line.Path {
		if step.Command != nil {
			words = append(words, step.Command.Name)
		}
	}
	return "Help: " + strings.Join(words, " ") + " --help\n"
}

// advice says what to do about an error that carries a code.
func advice(err error) string {
	code, ok := errors.AsType[imcode.Code](err)
	if !ok {
		return ""
	}
	entry, ok := imcode.Lookup(int(code))
	if !ok {
		return ""
	}
	return fmt.Sprintf("  meaning: %s\n  to do:   %s\n", entry.Meaning, entry.Advice)
}
