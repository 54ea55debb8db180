package server

import "math"

// maxWithoutLogin bounds by default the connections that are not logged in. Each
// takes some three kilobytes while it says nothing, and a few more with half a request;
// with TLS the memory of a handshake besides.
const maxWithoutLogin = 4096

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
func withoutLogin(connections int) int {
	return min(max(connections/4, min(connections, 64)), maxWithoutLogin)
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
