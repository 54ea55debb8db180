package admin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
)

// A Whole is a store as a whole: it is checked, and copied for a backup.
type Whole interface {
	Check(ctx context.Context, tell func(store.Progress)) (store.Report, error)
	Copy(ctx context.Context, begin func(bytes int64) (io.Writer, error)) error
}

// A stoppedStore is the store in a directory that no server runs on. Nothing of it is
// changed, nor need it be one that a server could run on.
type stoppedStore struct{ dir string }

func (s stoppedStore) Check(ctx context.Context, tell func(store.Progress)) (store.Report, error) {
	return sqlite.Check(ctx, s.dir, tell)
}

func (s stoppedStore) Copy(ctx context.Context, begin func(int64) (io.Writer, error)) error {
	return sqlite.Copy(ctx, s.dir, begin)
}

// OpenWhole gives the store of a data directory: through the server that runs on it, or,
// while none does, as it lies there.
func OpenWhole(ctx context.Context, dir string) (Whole, error) {
	c := Local(dir)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	switch _, err := c.Apps(ctx); {
	case err == nil:
		return c, nil
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return stoppedStore{dir}, nil
	default:
		return nil, fmt.Errorf("ask the running server: %w", err)
	}
}

// wholeRoutes are the requests about the store as a whole.
func (h handler) wholeRoutes(mux router) {
	mux.HandleFunc("POST /v1/check", h.check)
	mux.HandleFunc("GET /v1/copy", h.copy)
}

// A checking is one line of a check.
type checking struct {
	Progress *store.Progress `json:"progress,omitempty"`
	Done     *store.Report   `json:"done,omitempty"`
	Error    *imcode.Error   `json:"error,omitempty"`
}

func (h handler) check(w http.ResponseWriter, r *http.Request) {
	ctx, stop := h.untilEnding(r.Context())
	defer stop()
	out := newStream(w)
	report, err := h.Whole.Check(ctx, func(p store.Progress) { _ = out.send(checking{Progress: &p}) })
	switch {
	case r.Context().Err() != nil:
	case err != nil:
		_ = out.send(checking{Error: h.coded(wholeError(err))})
	default:
		if !report.Sound() {
			h.Log.Error("the check has found damage", "damages", report.Count, "first", report.Damages[0])
		}
		_ = out.send(checking{Done: &report})
	}
}

// Check implements Whole.
func (c *Client) Check(ctx context.Context, tell func(store.Progress)) (report store.Report, err error) {
	done := false
	err = lines(ctx, c, http.MethodPost, "/v1/check", nil, func(x checking) error {
		switch {
		case x.Error != nil:
			x.Error.Detail = plain.Line(x.Error.Detail)
			return x.Error
		case x.Done != nil:
			report, done = *x.Done, true
		case x.Progress != nil:
			tell(*x.Progress)
		}
		return nil
	})
	if err == nil && !done {
		err = errors.New("the server ended before the check was done: try again")
	}
	return report, err
}

// copyChunk is how much of a copy leaves at once.
const copyChunk = 256 << 10

func (h handler) copy(w http.ResponseWriter, r *http.Request) {
	if h.Remote {
		h.answer(w, nil, imcode.InvalidParameters.Errorf("a copy of the store holds the keys of all apps: it is made on the server's own machine, as by `rollcall backup`"))
		return
	}
	ctx, stop := h.untilEnding(r.Context())
	defer stop()
	var out *bufio.Writer
	err := h.Whole.Copy(ctx, func(bytes int64) (io.Writer, error) {
		w.Header().Set("Content-Type", "application/vnd.sqlite3")
		w.Header().Set("Content-Length", strconv.FormatInt(bytes, 10))
		out = bufio.NewWriterSize(patient{w, http.NewResponseController(w)}, copyChunk)
		return out, nil
	})
	if err == nil {
		err = out.Flush()
	}
	switch {
	case err == nil, r.Context().Err() != nil:
	case out == nil:
		h.answer(w, nil, wholeError(err))
	default: // who reads sees that bytes are missing
		h.Log.Error("copy the store", "err", err)
	}
}

// A patient writer gives each chunk its time, in the place of the server's for all.
type patient struct {
	to      io.Writer
	control *http.ResponseController
}

func (p patient) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(sendWithin))
	return p.to.Write(b)
}

// Copy implements Whole.
func (c *Client) Copy(ctx context.Context, begin func(bytes int64) (io.Writer, error)) error {
	a, err := c.send(ctx, http.MethodGet, "/v1/copy", nil)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	if a.ContentLength < 0 {
		return errors.New("the server does not say how long its copy is")
	}
	to, err := begin(a.ContentLength)
	if err != nil {
		return err
	}
	if _, err := io.CopyN(to, a.Body, a.ContentLength); err != nil {
		return fmt.Errorf("copy the store from the server: %w", err)
	}
	return nil
}

// untilEnding ends with a request, and with the server.
func (h handler) untilEnding(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		select {
		case <-h.Ending:
			cancel(store.ErrClosed)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-gone
	}
}

// wholeError says what an operator can do something about.
func wholeError(err error) error {
	switch {
	case errors.Is(err, store.ErrBusy):
		return imcode.InvalidParameters.Errorf("the store is being checked or copied already: wait until that is done")
	case errors.Is(err, store.ErrClosed):
		return imcode.InvalidParameters.Errorf("the server is shutting down: try again")
	case errors.Is(err, store.ErrDisk):
		return imcode.InvalidParameters.Errorf("the disk takes nothing: the log may not grow now; try again when it does")
	}
	return err
}
