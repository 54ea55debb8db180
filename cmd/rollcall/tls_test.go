package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall.example/internal/config"
)

// certified writes a certificate for this machine, with its key, and returns
// the paths of both.
func certified(t *testing.T) (cert, key string) {
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
	cert, private := certified(t)
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

// TestARenewedCertificateIsServedWithoutARestart: after SIGHUP, or by itself when
// somebody connects. What cannot be served changes nothing.
func TestARenewedCertificateIsServedWithoutARestart(t *testing.T) {
	cert, private := certified(t)
	dir := filepath.Join(t.TempDir(), "data")
	command(t, "init", "--dir", dir)
	text := fmt.Sprintf("[tls]\ncertificate = %q\nkey = %q\n", cert, private)
	if err := os.WriteFile(filepath.Join(dir, config.FileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	heard := make(chan os.Signal, 1) // where nohup ignores it here, the server would inherit that
	signal.Notify(heard, syscall.SIGHUP)
	defer signal.Stop(heard)
	server, address := serveOn(t, dir)
	address = strings.TrimPrefix(address, "wss://")
	first := handshake(t, address)

	renew(t, cert, private)
	for deadline := time.Now().Add(patience); bytes.Equal(handshake(t, address), first); {
		if time.Now().After(deadline) {
			t.Fatal("the renewed certificate is not served")
		}
		time.Sleep(100 * time.Millisecond)
	}
	server.must(t, `level=INFO msg="the certificate for clients is read again"`)
	second := handshake(t, address)

	if err := os.WriteFile(private, []byte("half a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	hangUp(t, server)
	server.must(t, `level=ERROR msg="the certificate for clients cannot be read again: the one before stays"`)
	if !bytes.Equal(handshake(t, address), second) {
		t.Error("a pair that cannot be served has changed what is")
	}
	renew(t, cert, private)
	hangUp(t, server)
	server.must(t, `level=INFO msg="the certificate for clients is read again"`)
	if bytes.Equal(handshake(t, address), second) {
		t.Error("after SIGHUP the certificate before it is served")
	}
}

func TestTLSBefore12IsRefused(t *testing.T) {
	cert, private := certified(t)
	dir := filepath.Join(t.TempDir(), "data")
	command(t, "init", "--dir", dir)
	text := fmt.Sprintf("[tls]\ncertificate = %q\nkey = %q\n", cert, private)
	if err := os.WriteFile(filepath.Join(dir, config.FileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, address := serveOn(t, dir)
	for version, good := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		var d net.Dialer
		c, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(address, "wss://"))
		if err != nil {
			t.Fatal(err)
		}
		err = tls.Client(c, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}).HandshakeContext(t.Context())
		if (err == nil) != good {
			t.Errorf("%s: %v, want good %v", tls.VersionName(version), err, good)
		}
		c.Close()
	}
}

// renew puts another pair in the place of one.
func renew(t *testing.T, cert, private string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, private: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// handshake is the certificate that is served now.
func handshake(t *testing.T, address string) []byte {
	t.Helper()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	c, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw
}

func hangUp(t *testing.T, server *process) {
	t.Helper()
	if err := server.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}
