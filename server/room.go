package server

import "math"

// Connections that are not logged in are bounded by default. Each takes some three
// kilobytes while it says nothing, and a few more with half a request; so all that
// there is room for may, as they make room for others. With TLS each takes the memory
// of a handshake besides, and more handshakes at once than a machine does in seconds
// are better told to come back.
const (
	maxWithoutLogin    = 16_384
	maxWithoutLoginTLS = 4096
)

const (
	ownFiles = 192     // that a server needs beside its clients: the store's, the operators', some that are leaving
	mostRoom = 1 << 20 // connections, where the system bounds nothing
)

// room is how many connections a process has room for that may open so many files;
// 0: the system does not say.
func room(files uint64) int {
	switch {
	case files == 0 || files > mostRoom+ownFiles:
		return mostRoom
	case files < 2*ownFiles:
		return max(int(files/2), 1)
	}
	return int(files - ownFiles)
}

// withoutLogin is how many of so many connections may be not logged in.
func withoutLogin(connections int, secure bool) int {
	if secure {
		return min(max(connections/4, min(connections, 64)), maxWithoutLoginTLS)
	}
	return min(connections, maxWithoutLogin)
}

// tellRoom says how many connections, and so sessions, there may be.
func (s *Server) tellRoom() {
	files := openFiles()
	s.cfg.Log.Info("room for sessions", "connections", s.cfg.Connections, "without_login", s.cfg.ConnectionsWithoutLogin,
		"per_address", s.cfg.ConnectionsPerAddress, "open_files", min(files, math.MaxInt64))
	if most := room(files); s.cfg.Connections > most {
		s.cfg.Log.Warn("more connections are configured than the process may open files for: raise its limit of open files",
			"connections", s.cfg.Connections, "room", most, "open_files", files)
	}
}
