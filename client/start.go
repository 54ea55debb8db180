package client

import "context"

// asideKey marks the context of what runs on a goroutine of the client's own: the
// answers that it waits for go past the queue, which Close may have stopped.
type asideKey struct{}

// Start calls f, which may call everything that waits, on a goroutine of its own,
// and done with what it returns: among the other callbacks, or on a goroutine of
// its own when the client is closed. The context ends with the client.
//
//	client.Start(c, func(ctx context.Context) (client.ConversationPage, error) {
//		return c.Conversations(ctx, client.ListOptions{Count: 100})
//	}, func(page client.ConversationPage, err error) { ... })
func Start[T any](c *Client, f func(context.Context) (T, error), done func(T, error)) {
	begun := c.engine.do(func() {
		c.engine.tasks.Go(func() {
			v, err := f(context.WithValue(c.engine.ctx, asideKey{}, true))
			c.queue.push(item{run: func() { done(v, err) }, result: true})
		})
	})
	if !begun {
		var none T
		go done(none, errClosed())
	}
}
