package main

import (
	"context"
	"errors"

	"rollcall.example/internal/bench"
)

// benchMessage measures messages.
type benchMessage struct {
	benchFlags

	Pairs  counts `default:"64,512" placeholder:"N,..." help:"Pairs of accounts of which one writes to the other, 1 to 5,000; each number is measured (default: 64,512)."`
	Size   int    `default:"100" placeholder:"N" help:"Bytes of a message's text, 1 to 2,000 (default: 100)."`
	Rate   int    `default:"4000" placeholder:"N" help:"Messages in a second that are offered, by the least number of pairs, 1 to 100,000; 0: not measured (default: 4000)."`
	Stored int    `default:"1000000" placeholder:"N" help:"Messages in a store whose pages are read, 1,000 to 20,000,000; 0: not measured (default: 1000000)."`
}

// Help is the long help.
func (*benchMessage) Help() string {
	return `
Measures messages from when one is sent until the peer's connection has read it and the sender has its answer, each flushed to the disk before: with one message of each pair on its way, and at a rate, whether those before have come or not. In the same run, and in turns, a plain TCP server that checks one HMAC and hands the message on from memory (the floor), a bare WebSocket server that does the same, and Rollcall, each as its own process on this machine. Then a store is filled, which takes about a minute for a million messages, and pages are read of it: newest and old ones, alone and while messages are sent.

A connection may make 200 requests a second, so no pair sends a Rollcall more than 190: to measure what it takes at most, take 64 pairs or more.

Examples:

    rollcall bench message
    rollcall bench message --pairs 64 --rate 6000 --stored 0 --rounds 5
    rollcall bench message --pairs 64 --rate 0 --stored 0 --profile cpu.out
`
}

// Validate refuses what is out of bounds.
func (c *benchMessage) Validate() error {
	err := errors.Join(c.check(), c.Pairs.check("--pairs", 1, 5_000), within("--size", c.Size, 1, 2_000),
		within("--rate", c.Rate, 0, 100_000), storedWithin(c.Stored))
	if err == nil && c.Rate > mostOfAPair*c.Pairs.ascending()[0] {
		err = errors.New("--rate: want at most 150 for each pair, as a connection may ask 200 times a second")
	}
	return err
}

// storedWithin refuses a number of stored messages that is out of bounds.
func storedWithin(n int) error {
	if n == 0 {
		return nil
	}
	return within("--stored", n, 1_000, 20_000_000)
}

const mostOfAPair = 150 // messages in a second

// Run measures.
func (c *benchMessage) Run(ctx context.Context, s *streams) error {
	r, err := bench.Message(ctx, bench.MessageOptions{
		Options: c.options(s), Pairs: c.Pairs.ascending(), Size: c.Size, Rate: c.Rate, Stored: c.Stored,
	})
	return c.print(s, r, err)
}
