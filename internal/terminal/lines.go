package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
)

// maxLine bounds a line that is read: longer than any message.
const maxLine = 64 << 10

// patience is for how long a message is tried to be sent, before nothing more is: the
// client comes back within half a minute of its network.
const patience = 2 * time.Minute

// Lines lets a person or a program talk in lines: each line of in is a message or a
// command, and is done with before the next one is. What is said, and the answers, go
// to out, sentences about the state of things to errs.
//
// It returns at the end of in, or after /quit, when all is acknowledged; or when the
// session ends, or ctx, or when nothing could be sent for two minutes. Without a network
// at the start it reads what the device has, and goes on trying. An error says what was
// not done, and that nobody got in. Nobody is logged out by it.
func Lines(ctx context.Context, o Options, in io.Reader, out, errs io.Writer) error {
	p := &printer{out: out, errs: errs, self: o.User}
	d := newDesk(o, false, p.show)
	ctx, end := context.WithCancelCause(ctx)
	d.refused = end
	defer o.Client.AddListener(ending(end))()
	var running sync.WaitGroup
	running.Go(func() { d.run(ctx) })
	defer running.Wait()
	defer end(nil)
	first := d.logIn(ctx)
	_, coded := errors.AsType[imcode.Code](first) // else it is the ticket that cannot be had
	switch {
	case first == nil:
		select {
		case <-d.synced:
		case <-time.After(within):
		case <-ctx.Done():
		}
	case ctx.Err() == nil && coded && unreached(first):
		d.start()
	default:
		return first
	}
	r := reader{desk: d, printer: p, lines: linesOf(ctx, in)}
	r.all(ctx)
	err := r.verdict(ctx)
	switch {
	case ctx.Err() != nil || d.isIn():
		return err
	case err != nil:
		return fmt.Errorf("%w; %w", first, err)
	}
	return first
}

// ending ends what runs when the session ends, and says why.
func ending(end context.CancelCauseFunc) client.Listener {
	return client.Listener{
		KickedOffline: func(k client.Kick) {
			err := fmt.Errorf("kicked offline: %s", k.Reason)
			if k.Code != 0 {
				err = k.Code.Errorf("kicked offline: %s", k.Reason)
			}
			end(err)
		},
		UserSigExpired: func() { end(imcode.UserSigExpired.Errorf("the ticket has ended, or was revoked")) },
	}
}

// A reader carries out lines.
type reader struct {
	desk    *desk
	printer *printer
	lines   <-chan line

	failed int  // lines that were not carried out
	stuck  bool // nothing could be sent
}

// A line is one that was read, or why it could not be.
type line struct {
	text string
	err  error
}

// all carries out lines until there are no more, or it makes no sense any more.
func (r *reader) all(ctx context.Context) {
	for n := 1; ; n++ {
		select {
		case l, more := <-r.lines:
			if !more || l.err == nil && leaves(l.text) {
				return
			}
			err := l.err
			if err == nil {
				err = r.desk.do(ctx, l.text)
			}
			if err != nil && ctx.Err() == nil {
				r.failed++
				r.printer.say(fmt.Sprintf("line %d: %s", n, sentence(err)))
			}
		case <-ctx.Done():
			return
		}
		patient, cancel := context.WithTimeout(ctx, patience)
		sent := r.desk.box.empty(patient)
		cancel()
		if !sent {
			r.stuck = ctx.Err() == nil
			return
		}
	}
}

// verdict is what it all came to.
func (r *reader) verdict(ctx context.Context) error {
	var all []string
	waiting, refused := r.desk.box.count()
	if waiting+refused > 0 {
		all = append(all, counted(waiting+refused, "message")+" not sent")
	}
	if r.stuck {
		all = append(all, "nothing could be sent for "+plain.Span(patience))
	}
	if r.failed > 0 {
		all = append(all, counted(r.failed, "line")+" not carried out")
	}
	var err error
	if all != nil {
		err = errors.New(strings.Join(all, ", "))
	}
	cause := context.Cause(ctx)
	switch {
	case cause == nil || errors.Is(cause, context.Canceled):
		return err
	case err == nil:
		return cause
	}
	return fmt.Errorf("%w; %w", cause, err)
}

// linesOf reads lines until their end, or that of ctx; then it stops at the next one.
func linesOf(ctx context.Context, in io.Reader) <-chan line {
	all := make(chan line)
	go func() {
		defer close(all)
		r := bufio.NewReaderSize(in, maxLine)
		for {
			l, err := nextLine(r)
			if err != nil && l.text == "" {
				if !errors.Is(err, io.EOF) {
					l.err = fmt.Errorf("read a line: %w", err)
				} else if l.err == nil {
					return
				}
			}
			select {
			case all <- l:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return all
}

// nextLine reads one line. What is too long is skipped.
func nextLine(r *bufio.Reader) (l line, err error) {
	text, long, err := r.ReadLine()
	l.text = strings.TrimSuffix(string(text), "\r")
	if long {
		l = line{err: fmt.Errorf("longer than %d bytes: not sent", maxLine)}
	}
	for long && err == nil {
		_, long, err = r.ReadLine()
	}
	return l, err
}

// A printer prints events as lines.
type printer struct {
	mu        sync.Mutex
	out, errs io.Writer
	self      rollcall.UserID
	unread    bool   // it was said
	happened  string // what was said to have happened last
	waits     string // the message of which it was said that it waits, and why
}

// say prints a sentence about the state of things.
func (p *printer) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.errs, text)
}

// show prints an event.
func (p *printer) show(e event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case said:
		p.message(e.Message)
	case opened:
		for _, m := range e.messages {
			p.message(m)
		}
	case told:
		for _, l := range e.lines {
			fmt.Fprintln(p.out, l)
		}
	case happened:
		if e.text != p.happened {
			fmt.Fprintln(p.errs, e.text)
		}
		p.happened = e.text
	case typed:
		if e.waits != "" && p.waits != e.ID+e.waits {
			p.waits = e.ID + e.waits
			fmt.Fprintf(p.errs, "a message to %s waits%s\n", e.To, e.waits)
		}
	case lost:
		fmt.Fprintf(p.errs, "not sent to %s: %s: %s\n", e.To, flat(content(client.Message{Text: e.Text}, p.self)), e.why)
	case listed:
		if !p.unread && len(e.unread) > 0 {
			p.unread = true
			fmt.Fprintln(p.errs, unreadLine(e.unread))
		}
	}
}

// message prints a message: what it says cannot be taken for a line of its own.
func (p *printer) message(m client.Message) {
	who := name(m.Sender)
	if m.Self {
		who += " to " + name(m.Conversation.Peer())
	}
	said := strings.ReplaceAll(content(m, p.self), "\n", "\n  ")
	fmt.Fprintf(p.out, "%s #%d %s: %s\n", m.Time.Local().Format(time.DateTime), m.Sequence, who, said)
}

// unreadLine says where there is something unread.
func unreadLine(all []client.Conversation) string {
	var words []string
	for _, c := range all {
		words = append(words, fmt.Sprintf("%s %d", name(c.Peer), c.Unread))
	}
	return "unread: " + strings.Join(words, ", ")
}
