package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"rollcall.example"
	"rollcall.example/internal/plain"
)

// breath is how often a stream says that it is still there.
const breath = 30 * time.Second

// A Sight is one line of a watch: who is in when it begins, then each event, and
// at last why it ended.
type Sight struct {
	Now   *Account `json:"now,omitempty"`
	Event *Event   `json:"event,omitempty"`
	End   string   `json:"end,omitempty"`
}

// Why a watch ends.
const (
	endShutdown = "the server is shutting down"
	endNoServer = "no server runs on the data directory: nothing happens until one does"
	endSlow     = "events came faster than they were read: some are missing; `rollcall history` has all"
)

func (h handler) watch(w http.ResponseWriter, r *http.Request) {
	a, err := accountOf(r)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	events, stop := h.Sessions.Watch(a) // before who is in is read: what happens in between is in both
	defer stop()
	now, err := h.account(r.Context(), a)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	out := newStream(w)
	if out.send(Sight{Now: &now}) != nil {
		return
	}
	if h.Ending == nil {
		_ = out.send(Sight{End: endNoServer})
		return
	}
	still := time.NewTicker(breath)
	defer still.Stop()
	for err == nil {
		select {
		case <-r.Context().Done():
			return
		case <-h.Ending:
			_ = out.send(Sight{End: endShutdown})
			return
		case <-still.C:
			err = out.breathe()
		case e, more := <-events:
			if !more {
				_ = out.send(Sight{End: endSlow})
				return
			}
			v := eventOf(e)
			err = out.send(Sight{Event: &v})
		}
	}
}

// Watch gives each what happens to an account as it happens, until ctx ends, each
// returns an error, or the watch ends, which is an error that says why.
func (c *Client) Watch(ctx context.Context, a rollcall.Account, each func(Sight) error) error {
	err := lines(ctx, c, http.MethodGet, accountPath(a)+"/watch", nil, func(s Sight) error {
		if s.End != "" {
			return errors.New("the watch has ended: " + plain.Line(s.End))
		}
		return each(s)
	})
	if wanted := errors.Is(ctx.Err(), context.Canceled); wanted {
		return nil
	}
	if err == nil {
		err = errors.New("the watch has ended: the connection to the server is gone")
	}
	return err
}
