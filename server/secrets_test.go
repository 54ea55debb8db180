package server_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// TestNoSecretIsLoggedAndNoNameIsCounted lives through a day of good and bad
// fortune, then looks for what nobody may read in log and metrics.
func TestNoSecretIsLoggedAndNoNameIsCounted(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		secrets := []string{w.key}
		hide := func(all ...[]byte) {
			for _, b := range all {
				secrets = append(secrets, string(b), hex.EncodeToString(b), base64.StdEncoding.EncodeToString(b))
			}
		}
		d := w.device("alice", "alices-phone", rollcall.Android)
		d.name = "Alice's own phone"
		d.sig = w.sig("alice", time.Hour)
		secrets = append(secrets, d.sig)
		for _, sub := range subprotocols {
			p := w.speak(w.dial(), sub)
			d.granted(p.ask(d.attempt()))
			hide(d.fixed, d.present)
			p.ask(&wire.RenewRequest{UserSig: w.sig("alice", 2*time.Hour)})
			p.message([]byte("garbage of " + w.key + d.sig))
			p.read()
			p.closed(wire.CloseBadFrame)
			d.back()
			hide(d.present)
		}
		guess := *d
		guess.drawn = 500
		guess.fixed = guess.draw()
		hide(guess.fixed, guess.present)
		w.connect().ask(guess.resume()) // logged: a secret that is not the session's
		bad := w.device("alice", "pad", rollcall.IPad)
		bad.sig = altered(t, d.sig, "TLS.expire", 1<<40)
		secrets = append(secrets, bad.sig)
		w.connect().refused(bad.attempt(), imcode.UserSigMismatchPublicKey)
		clone := *d
		clone.try = 1000
		w.connect().ask(clone.resume2())
		clone.present = clone.draw()
		w.connect().ask(clone.resume2())
		if _, err := w.server.Apps().Add(t.Context(), app, "again", ""); imcode.Of(err) != imcode.InvalidParameters {
			t.Errorf("the app was added twice: %v", err)
		}
		c := w.dial() // no HTTP at all
		if _, err := c.Write([]byte(d.sig + "\r\n\r\n")); err != nil {
			t.Error(err)
		}
		_, metrics := w.ops("/metrics")
		synctest.Wait()
		if err := w.server.Store().Close(); err != nil { // and the worst
			t.Error(err)
		}
		w.connect().refused(w.device("alice", "mac", rollcall.Mac).attempt(), imcode.Internal)
		log := w.log.String()
		if !strings.Contains(log, "not the session's") || !strings.Contains(log, "store") {
			t.Errorf("the log tells nothing of the guess or the store:\n%s", log)
		}
		for _, s := range secrets {
			for i, line := range strings.Split(log, "\n") {
				if strings.Contains(line, s) {
					t.Errorf("log line %d holds a secret: %s", i+1, line)
				}
			}
		}
		for _, name := range append(secrets, "alice", "pad", "10.0.0.") {
			if strings.Contains(metrics, name) {
				t.Errorf("the metrics hold %q", name)
			}
		}
	})
}
