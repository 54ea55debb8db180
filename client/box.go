package client

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"rollcall.example/client/internal/cache"
	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// maxBoxes bounds the accounts whose caches are open.
const maxBoxes = 8

// A box is what the client holds of an account's conversations. It outlives
// seats: the app may read it while nobody is in.
type box struct {
	place

	cache *cache.Cache
	err   error // why there is none
	news  news
}

// cacheDirectory is where they lie in the data directory.
const cacheDirectory = "cache"

// path is where the cache of p lies; "" is in memory. The name is one for every
// file system, whatever it thinks of upper case.
func (e *engine) path(p place) string {
	if e.journal.dir == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(p.owner()))
	return filepath.Join(e.journal.dir, cacheDirectory, hex.EncodeToString(sum[:16])+".db")
}

func (p place) owner() string { return fmt.Sprintf("%s in app %d at %s", p.User, p.App, p.Server) }

// name makes p the account whose conversations can be read.
func (e *engine) name(p place) *box {
	i := slices.IndexFunc(e.boxes, func(b *box) bool { return b.place == p })
	if i >= 0 {
		b := e.boxes[i]
		e.boxes = slices.Delete(e.boxes, i, i+1)
		if b.err == nil {
			e.boxes = append(e.boxes, b)
			e.named = b
			return b
		}
	}
	if len(e.boxes) == maxBoxes {
		e.shut(e.boxes[0])
		e.boxes = slices.Delete(e.boxes, 0, 1)
	}
	e.named = e.openBox(p)
	e.boxes = append(e.boxes, e.named)
	return e.named
}

func (e *engine) openBox(p place) *box {
	b := &box{place: p}
	b.cache, b.err = cache.Open(e.path(p), p.owner(), string(p.User))
	if b.err == nil {
		if b.cache.Remade {
			e.log.Warn("the cache could not be used and was made anew: it is filled by the server, drafts are lost", "user_id", p.User)
		}
		if b.news.total, b.err = b.cache.TotalUnread(); b.err != nil {
			e.shut(b)
		}
	}
	if b.err != nil {
		e.log.Error("open the cache", "user_id", p.User, "err", b.err)
		b.err = localError(b.err)
		b.cache = nil
	}
	return b
}

func (e *engine) shut(b *box) {
	if b.cache == nil {
		return
	}
	if err := b.cache.Close(); err != nil {
		e.log.Warn("close the cache", "err", err)
	}
}

// shutBoxes closes all of them.
func (e *engine) shutBoxes() {
	for _, b := range e.boxes {
		e.shut(b)
	}
	e.boxes, e.named = nil, nil
}

// rebuild makes a box anew that cannot be used any more, or is not wanted. What
// was in it comes from the server, but for drafts.
func (e *engine) rebuild(b *box) error {
	i := slices.Index(e.boxes, b)
	if i < 0 {
		return nil // it was done already
	}
	e.shut(b)
	path := e.path(b.place)
	if path != "" {
		if err := cache.Remove(path); err != nil {
			b.cache, b.err = nil, localError(err)
			return b.err
		}
	}
	anew := e.openBox(b.place)
	e.boxes[i] = anew
	if e.named == b {
		e.named = anew
	}
	if s := e.seat; s != nil && s.box == b {
		s.box = anew
		if s.phase == serving {
			e.follow(s)
		}
	}
	e.publish()
	return anew.err
}

// pastOf is the past that the account's cache is of from now on. Where the server has
// another one than before it was set back, and the cache is made anew.
func (e *engine) pastOf(s *seat, before, now string) string {
	if now == "" || now == before {
		return before
	}
	if before != "" {
		e.log.Warn("the server was set back: the conversations are taken from it anew, drafts are lost", "user_id", s.User)
		if err := e.rebuild(s.box); err != nil {
			e.log.Error("make the cache anew", "user_id", s.User, "err", err)
			return before // so that it is tried again
		}
	}
	return now
}

// localError is the code of what went wrong with a cache.
func localError(err error) error {
	if errors.Is(err, cache.ErrNewer) {
		return imcode.DatabaseFailed.Errorf("the cache of this account was written by a newer version: use that one, or call WipeCache")
	}
	return imcode.DatabaseFailed.Errorf("the cache of this account: %v", err)
}

// mine tells whether this client has sent a message.
func (e *engine) mine(s *seat) cache.Mine {
	return func(peer string, m *wire.Message) bool {
		return m.GetSender() == string(s.User) && e.sent.has(peer, m.GetMessageId())
	}
}

// read reads of the account named last, and of nobody else: also when another is
// named meanwhile.
func (c *Client) read(f func(*box) error) error {
	for range 3 {
		if c.engine.ctx.Err() != nil {
			return errClosed()
		}
		b := c.engine.shown().named
		switch {
		case b == nil:
			return imcode.NotLoggedIn.Errorf("nobody is in, and nobody was: log in first")
		case b.err != nil:
			return b.err
		}
		err := f(b)
		switch now := c.engine.shown().named; {
		case now == nil || now.place != b.place:
			return errLeft(b.User)
		case now != b: // it was made anew
			continue
		case err == nil:
			return nil
		case cache.Damaged(err):
			c.engine.log.Warn("the cache is damaged", "user_id", b.User, "err", err)
			c.engine.do(func() { _ = c.engine.rebuild(b) }) // the next round sees what came of it
		default:
			if _, coded := errors.AsType[*imcode.Error](err); coded {
				return err
			}
			return localError(err)
		}
	}
	return imcode.DatabaseFailed.Errorf("the cache of this account is damaged again and again")
}

// WipeCache removes what this device holds of an account's conversations, also of
// one that has logged out: messages, the list and drafts. The server keeps its
// own; an account that is in gets it from there again. What was sent before is
// not told as new.
func (c *Client) WipeCache(user string) error {
	var err error
	if !c.engine.do(func() { err = c.engine.wipe(user) }) {
		return errClosed()
	}
	return err
}
