package terminal

import (
	"context"
	"errors"
	"strconv"

	"rollcall.example"
	"rollcall.example/client"
)

const (
	listCount  = 20
	mostListed = 1000 // conversations that are looked through
)

// conversations are the first of the list that keep says are wanted, at most count.
func (d *desk) conversations(ctx context.Context, count int, keep func(client.Conversation) bool) (all []client.Conversation, complete bool, err error) {
	for after, seen := int64(0), 0; seen < mostListed; {
		page, err := d.Client.Conversations(ctx, client.ListOptions{After: after, Count: 100})
		if err != nil {
			return nil, false, err
		}
		for _, c := range page.Conversations {
			if keep(c) && len(all) < count {
				all = append(all, c)
			}
		}
		after, seen, complete = page.Next, seen+len(page.Conversations), page.Complete
		if after == 0 || len(all) == count {
			break
		}
	}
	return all, complete, nil
}

// unread are the conversations with unread messages.
func (d *desk) unread(ctx context.Context) ([]client.Conversation, error) {
	total, err := d.Client.TotalUnread(ctx)
	if err != nil || total == 0 {
		return nil, err
	}
	all, _, err := d.conversations(ctx, mostListed, func(c client.Conversation) bool { return c.Unread > 0 })
	return all, err
}

func (d *desk) list(ctx context.Context, args []string) error {
	count, err := countIn(args, listCount, mostListed)
	if err != nil {
		return err
	}
	all, complete, err := d.conversations(ctx, count, func(client.Conversation) bool { return true })
	if err != nil {
		return err
	}
	lines := conversationLines(all, d.User, d.Now())
	if len(all) == 0 {
		lines = []string{"no conversation yet: /switch NAME begins one"}
	}
	if !complete {
		lines = append(lines, "this device has not had the whole list yet")
	}
	d.show(told{lines})
	return nil
}

func (d *desk) listUnread(ctx context.Context, _ []string) error {
	all, err := d.unread(ctx)
	if err != nil {
		return err
	}
	lines := conversationLines(all, d.User, d.Now())
	if len(all) == 0 {
		lines = []string{"nothing is unread"}
	}
	d.show(told{lines})
	return nil
}

// countIn is the number that a command was given, or another.
func countIn(args []string, otherwise, most int) (int, error) {
	if len(args) == 0 {
		return otherwise, nil
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || len(args) > 1 || n < 1 || n > most {
		return 0, errors.New("want one number, 1 to " + strconv.Itoa(most))
	}
	return n, nil
}

// showOpen shows the latest of the open conversation, first what this device has. A
// pipe gets what it asks for.
func (d *desk) showOpen(ctx context.Context) error {
	if !d.screen {
		return nil
	}
	if err := d.page(ctx, client.Page{Count: pageCount, Local: true}); err != nil {
		return err
	}
	d.refreshIn(ctx)
	return nil
}

// begin shows on a screen what this device has, before the server is heard.
func (d *desk) begin(ctx context.Context) {
	if !d.screen {
		return
	}
	d.showList()
	if _, peer := d.now(); peer != "" {
		_ = d.showOpen(ctx) // what the device has; the server's comes
		return
	}
	d.openLatest(ctx)
}

// refresh shows the open conversation as the server has it, and if none is open the
// latest one.
func (d *desk) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	d.refreshIn(ctx)
}

func (d *desk) refreshIn(ctx context.Context) {
	link, peer := d.now()
	if peer == "" {
		d.openLatest(ctx)
		return
	}
	if link == online && d.screen {
		_ = d.page(ctx, client.Page{Count: pageCount}) // what the device has is shown
	}
	d.look(ctx)
}

// openLatest opens the first conversation of the list, if the screen wants one.
func (d *desk) openLatest(ctx context.Context) {
	if !d.screen {
		return
	}
	all, complete, err := d.conversations(ctx, 1, func(client.Conversation) bool { return true })
	switch {
	case err == nil && len(all) == 1:
		_ = d.open(ctx, []string{string(all[0].Peer)})
	case err == nil && complete:
		d.show(told{[]string{"No conversation yet. /switch NAME begins one, /help says what else there is."}})
	}
}

// openFirst opens the conversation that has come, if none is open.
func (d *desk) openFirst(ctx context.Context) {
	if _, peer := d.now(); peer == "" {
		d.openLatest(ctx)
		d.look(ctx)
	}
}

// page shows a page of the open conversation.
func (d *desk) page(ctx context.Context, p client.Page) error {
	id, err := d.conversation()
	if err != nil {
		return err
	}
	page, err := d.Client.Messages(ctx, id, p)
	if err != nil {
		return err
	}
	d.mu.Lock()
	if n := len(page.Messages); n > 0 && (d.oldest == 0 || page.Messages[0].Sequence < d.oldest) {
		d.oldest = page.Messages[0].Sequence
	}
	d.mu.Unlock()
	d.show(opened{peer: id.Peer(), messages: page.Messages, end: page.End && p.After == 0, older: p.Before > 0})
	if len(page.Gaps) > 0 && !p.Local {
		d.show(told{[]string{"this device does not have all of what was said here; it gets it when there is a connection"}})
	}
	return nil
}

// history shows messages before those shown.
func (d *desk) history(ctx context.Context, args []string) error {
	count, err := countIn(args, listCount, 100)
	if err != nil {
		return err
	}
	before := d.first()
	if before != 1 {
		err = d.page(ctx, client.Page{Before: before, Count: count})
	}
	if err == nil && d.first() == before {
		d.show(told{[]string{"there is nothing before that"}})
	}
	return err
}

// first is the first message of the open conversation that was shown, 0 if none was.
func (d *desk) first() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.oldest
}

// shownFrom says which message is the first one that is shown now.
func (d *desk) shownFrom(sequence uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.oldest = sequence
}

// look says that the open conversation is read, if somebody looks at it.
func (d *desk) look(ctx context.Context) {
	d.mu.Lock()
	peer, watched, on := d.peer, d.watched, d.link == online
	d.mu.Unlock()
	if peer == "" || !watched || !on {
		return
	}
	id := rollcall.ConversationWith(peer)
	if c, err := d.Client.Conversation(ctx, id); err == nil && c.Unread > 0 {
		_ = d.Client.MarkRead(ctx, id, 0) // or with the next message
	}
}

// watch says whether somebody looks at what is open.
func (d *desk) watch(yes bool) {
	d.mu.Lock()
	d.watched = yes
	d.mu.Unlock()
	if yes {
		d.later(d.look)
	}
}
