package chat

import (
	"context"
	"time"

	"rollcall.example/imcode"
	"rollcall.example/internal/talk"
)

// rowBytes is what a message takes on the disk beside its content, and what is kept of a
// deletion of messages.
const rowBytes = 256

// noRoomFor is how long who meets a disk without room for messages is told to wait: people
// have to make it.
const noRoomFor = 30 * time.Second

// growth is how many bytes an outcome adds to the disk that nothing else bounds: a new
// message, or a deletion, of which messages that are not kept any more stand any number.
// A recall is of a message, and once.
func growth(o talk.Outcome) int64 {
	switch {
	case o.Append:
		return rowBytes + int64(len(o.Message.Content))
	case o.Alteration != nil && !o.Alteration.Recalled:
		return rowBytes
	}
	return 0
}

// grow is a change by a rule whose outcome may add to the disk. 60018: the account has
// added as much as it may in a day; 70500: there is no room for it. What comes to nothing
// costs nothing.
func (c *Conversations) grow(ctx context.Context, q Request, need talk.Need, rule func(talk.Talk, present) talk.Outcome) error {
	own := q.Place.Account()
	taken := int64(0)
	giveBack := func() {
		c.budget.GiveBack(own, taken, time.Now())
		taken = 0
	}
	err := c.change(ctx, q, need, func(t talk.Talk, at present) talk.Outcome {
		giveBack() // what was taken when it ran before
		o := rule(t, at)
		bytes := growth(o)
		if bytes == 0 {
			return o
		}
		if c.opt.NoRoom() {
			return talk.Outcome{
				Talk: t, Code: imcode.Internal, RetryAfter: noRoomFor,
				Detail: "the server has too little room left for messages",
			}
		}
		wait, ok := c.budget.Take(own, bytes, time.Now())
		if !ok {
			return talk.Outcome{
				Talk: t, Code: imcode.TooManyRequests, RetryAfter: wait,
				Detail: "the account has sent as much as it may in a day",
			}
		}
		taken = bytes
		return o
	})
	if err != nil {
		giveBack()
	}
	return err
}
