package rollcalltest

import (
	"rollcall.example"
	"rollcall.example/internal/apps"
)

// Set gives the app a setting, as `rollcall app set` takes it:
// tell_kicked_on_login=true. It counts from the next login or return on. What
// there is to set is in docs/settings.md.
func (s *Server) Set(setting string) {
	s.t.Helper()
	s.check(s.stage.Set(setting))
}

// SetPolicy gives the app a policy: single, dual (which it has at first), triple
// or multi, with how many sessions an account may have on a platform, where that
// is not one. It counts from the next login on.
func (s *Server) SetPolicy(name string, instances map[rollcall.Platform]int) {
	s.t.Helper()
	s.check(s.stage.SetPolicy(apps.Policy{Name: name, Instances: instances}))
}

// ApplyPolicy puts the app's policy in force for those who are logged in.
func (s *Server) ApplyPolicy() {
	s.t.Helper()
	s.check(s.stage.ApplyPolicy())
}

// Kick ends all sessions of the user, as an operator does. The tickets stay good.
func (s *Server) Kick(user string) {
	s.t.Helper()
	s.check(s.stage.Kick(user, nil))
}

// Revoke makes all tickets of the user worthless that were made until now, and
// ends the sessions: the vendor's kick. Tickets of [Server.UserSig] are good
// again from the next second on.
func (s *Server) Revoke(user string) {
	s.t.Helper()
	_, err := s.stage.Revoke(user)
	s.check(err)
}

// SetDisabled disables the user's account, or enables it again.
func (s *Server) SetDisabled(user string, disabled bool) {
	s.t.Helper()
	s.check(s.stage.SetDisabled(user, disabled))
}

// Delete deletes the user's account: the next login signs up anew.
func (s *Server) Delete(user string) {
	s.t.Helper()
	s.check(s.stage.Delete(user))
}
