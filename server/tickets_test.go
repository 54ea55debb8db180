package server_test

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/server"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

// ticketAlphabet is the base64 of UserSigs.
var ticketAlphabet = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-").WithPadding('_')

// pack makes a ticket of any document.
func pack(document []byte) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write(document)
	z.Close()
	return ticketAlphabet.EncodeToString(b.Bytes())
}

// altered is a ticket with one member of its document changed.
func altered(t *testing.T, ticket, member string, value any) string {
	t.Helper()
	packed, err := ticketAlphabet.DecodeString(ticket)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	document[member] = value
	if text, err = json.Marshal(document); err != nil {
		t.Fatal(err)
	}
	return pack(text)
}

// bomb is a ticket of under 2,048 characters that inflates to a megabyte.
func bomb() string { return pack(bytes.Repeat([]byte(" "), 1<<20)) }

func TestEveryTicketRefusalHasItsCode(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		const other = rollcall.AppID(1400000001)
		otherKey := w.addApp(other)
		now := time.Now()
		good := w.sig("alice", time.Hour)
		for _, tt := range []struct {
			name, user, ticket string
			want               imcode.Code
		}{
			{"empty", "alice", "", imcode.UserSigEmpty},
			{"cut off", "alice", good[:len(good)-10], imcode.UserSigCheckFailed},
			{"a + for its *", "alice", strings.Replace(good, "*", "+", 1) + "+", imcode.UserSigCheckFailed},
			{"no ticket at all", "alice", "hello", imcode.UserSigCheckFailed},
			{"too long", "alice", strings.Repeat("A", usersig.MaxLen+1), imcode.UserSigCheckFailed},
			{"a decompression bomb", "alice", bomb(), imcode.UserSigCheckFailed},
			{"another version", "alice", altered(t, good, "TLS.ver", "1.0"), imcode.UserSigCheckFailed},
			{"a member of another type", "alice", altered(t, good, "TLS.time", "soon"), imcode.UserSigCheckFailed},
			{"another app's", "alice", signed(t, other, otherKey, "alice", now, time.Hour), imcode.UserSigMismatchAppID},
			{"another account's", "bob", good, imcode.UserSigMismatchID},
			{"its account changed", "bob", altered(t, good, "TLS.identifier", "bob"), imcode.UserSigMismatchPublicKey},
			{"its lifetime changed", "alice", altered(t, good, "TLS.expire", 1<<40), imcode.UserSigMismatchPublicKey},
			{"another key", "alice", signed(t, app, otherKey, "alice", now, time.Hour), imcode.UserSigMismatchPublicKey},
			{"over", "alice", signed(t, app, w.key, "alice", now.Add(-time.Hour-time.Second), time.Hour), imcode.UserSigExpired},
			{"forged and over", "alice", signed(t, app, otherKey, "alice", now.Add(-2*time.Hour), time.Hour), imcode.UserSigMismatchPublicKey},
			{"from the future", "alice", signed(t, app, w.key, "alice", now.Add(301*time.Second), time.Hour), imcode.UserSigCheckFailed},
		} {
			d := w.device(tt.user, "phone", rollcall.Android)
			d.sig = tt.ticket
			p := w.connect()
			id := p.send(d.attempt())
			f := p.read()
			if got := imcode.Code(f.GetRefusal().GetCode()); f.GetId() != id || got != tt.want {
				t.Errorf("a ticket %s was answered with %v, want code %d", tt.name, f, tt.want)
			}
			d.sig = w.sig(tt.user, time.Hour)
			probe := w.device("probe-"+d.user, "phone", rollcall.Android) // the connection lives on
			if f := p.ask(probe.attempt()); f.GetSession() == nil && f.GetStale() == nil {
				t.Errorf("after a ticket %s a good login was answered with %v", tt.name, f)
			}
			p.hangUp()
		}
		if w.state("alice").Exists() || w.state("bob").Exists() {
			t.Error("a refused login signed somebody up")
		}
		w.healthy()
	})
}

func TestATicketIsGoodInItsLastSecondAndUpTo300SecondsAhead(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.sig = signed(t, app, w.key, "alice", time.Now().Add(-time.Hour), time.Hour)
		p := d.online()
		if f := p.readWithin(2 * time.Second); !f.GetNotice().GetExpired() {
			t.Errorf("a session of one second got %v, want a notice of its end", f)
		}
		d.sig = signed(t, app, w.key, "alice", time.Now().Add(300*time.Second), time.Hour)
		d.online()
	})
}

