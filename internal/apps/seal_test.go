package apps_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
)

// master is the master key of these digits, the first in force.
func master(t *testing.T, digits string) apps.MasterKey {
	t.Helper()
	var all []string
	for _, digit := range strings.Split(digits, "") {
		all = append(all, strings.Repeat(digit, 2*apps.MasterKeyBytes))
	}
	k, err := apps.ParseMasterKey(strings.Join(all, ","))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestKeysAreSealedWhereTheyAreStored: with a master key the store holds nothing
// that signs, and another master key, or none, opens nothing.
func TestKeysAreSealedWhereTheyAreStored(t *testing.T) {
	const own = "a key of the operator's own"
	plain, s := load(t, apps.Options{})
	first, err := plain.Add(t.Context(), app, "", "") // before there was a master key
	if err != nil {
		t.Fatal(err)
	}
	sealing := again(t, s, apps.Options{MasterKey: master(t, "a")})
	if _, _, err := sealing.AddKey(t.Context(), app, own); err != nil {
		t.Fatal(err)
	}
	second, err := sealing.Add(t.Context(), app+1, "", "")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Apps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sealed := 0
	for _, row := range rows {
		for _, k := range row.Keys {
			if strings.Contains(k.Secret, own) || strings.Contains(k.Secret, second) {
				t.Errorf("key %s of app %d lies in the store as it is", k.ID, row.ID)
			}
			if strings.HasPrefix(k.Secret, "sealed:") {
				sealed++
			}
		}
	}
	if sealed != 2 {
		t.Errorf("%d keys are sealed, want the two that were added with a master key", sealed)
	}
	for _, x := range []*apps.Apps{sealing, again(t, s, apps.Options{MasterKey: master(t, "a")})} {
		if got := secrets(t, x); !slices.Contains(got, first) || !slices.Contains(got, own) || len(got) != 2 {
			t.Errorf("%d keys are in force, want both", len(got))
		}
		info, err := x.List(t.Context())
		if err != nil || info[0].Keys[0].Sealed == info[0].Keys[1].Sealed {
			t.Errorf("shown as %+v, %v; want one of the two sealed", info, err)
		}
	}
	for _, twice := range []string{own, first} {
		if _, _, err := sealing.AddKey(t.Context(), app, twice); imcode.Of(err) != imcode.InvalidParameters {
			t.Errorf("a key was added twice: %v, want 70402", err)
		}
	}
	for name, o := range map[string]apps.Options{"none": {}, "another": {MasterKey: master(t, "b")}} {
		if _, err := apps.Load(t.Context(), s, o); err == nil || !strings.Contains(err.Error(), "ROLLCALL_MASTER_KEY") {
			t.Errorf("with %s the keys are read: %v", name, err)
		}
	}
	// A new master key beside the old one, until what that sealed is gone.
	both := again(t, s, apps.Options{MasterKey: master(t, "ba")})
	if _, _, err := both.AddKey(t.Context(), app+1, ""); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, k := range row.Keys {
			if strings.HasPrefix(k.Secret, "sealed:") {
				if err := both.RemoveKey(t.Context(), row.ID, k.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	again(t, s, apps.Options{MasterKey: master(t, "b")})
	// A sealed key that somebody moved to an app of his own does not open there.
	moved := rows[1].Keys[0]
	if err := s.AddKey(t.Context(), app, moved); err != nil {
		t.Fatal(err)
	}
	if _, err := apps.Load(t.Context(), s, apps.Options{MasterKey: master(t, "ba")}); err == nil {
		t.Error("the sealed key of another app opens")
	}
}

func TestWhatIsNoMasterKey(t *testing.T) {
	for _, text := range []string{"secret", strings.Repeat("a", 63), strings.Repeat("a", 66), strings.Repeat("g", 64), " " + strings.Repeat("a", 64)} {
		if _, err := apps.ParseMasterKey(text); err == nil || strings.Contains(err.Error(), text) {
			t.Errorf("a master key of %d bytes: %v", len(text), err)
		}
	}
	if got := fmt.Sprintf("%v %+v %s", master(t, "c"), master(t, "c"), master(t, "c")); strings.Contains(got, "cc") {
		t.Errorf("a master key is printed as %s", got)
	}
	a, _ := load(t, apps.Options{})
	if _, err := a.Add(t.Context(), app, "", "sealed:1:"+strings.Repeat("x", 40)); imcode.Of(err) != imcode.InvalidParameters {
		t.Errorf("a key that looks sealed: %v, want 70402", err)
	}
}
