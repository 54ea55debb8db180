package storetest

import (
	"bytes"
	"testing"
)

func values(t *testing.T, e Engine) {
	ctx := t.Context()
	want := func(name string, want []byte) {
		t.Helper()
		if got, err := e.Value(ctx, name); err != nil || !bytes.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%s reads %q, %v; want %q", name, got, err, want)
		}
	}
	want("first", nil)
	wantErr(t, "set", e.SetValue(ctx, "first", []byte("one\x00\xff")), nil)
	wantErr(t, "set another", e.SetValue(ctx, "second", []byte("two")), nil)
	want("first", []byte("one\x00\xff"))
	wantErr(t, "set again", e.SetValue(ctx, "first", []byte("three")), nil)
	want("first", []byte("three"))
	want("second", []byte("two"))
	want("First", nil)
}
