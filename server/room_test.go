package server

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestThereIsRoomForAsManyAsFilesMayBeOpened(t *testing.T) {
	for _, tt := range []struct {
		files                uint64
		room, logins, secure int
	}{
		{0, 1 << 20, 16_384, 4096}, // the system does not say
		{1 << 40, 1 << 20, 16_384, 4096},
		{65_536, 65_344, 16_384, 4096},
		{1024, 832, 832, 208},
		{256, 128, 128, 64},
		{20, 10, 10, 10},
		{1, 1, 1, 1},
	} {
		got := room(tt.files)
		logins, secure := withoutLogin(got, false), withoutLogin(got, true)
		if got != tt.room || logins != tt.logins || secure != tt.secure {
			t.Errorf("with %d files room for %d, %d of them without a login, %d with TLS; want %d, %d and %d",
				tt.files, got, logins, secure, tt.room, tt.logins, tt.secure)
		}
	}
}

func TestTheLogSaysHowManySessionsThereIsRoomFor(t *testing.T) {
	most := room(openFiles())
	for connections, warns := range map[int]bool{10: false, most: false, most + 1: true} {
		var log bytes.Buffer
		s := &Server{cfg: Config{Connections: connections, Log: slog.New(slog.NewTextHandler(&log, nil))}}
		s.tellRoom()
		if !strings.Contains(log.String(), "room for sessions") || strings.Contains(log.String(), "WARN") != warns {
			t.Errorf("for %d connections, of %d: %s", connections, most, log.String())
		}
	}
}
