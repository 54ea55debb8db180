package certificate_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example/internal/certificate"
)

// made is a pair for a name, in PEM.
func made(t *testing.T, name string, ends time.Time) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: ends.AddDate(-1, 0, 0), NotAfter: ends,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// A site is a pair on disk, and who serves it.
type site struct {
	t         *testing.T
	cert, key string
	pair      *certificate.Pair
	log       bytes.Buffer
}

// story tells of a pair for old.test, in fake time.
func story(t *testing.T, tell func(t *testing.T, s *site)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &site{t: t, cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
		cert, key := made(t, "old.test", time.Now().AddDate(1, 0, 0))
		s.write(s.cert, cert)
		s.write(s.key, key)
		var err error
		if s.pair, err = certificate.Load(s.cert, s.key, slog.New(slog.NewTextHandler(&s.log, nil))); err != nil {
			t.Fatal(err)
		}
		tell(t, s)
	})
}

// write puts a file in the place of another, as tools that renew do.
func (s *site) write(path string, text []byte) {
	s.t.Helper()
	next := path + ".new"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		s.t.Fatal(err)
	}
}

// serves fails the test unless it is the certificate for a name that is served.
func (s *site) serves(want string) {
	s.t.Helper()
	c, err := s.pair.Get(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if got := c.Leaf.DNSNames[0]; got != want {
		s.t.Errorf("served is %s, want %s", got, want)
	}
}

// said is how often the log said something.
func (s *site) said(what string, want int) {
	s.t.Helper()
	if got := strings.Count(s.log.String(), what); got != want {
		s.t.Errorf("the log says %q %d times, want %d:\n%s", what, got, want, &s.log)
	}
}

func TestANewPairIsServedWithinASecond(t *testing.T) {
	story(t, func(t *testing.T, s *site) {
		s.serves("old.test")
		cert, key := made(t, "new.test", time.Now().AddDate(2, 0, 0))
		s.write(s.cert, cert)
		s.write(s.key, key)
		s.serves("old.test") // looked at in this second already
		time.Sleep(time.Second)
		s.serves("new.test")
		s.said("is read again", 1)
		if got := s.pair.Ends(); !got.Equal(time.Now().AddDate(2, 0, 0).Add(-time.Second).Truncate(time.Second)) {
			t.Errorf("it ends %s", got)
		}
		time.Sleep(time.Hour)
		s.serves("new.test")
		s.said("is read again", 1)
	})
}

func TestReloadReadsAtOnce(t *testing.T) {
	story(t, func(t *testing.T, s *site) {
		cert, key := made(t, "new.test", time.Now().AddDate(1, 0, 0))
		s.write(s.cert, cert)
		s.write(s.key, key)
		s.pair.Reload()
		s.serves("new.test")
		s.said("is read again", 1)
		s.pair.Reload()
		s.said("is read again", 2)
	})
}

func TestAPairThatCannotBeServedChangesNothing(t *testing.T) {
	for name, spoil := range map[string]func(s *site, cert, key []byte){
		"the certificate before its key": func(s *site, cert, _ []byte) { s.write(s.cert, cert) },
		"the key before its certificate": func(s *site, _, key []byte) { s.write(s.key, key) },
		"half a file":                    func(s *site, cert, key []byte) { s.write(s.cert, cert[:len(cert)/2]); s.write(s.key, key) },
		"no PEM":                         func(s *site, _, _ []byte) { s.write(s.cert, []byte("a certificate")) },
		"an empty file":                  func(s *site, _, _ []byte) { s.write(s.key, nil) },
		"no file": func(s *site, _, _ []byte) {
			if err := os.Remove(s.cert); err != nil {
				s.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(t *testing.T, s *site) {
				cert, key := made(t, "new.test", time.Now().AddDate(1, 0, 0))
				spoil(s, cert, key)
				for range 5 {
					time.Sleep(time.Second)
					s.serves("old.test")
				}
				s.said("the one before stays", 1)
				if strings.Contains(s.log.String(), "PRIVATE") {
					t.Errorf("the log shows a key:\n%s", &s.log)
				}
				s.write(s.cert, cert)
				s.write(s.key, key)
				time.Sleep(time.Second)
				s.serves("new.test")
				s.said("is read again", 1)
			})
		})
	}
}

func TestACertificateThatHasEndedIsServedWithAWord(t *testing.T) {
	story(t, func(t *testing.T, s *site) {
		cert, key := made(t, "new.test", time.Now().Add(-time.Hour))
		s.write(s.cert, cert)
		s.write(s.key, key)
		s.pair.Reload()
		s.serves("new.test")
		s.said("has ended", 1)
	})
}

func TestThereIsNoPairWithoutAGoodOne(t *testing.T) {
	dir := t.TempDir()
	if _, err := certificate.Load(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no files are a pair")
	}
}
