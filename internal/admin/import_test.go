package admin_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/admin"
)

// TestAccountsAreImportedAllOrNone: one that is not legal keeps all of its request
// out; those that are there stay as they are.
func TestAccountsAreImportedAllOrNone(t *testing.T) {
	b, s := signedUp(t, "alice")
	const path = "/v1/apps/1400000000/import"
	for _, body := range []string{
		`{}`, `{"accounts":[]}`, `{"accounts":[{"user":"bob"},{"user":"not legal"}]}`, `{"accounts":[{"user":"bob"},{"user":""}]}`,
		`{"accounts":[{"user":"bob","created":"0001-01-01T00:00:00Z"}]}`, `{"accounts":[{"user":"bob","admin":true}]}`,
		`{"accounts":[` + strings.Repeat(`{"user":"bob"},`, admin.MaxImport) + `{"user":"carol"}]}`,
	} {
		if status, text := request(t, b, "POST", path, body, nil); status != 400 {
			t.Errorf("%.60s: %d %s, want 400", body, status, text)
		}
	}
	if st, err := s.State(t.Context(), ours("bob")); err != nil || st.Exists() {
		t.Errorf("bob was imported beside an illegal account: %+v, %v", st, err)
	}
	before, _ := s.State(t.Context(), ours("alice"))
	var all strings.Builder
	for i := range admin.MaxImport - 2 {
		fmt.Fprintf(&all, `,{"user":%q,"created":"2021-03-04T05:06:07Z"}`, strings.Repeat("u", rollcall.MaxUserIDBytes-5)+fmt.Sprintf("%05d", i))
	}
	var done admin.Imported
	if status, text := request(t, b, "POST", path, `{"accounts":[{"user":"alice","disabled":true},{"user":"bob","disabled":true}`+all.String()+`]}`, &done); status != 200 || done.Added != admin.MaxImport-1 {
		t.Fatalf("%d %s: %+v, want all but alice added", status, text, done)
	}
	if after, err := s.State(t.Context(), ours("alice")); err != nil || after.Disabled || len(after.Sessions) != len(before.Sessions) {
		t.Errorf("alice, who was there, became %+v, %v", after, err)
	}
	if st, err := s.State(t.Context(), ours("bob")); err != nil || !st.Disabled || time.Since(st.Created) > time.Hour {
		t.Errorf("bob is %+v, %v; want disabled, as of now", st, err)
	}
	usage, err := s.Usage(t.Context(), app, 20210304, 20210304)
	if err != nil || len(usage) != 1 || usage[0].SignedUp != admin.MaxImport-2 || usage[0].Active != 0 {
		t.Errorf("usage of the day they signed up: %+v, %v", usage, err)
	}
}
