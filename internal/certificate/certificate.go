// Package certificate keeps a certificate that is renewed on disk while it serves.
//
// # What callers may rely on
//
//   - A new pair is taken for connections that begin from about a second after both
//     files are there; open connections stay as they are.
//   - A pair that cannot be served (half of it written, say) changes nothing: the one
//     before stays, and the log says so once.
package certificate

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// lookEvery is how often the files are looked at, at most, and only when somebody
// connects.
const lookEvery = time.Second

// A Pair is a certificate and its key, in PEM files.
type Pair struct {
	cert, key string
	log       *slog.Logger
	now       atomic.Pointer[tls.Certificate]
	next      atomic.Int64 // when to look at the files again, Unix ns

	mu   sync.Mutex
	seen [2]os.FileInfo // the files as they were when they were read last
	bad  string         // what was wrong with them then
}

// Load reads a pair that must be good. Log is told of later ones.
func Load(cert, key string, log *slog.Logger) (*Pair, error) {
	p := &Pair{cert: cert, key: key, log: log}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.read(); err != nil {
		return nil, err
	}
	return p, nil
}

// Get is for tls.Config.GetCertificate.
func (p *Pair) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if now := time.Now().UnixNano(); now >= p.next.Load() && p.mu.TryLock() {
		defer p.mu.Unlock()
		p.next.Store(now + int64(lookEvery))
		if p.bad != "" || p.changed() {
			p.renew()
		}
	}
	return p.now.Load(), nil
}

// Ends is when the certificate that is served ends.
func (p *Pair) Ends() time.Time { return p.now.Load().Leaf.NotAfter }

// Reload reads the files now, changed or not. The log says what came of it.
func (p *Pair) Reload() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bad = ""
	p.renew()
}

// renew reads the files and says what came of it, unless it has been said.
func (p *Pair) renew() {
	cert, err := p.read()
	switch {
	case err == nil:
		p.log.Info("the certificate for clients is read again", "ends", cert.Leaf.NotAfter.UTC(), "names", cert.Leaf.DNSNames)
	case err.Error() != p.bad:
		p.log.Error("the certificate for clients cannot be read again: the one before stays", "ends", p.Ends().UTC(), "err", err)
		p.bad = err.Error()
	}
}

// changed tells whether one of the files is not what it was.
func (p *Pair) changed() bool {
	for i, path := range []string{p.cert, p.key} {
		now, err := os.Stat(path)
		was := p.seen[i]
		if err != nil || was == nil || !os.SameFile(now, was) || !now.ModTime().Equal(was.ModTime()) || now.Size() != was.Size() {
			return true
		}
	}
	return false
}

// read takes the pair, if it is good.
func (p *Pair) read() (*tls.Certificate, error) {
	for i, path := range []string{p.cert, p.key} { // before they are read: what is written meanwhile is a change
		p.seen[i], _ = os.Stat(path) // nil: it is not there, as reading it will say
	}
	cert, err := tls.LoadX509KeyPair(p.cert, p.key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate for clients: %w", err)
	}
	if now := time.Now(); now.After(cert.Leaf.NotAfter) {
		p.log.Warn("the certificate for clients has ended: they will refuse it", "ended", cert.Leaf.NotAfter.UTC())
	}
	p.now.Store(&cert)
	p.bad = ""
	return &cert, nil
}
