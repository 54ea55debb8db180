package rollcall

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"rollcall.example/imcode"
)

func TestUserIDsAreWhatTheGuideSays(t *testing.T) {
	for _, tt := range []struct {
		name, id string
		ok       bool
	}{
		{"one letter", "a", true},
		{"all kinds of bytes", "A-z_09", true},
		{"32 bytes", strings.Repeat("x", 32), true},
		{"33 bytes", strings.Repeat("x", 33), false},
		{"nothing", "", false},
		{"a space, as in the guide's sample", "your user id", false},
		{"a dot", "a.b", false},
		{"UTF-8", "小明", false},
		{"a line feed", "a\n", false},
		{"a NUL", "a\x00", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseUserID(tt.id)
			if tt.ok != (err == nil) || !tt.ok && !errors.Is(err, imcode.InvalidUserID) {
				t.Errorf("ParseUserID(%q) = %v", tt.id, err)
			}
		})
	}
}

func TestAppIDs(t *testing.T) {
	for text, want := range map[string]AppID{"1": 1, "1400000000": 1400000000, "4294967295": 4294967295} {
		if got, err := ParseAppID(text); got != want || err != nil {
			t.Errorf("ParseAppID(%q) = %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "4294967296", "1e3", " 1"} {
		if _, err := ParseAppID(text); !errors.Is(err, imcode.InvalidParameters) {
			t.Errorf("ParseAppID(%q) = %v, want 70402", text, err)
		}
	}
}

func TestAnAppIDIsANumberInJSON(t *testing.T) {
	b, err := json.Marshal(AppID(1400000000))
	if err != nil || string(b) != "1400000000" {
		t.Fatalf("written as %s, %v", b, err)
	}
	var a AppID
	if err := json.Unmarshal(b, &a); err != nil || a != 1400000000 {
		t.Errorf("read back as %d, %v", a, err)
	}
}

func TestPlatformsKeepTheirNumbersAndNames(t *testing.T) {
	for number, name := range []string{"Other", "Android", "iPhone", "iPad", "Windows", "Mac", "Linux", "Web", "HarmonyOS"} {
		p := PlatformOf(uint32(number))
		if p.String() != name {
			t.Errorf("platform %d is %s, want %s", number, p, name)
		}
		if got, err := ParsePlatform(strings.ToUpper(name)); got != p || err != nil {
			t.Errorf("ParsePlatform(%q) = %v, %v", strings.ToUpper(name), got, err)
		}
	}
	if got := PlatformOf(99); got != PlatformOther {
		t.Errorf("an unknown number is %v, want Other", got)
	}
	if _, err := ParsePlatform("Amiga"); !errors.Is(err, imcode.InvalidParameters) {
		t.Errorf("an unknown name: %v, want 70402", err)
	}
}

func TestDeviceIDs(t *testing.T) {
	for id, ok := range map[string]bool{"d": true, strings.Repeat("d", 64): true, strings.Repeat("d", 65): false, "": false, "a b": false} {
		if _, err := ParseDeviceID(id); ok != (err == nil) || !ok && !errors.Is(err, imcode.InvalidParameters) {
			t.Errorf("ParseDeviceID(%q) = %v", id, err)
		}
	}
}
