package server

import "rollcall.example/internal/store/sqlite"

// Store is what the server keeps, for tests that look at it.
func (s *Server) Store() *sqlite.Store { return s.store }

// OwnersOnly is what makes the admin socket its owner's alone.
var OwnersOnly = ownersOnly
