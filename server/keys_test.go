package server_test

import (
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/server"
	"rollcall.example/wire"
)

func TestAKeyIsInForceForTheNextLoginAndItsRemovalTooButSessionsStay(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		old := w.device("alice", "phone", rollcall.Android)
		p := old.online()
		before, err := w.server.Apps().List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, key, err := w.server.Apps().AddKey(t.Context(), app, "")
		if err != nil {
			t.Fatal(err)
		}
		q := w.connect()
		young := w.device("alice", "mac", rollcall.Mac)
		young.sig = signed(t, app, key, "alice", time.Now(), time.Hour)
		young.granted(q.ask(young.attempt()))
		w.device("alice", "pad", rollcall.IPad).online() // the old key is good still

		if err := w.server.Apps().RemoveKey(t.Context(), app, before[0].Keys[0].ID); err != nil {
			t.Fatal(err)
		}
		w.connect().refused(w.device("bob", "phone", rollcall.Android).attempt(), imcode.UserSigMismatchPublicKey)
		p.refused(&wire.RenewRequest{UserSig: w.sig("alice", 48*time.Hour)}, imcode.UserSigMismatchPublicKey)
		p.silent(time.Second)
		old.back() // a session does not end with its key
		if f := q.ask(young.logout()); !f.GetLogout().GetKnown() {
			t.Errorf("a logout was answered with %v", f)
		}
	})
}