func TestAnAppMustBeThereHaveAKeyAndBeEnabled(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		const unknown, keyless, sampled = 1400000007, 1400000008, 1400000009
		w.addApp(keyless)
		key := w.server.Apps()
		all, err := key.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			if a.ID == keyless {
				if err := key.RemoveKey(t.Context(), keyless, a.Keys[0].ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, tt := range []struct {
			name string
			app  uint32
			sig  string
			want imcode.Code
		}{
			{"unknown", unknown, w.sig("alice", time.Hour), imcode.AppNotFound},
			{"unknown, with no ticket", unknown, "hello", imcode.UserSigCheckFailed},
			{"number 0", 0, w.sig("alice", time.Hour), imcode.AppNotFound},
			{"without keys", keyless, w.sig("alice", time.Hour), imcode.PublicKeyNotFound},
		} {
			q := w.device("alice", "phone", rollcall.Android).attempt()
			q.App, q.UserSig = tt.app, tt.sig
			w.connect().refused(q, tt.want)
		}
		if _, err := w.server.Apps().Add(t.Context(), sampled, "sampled", sampleKey); imcode.Of(err) != imcode.InvalidParameters {
			t.Errorf("a published sample key outside dev was added: %v", err)
		}
		w.healthy()
	})
}

const sampleKey = "ThisIsADevelopmentKey-0123456789"

func TestASampleKeyIsGoodInDevelopmentOnly(t *testing.T) {
	const sampled = 1400000009
	story(t, server.Config{SampleKeys: true}, func(t *testing.T, w *world) {
		if _, err := w.server.Apps().Add(t.Context(), sampled, "sampled", sampleKey); err != nil {
			t.Fatal(err)
		}
		login := func() *device {
			d := w.device("alice", "phone", rollcall.Android)
			d.sig = signed(t, sampled, sampleKey, "alice", time.Now(), time.Hour)
			return d
		}
		q := login().attempt()
		q.App = sampled
		p := w.connect()
		login().granted(p.ask(q))
		p.hangUp()

		w.stop()
		w.config.SampleKeys = false // the same directory, in earnest
		w.start()
		q = login().attempt()
		q.App, q.TryNumber = sampled, 2
		w.connect().refused(q, imcode.PublicKeyNotFound)
		if !strings.Contains(w.log.String(), "published sample") {
			t.Error("the log does not say why the key is not used")
		}
	})
}

func TestADisabledAppLetsNobodyIn(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.online().hangUp()
		w.stop()
		disableApp(t, w.config.Dir)
		w.start()
		p := w.connect()
		if f := p.ask(d.resume()); f.GetLoginAgain() == nil {
			t.Errorf("a resume was answered with %v, want log in again", f)
		}
		p.refused(d.attempt(), imcode.AppDisabled)
		forged := w.device("alice", "phone", rollcall.Android)
		forged.sig = signed(t, app, strings.Repeat("x", 32), "alice", time.Now(), time.Hour)
		p.refused(forged.attempt(), imcode.UserSigMismatchPublicKey)
	})
}

// TestAnAppIsDisabledAtOnce: who is connected stays, and nobody else comes.
func TestAnAppIsDisabledAtOnce(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		stays, comes := w.device("alice", "phone", rollcall.Android), w.device("bob", "phone", rollcall.Android)
		p := stays.online()
		comes.online().hangUp()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(w.server.Apps().SetDisabled(t.Context(), app, true))
		renewal := signed(t, app, w.key, "alice", time.Now(), 100*24*time.Hour)
		if f := p.ask(&wire.RenewRequest{UserSig: renewal}); imcode.Code(f.GetRefusal().GetCode()) != imcode.AppDisabled {
			t.Errorf("a renewal was answered with %v, want 60016", f)
		}
		q := w.connect()
		if f := q.ask(comes.resume()); f.GetLoginAgain() == nil {
			t.Errorf("a resume was answered with %v, want log in again", f)
		}
		q.refused(comes.attempt(), imcode.AppDisabled)
		if f := p.ask(&wire.PingRequest{}); f.GetPing() == nil {
			t.Errorf("who was connected is answered with %v", f)
		}
		must(w.server.Apps().SetDisabled(t.Context(), app, false))
		if f := p.ask(&wire.RenewRequest{UserSig: renewal}); f.GetRenew() == nil {
			t.Errorf("enabled again, a renewal was answered with %v", f)
		}
		if f := q.ask(comes.attempt()); f.GetSession() == nil {
			t.Errorf("enabled again, a login was answered with %v", f)
		}
	})
}

