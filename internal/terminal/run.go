package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"golang.org/x/term"
)

const (
	maxEvents = 256 // that wait to be shown; who tells more waits
	atOnce    = 1000

	escapeWithin = 50 * time.Millisecond // what follows an escape comes at once, if it belongs to it
	pasteWithin  = time.Second           // and so does the rest of a paste
)

// An Input is where a terminal is read.
type Input interface {
	io.Reader
	Fd() uintptr
}

// An Output is where a terminal is written.
type Output interface {
	io.Writer
	Fd() uintptr
}

// Screen lets a person read and talk on a terminal, until they leave or ctx ends, and
// gives it back as it was. An error says what was not sent. Nobody is logged out by it.
func Screen(ctx context.Context, o Options, in Input, out Output) error {
	before, err := term.GetState(int(in.Fd()))
	if err != nil {
		return fmt.Errorf("take the terminal: %w", err)
	}
	events, over := make(chan event, maxEvents), make(chan struct{})
	d := newDesk(o, true, func(e event) {
		select {
		case events <- e:
		case <-over:
		}
	})
	r := runner{screen: newScreen(d), painter: painter{out: out}, in: in, out: out, before: before}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { d.run(ctx) })
	d.start()
	err = r.run(ctx, events)
	close(over)
	cancel()
	running.Wait()
	if waiting, _ := d.box.count(); waiting > 0 {
		err = errors.Join(err, fmt.Errorf("%s not sent", counted(waiting, "message")))
	}
	return err
}

// A runner keeps a screen on a terminal.
type runner struct {
	*screen

	painter painter
	in      Input
	out     Output
	before  *term.State // of the terminal
	pending []byte      // what came from the keyboard, and is no whole key yet
}

// run shows the screen until it is left.
func (r *runner) run(ctx context.Context, events <-chan event) (err error) {
	err = r.hold()
	defer func() { err = errors.Join(err, r.giveBack()) }()
	resized, stop := resizes()
	defer stop()
	typed := read(ctx, r.in)
	for err == nil {
		if err = r.show(); err != nil {
			break
		}
		select {
		case e := <-events:
			r.takeAll(e, events)
		case b, more := <-typed:
			r.left = !more
			r.feed(b, false)
		case <-r.patience():
			r.feed(nil, true)
		case <-resized:
			if width, height := size(r.out); width != r.width || height != r.height {
				r.resize(width, height)
			}
		case <-ctx.Done():
			return nil
		}
		if r.left {
			return nil
		}
		if r.suspend {
			r.suspend = false
			err = errors.Join(r.giveBack(), stopped(), r.hold())
		}
	}
	return err
}

// hold makes the terminal the screen's.
func (r *runner) hold() error {
	_, err := term.MakeRaw(int(r.in.Fd()))
	if err == nil {
		_, err = io.WriteString(r.out, enterScreen)
	}
	r.resize(size(r.out))
	return err
}

// giveBack leaves the terminal as it was.
func (r *runner) giveBack() error {
	_, err := io.WriteString(r.out, leaveScreen)
	return errors.Join(err, term.Restore(int(r.in.Fd()), r.before))
}

// show brings the terminal up to what stands on the screen.
func (r *runner) show() error {
	if r.repaint {
		r.repaint = false
		r.painter.forget()
	}
	rows, cursor := r.view()
	return r.painter.paint(rows, cursor)
}

// takeAll takes in an event, and those that wait behind it.
func (r *runner) takeAll(e event, events <-chan event) {
	r.take(e)
	for range atOnce {
		select {
		case e := <-events:
			r.take(e)
		default:
			return
		}
	}
}

// feed does what the keys are for that came; all: what is there in part is all there is.
func (r *runner) feed(b []byte, all bool) {
	r.pending = append(r.pending, b...)
	for {
		k, n := decode(r.pending, all)
		if n == 0 {
			return
		}
		r.pending = slices.Delete(r.pending, 0, n)
		r.press(k)
	}
}

// patience ends the wait for the rest of a key.
func (r *runner) patience() <-chan time.Time {
	switch {
	case len(r.pending) == 0:
		return nil
	case len(r.pending) >= len(pasteBegin):
		return time.After(pasteWithin)
	}
	return time.After(escapeWithin)
}

// read reads what is typed. It ends with its source; until then it may have taken one
// piece more than is wanted.
func read(ctx context.Context, in io.Reader) <-chan []byte {
	all := make(chan []byte)
	go func() {
		defer close(all)
		for {
			b := make([]byte, 1024)
			n, err := in.Read(b)
			select {
			case all <- b[:n]:
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

// size is that of a terminal.
func size(out Output) (width, height int) {
	width, height, err := term.GetSize(int(out.Fd()))
	if err != nil || width < 1 || height < 1 {
		return 80, 24
	}
	return width, height
}
