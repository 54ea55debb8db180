package main

import (
	"context"
	"errors"

	"rollcall.example"
	"rollcall.example/internal/bench"
)

// benchSDK measures the start of an app.
type benchSDK struct {
	Rounds        count  `default:"3" placeholder:"N" help:"Rounds of ten starts of each kind, 1 to 99 (default: 3)."`
	Conversations int    `default:"1000" placeholder:"N" help:"Conversations in the cache, 1 to 10,000 (default: 1000)."`
	Messages      int    `default:"100000" placeholder:"N" help:"Messages in all of them, up to 1,000,000, and one for each at least (default: 100000)."`
	Dir           string `type:"existingdir" placeholder:"DIR" help:"Where to put the data directories, which are removed at the end (default: a temporary place that is on a disk)."`
	told
}

// Help is the long help.
func (*benchSDK) Help() string {
	return `
Measures how soon an app that starts has its list of conversations from the SDK's cache, while its server cannot be reached: from the start of a process until it has said how many there are, with the cache's file in the system's memory and without it; and from the opening of a client in a process that goes on. Beside it, a process of the same program that says a word and ends: so much of it is the program's own start.

The cache is made as an app makes it: a server's store is filled, a client logs in and reads all of it. That takes some seconds.

Examples:

    rollcall bench sdk
    rollcall bench sdk --conversations 5000 --messages 500000 --rounds 5 --json
`
}

// Validate refuses what is out of bounds.
func (c *benchSDK) Validate() error {
	err := errors.Join(within("--rounds", int(c.Rounds), 1, 99), within("--conversations", c.Conversations, 1, 10_000))
	if err == nil {
		err = within("--messages", c.Messages, c.Conversations, 1_000_000)
	}
	return err
}

// Run measures.
func (c *benchSDK) Run(ctx context.Context, s *streams) error {
	o := c.told.options(s)
	o.Rounds, o.Dir = int(c.Rounds), c.Dir
	r, err := bench.SDK(ctx, bench.SDKOptions{Options: o, Conversations: c.Conversations, Messages: c.Messages})
	return c.print(s, r, err)
}

// benchStart is an app that starts, and says how many conversations it shows. Without
// a directory it shows none.
type benchStart struct {
	Dir     string          `help:"The SDK's data directory."`
	Server  string          `help:"The server."`
	User    rollcall.UserID `help:"Who logs in."`
	UserSig string          `name:"usersig" env:"ROLLCALL_USERSIG" help:"With it."`
}

// Run starts.
func (b *benchStart) Run(ctx context.Context, s *streams) error {
	if b.Dir == "" {
		return printLine(s.out, struct{}{})
	}
	_, err := bench.StartApp(ctx, b.Dir, b.Server, b.User, b.UserSig, func(n int) error {
		return printLine(s.out, map[string]int{"conversations": n})
	})
	return err
}
