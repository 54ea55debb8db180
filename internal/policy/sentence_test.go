package policy

import (
	"slices"
	"testing"

	"rollcall.example"
)

// TestReasons: every reason has a name and a sentence for the user, and no two
// the same.
func TestReasons(t *testing.T) {
	by := By{Session: 2, Platform: rollcall.Mac, DeviceName: "Ann's Mac"}
	none := Reason(numReasons)
	texts, names := []string{Notice{Reason: none}.Text()}, []string{none.String(), ""}
	for _, reason := range Reasons() {
		text := Notice{Reason: reason, By: by}.Text()
		if slices.Contains(texts, text) != (reason == Silently) || text == "" {
			t.Errorf("reason %d says %q, as what is no reason or another one", reason, text)
		}
		texts = append(texts, text)
		if name := reason.String(); slices.Contains(names, name) {
			t.Errorf("reason %d is called %q, as what is no reason or another one", reason, name)
		}
		names = append(names, reason.String())
		if word := reason.word(); reasons[word] != reason || word == "" {
			t.Errorf("reason %d has no word in the notation of these tests", reason)
		}
	}
	if got, want := (Notice{Reason: NewerLogin, By: by}).Text(), "Signed out because the account logged in on \"Ann's Mac\" (Mac)."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, tt := range []struct {
		reason Reason
		by     By
		want   string
	}{
		{NewerLogin, by.under(OverLimit, limits("m1")), "Signed out because the account logged in on \"Ann's Mac\" (Mac): the app lets an account be logged in once on Android."},
		{NewerLogin, by.under(OverLimit, limits("m3")), "Signed out because the account logged in on \"Ann's Mac\" (Mac): the app lets an account be logged in 3 times on Android."},
		{NewerLogin, by.under(OtherPlatform, limits("m3")), "Signed out because the account logged in on \"Ann's Mac\" (Mac): the app does not let an account be logged in on Android and Mac at the same time."},
		{PolicyApplied, by.under(OverLimit, limits("m1")), "Signed out because the app's login policy was applied to those logged in; the account stayed on \"Ann's Mac\" (Mac): the app lets an account be logged in once on Android."},
		{SignedOutElsewhere, by, "Signed out by the account's user on \"Ann's Mac\" (Mac)."},
	} {
		if got := (Notice{Platform: rollcall.Android, Reason: tt.reason, By: tt.by}).Text(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
	by.DeviceName = ""
	if got, want := (Notice{Reason: NewerLogin, By: by}).Text(), "Signed out because the account logged in on a device without a name (Mac)."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestRules: every rule has words of its own, and ends a sentence in its own way.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for rule := range Rule(numRules) {
		by := By{Platform: rollcall.Mac, Rule: rule, Limit: 2}
		said := rule.String() + by.Room(rollcall.Android)
		if seen[said] || seen[rule.String()] || (by.Room(rollcall.Android) == "") != (rule == NoRule) {
			t.Errorf("rule %d says %q", rule, said)
		}
		seen[said], seen[rule.String()] = true, true
	}
}

// TestEventKinds: every kind has a word.
func TestEventKinds(t *testing.T) {
	words := map[string]bool{"unknown": true, "": true}
	for _, k := range EventKinds() {
		if words[k.String()] {
			t.Errorf("kind %d is called %q like another one", k, k)
		}
		words[k.String()] = true
	}
	if EventKind(0).String() != "unknown" || EventKind(numEventKinds).String() != "unknown" || EventKinds()[0] != EventSignedUp {
		t.Error("what is no kind has the word of one")
	}
}

// TestNobodyLeavesASentence: the name of a device cannot be taken for our words.
func TestNobodyLeavesASentence(t *testing.T) {
	name := "Mac\" (Mac), and all is well. \u202e"
	want := `Signed out by the account's user on "Mac\" (Mac), and all is well. \u202e" (Mac).`
	got := Notice{Reason: SignedOutElsewhere, By: By{Platform: rollcall.Mac, DeviceName: name}}.Text()
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
