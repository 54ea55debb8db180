package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"rollcall.example/internal/config"
)

// certificate writes a certificate for this machine, with its key, and returns
// the paths of both.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	made := s.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", made.Certificate[0]), write("key.pem", "PRIVATE KEY", private)
}

// TestLoginOverTLS serves with a certificate, and logs in with and without
// trusting it.
func TestLoginOverTLS(t *testing.T) {
	cert, private := certificate(t)
	dir := filepath.Join(t.TempDir(), "data")
	command(t, "init", "--dir", dir)
	key := command(t, "app", "add", "--dir", dir, "7")
	text := fmt.Sprintf("[tls]\ncertificate = %q\nkey = %q\n", cert, private)
	if err := os.WriteFile(filepath.Join(dir, config.FileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, address := serveOn(t, dir)

	args := []string{"login", "--server", address, "--app", "7", "--user", "alice", "--key", key}
	stranger := rollcallProcess(t, args...)
	stranger.must(t, `connect failed .*certificate`)
	t.Setenv("SSL_CERT_FILE", cert)
	rollcallProcess(t, args...).must(t, `logged in +alice, session 1`)
}