func TestAnIllegalLoginIs70402AndTouchesNothing(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		for _, user := range []string{"", "alice smith", "al.ice", "小明", strings.Repeat("a", 33), "alice\n", "a/b"} {
			d := w.device("alice", "phone", rollcall.Android)
			p := w.connect()
			q := d.attempt()
			q.UserId = user
			p.refused(q, imcode.InvalidParameters)
			r := d.resume()
			r.UserId = user
			p.refused(r, imcode.InvalidParameters)
			o := d.logout()
			o.UserId = user
			p.refused(o, imcode.InvalidParameters)
		}
		for name, spoil := range map[string]func(q *device) any{
			"a short fixed half":           func(d *device) any { q := d.attempt(); q.FixedHalf = q.FixedHalf[1:]; return q },
			"no changing half":             func(d *device) any { q := d.attempt(); q.ChangingHalf = nil; return q },
			"try number 0":                 func(d *device) any { q := d.attempt(); q.TryNumber = 0; return q },
			"no device":                    func(d *device) any { q := d.attempt(); q.DeviceId = ""; return q },
			"a device with a space":        func(d *device) any { q := d.attempt(); q.DeviceId = "my phone"; return q },
			"a long device":                func(d *device) any { q := d.attempt(); q.DeviceId = strings.Repeat("d", 65); return q },
			"a long device name":           func(d *device) any { q := d.attempt(); q.DeviceName = strings.Repeat("d", 65); return q },
			"a bell in the name":           func(d *device) any { q := d.attempt(); q.DeviceName = "ding\a"; return q },
			"an escape in the name":        func(d *device) any { q := d.attempt(); q.DeviceName = "red\u009b31m"; return q },
			"a turn in the name":           func(d *device) any { q := d.attempt(); q.DeviceName = "a\u202eb"; return q },
			"a line in the name":           func(d *device) any { q := d.attempt(); q.DeviceName = "a\u2028b"; return q },
			"a turn in the client":         func(d *device) any { q := d.attempt(); q.Client = "sdk\u2066 1"; return q },
			"a resume of a turning client": func(d *device) any { d.attempt(); q := d.resume(); q.Client = "a\u202eb"; return q },
			"a resume of a long client":    func(d *device) any { d.attempt(); q := d.resume(); q.Client = strings.Repeat("c", 65); return q },
			"nine proofs":                  func(d *device) any { q := d.attempt(); q.Proofs = make([][]byte, 9); return q },
			"a resume with a half":         func(d *device) any { q := d.resume(); q.FixedHalf = d.draw(); q.NextHalf = nil; return q },
			"a logout with a half":         func(d *device) any { q := d.logout(); q.FixedHalf = make([]byte, 32); return q },
			"a logout of no device":        func(d *device) any { q := d.logout(); q.FixedHalf = d.draw(); q.DeviceId = ""; return q },
		} {
			p := w.connect()
			p.send(spoil(w.device("alice", "phone", rollcall.Android)))
			if f := p.read(); imcode.Code(f.GetRefusal().GetCode()) != imcode.InvalidParameters {
				t.Errorf("%s was answered with %v, want 70402", name, f)
			}
			p.hangUp()
		}
		synctest.Wait()
		if s := w.state("alice"); s.Exists() || len(s.Tries) > 0 {
			t.Errorf("an illegal login left %+v", s)
		}
		w.healthy()
	})
}

func TestAnAppAdmitsThePlatformsItLists(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		set := apps.Settings{Platforms: []rollcall.Platform{rollcall.Android, rollcall.Web}}
		if err := w.server.Apps().SetSettings(t.Context(), app, set); err != nil {
			t.Fatal(err)
		}
		p := w.connect()
		p.refused(w.device("alice", "tablet", rollcall.IPad).attempt(), imcode.InvalidParameters)
		d := w.device("alice", "phone", rollcall.Android)
		d.granted(p.ask(d.attempt()))
	})
}

func TestADeviceKeepsItsPlatformWhileItHasASession(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		p := d.online()
		d.platform = rollcall.Mac
		w.connect().refused(d.attempt(), imcode.InvalidParameters)
		p.silent(time.Second)
	})
}
