package server

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestThereIsRoomForAsManyAsFilesMayBeOpened(t *testing.T) {
	for _, tt := range []struct {
		files        uint64
		room, logins int
	}{
		{0, 1 << 20, 4096}, // the system does not say
		{1 << 40, 1 << 20, 4096},
		{65_536, 65_344, 4096},
		{1024, 832, 208},
		{256, 128, 64},
		{20, 10, 10},
		{1, 1, 1},
	} {
		if got := room(tt.files); got != tt.room || withoutLogin(got) != tt.logins {
			t.Errorf("with %d files room for %d, %d of them without a login; want %d and %d", tt.files, got, withoutLogin(got), tt.room, tt.logins)
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
