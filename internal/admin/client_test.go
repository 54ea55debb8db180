package admin

import (
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestWhyThereWasNoAnswer(t *testing.T) {
	dial := func(errno syscall.Errno) error {
		return &url.Error{Op: "Get", URL: "x", Err: &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", errno)}}
	}
	for _, tt := range []struct {
		name, base string
		err        error
		want       string
	}{
		{"another user's socket", local, dial(syscall.EACCES), "permission denied: the server belongs to another user of this machine"},
		{"no socket", local, dial(syscall.ENOENT), "dial unix: connect: no such file or directory"},
		{"nobody there", "http://127.0.0.1:1", dial(syscall.ECONNREFUSED), "no server answers at http://127.0.0.1:1: dial unix: connect: connection refused: is it running?"},
	} {
		got := (&Client{base: tt.base}).unreached(tt.err).Error()
		if !strings.Contains(got, tt.want) || strings.Contains(got, "Get") {
			t.Errorf("%s: %s; want %s", tt.name, got, tt.want)
		}
	}
}
