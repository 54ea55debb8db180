// Package rollcall holds the words that every part of Rollcall shares: which
// app, which account, which device, on which platform. Each type knows its own
// legal values; what is parsed here needs no second check further in.
//
// Who is logged in where is decided elsewhere (see ARCHITECTURE.md). Programs
// that log users in import rollcall.example/client, or rollcall.example/v2tim
// for the vendor's names; business servers that sign tickets import
// rollcall.example/usersig.
package rollcall

import (
	"fmt"
	"strconv"

	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
)

// AppID is an SDKAppID: the number of one app with keys and settings of its own.
// 0 names no app.
type AppID uint32

// ParseAppID reads a decimal SDKAppID, 1 to 4294967295. Anything else is
// imcode.InvalidParameters.
func ParseAppID(s string) (AppID, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 0 {
		return 0, imcode.InvalidParameters.Errorf("SDKAppID %q: want a number from 1 to 4294967295", plain.Clip(s))
	}
	return AppID(n), nil
}

// UnmarshalText lets flags and configuration files parse an AppID.
func (a *AppID) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAppID(string(text))
	return err
}

// UnmarshalJSON reads the number, as it is written.
func (a *AppID) UnmarshalJSON(text []byte) error { return a.UnmarshalText(text) }

func (a AppID) String() string { return strconv.FormatUint(uint64(a), 10) }

// MaxUserIDBytes is the length of the longest UserID.
const MaxUserIDBytes = 32

// UserID names an account within its app: 1 to 32 bytes of letters, digits,
// underscores and hyphens. Case matters.
type UserID string

// ParseUserID checks s. What is illegal is imcode.InvalidUserID (7003).
func ParseUserID(s string) (UserID, error) {
	if len(s) == 0 || len(s) > MaxUserIDBytes {
		return "", imcode.InvalidUserID.Errorf("UserID of %d bytes: want 1 to %d", len(s), MaxUserIDBytes)
	}
	if i := firstIllegal(s); i >= 0 {
		return "", imcode.InvalidUserID.Errorf("UserID has an illegal byte at position %d: want a-z, A-Z, 0-9, _ and - only", i+1)
	}
	return UserID(s), nil
}

// UnmarshalText lets flags and configuration files parse a UserID.
func (u *UserID) UnmarshalText(text []byte) (err error) {
	*u, err = ParseUserID(string(text))
	return err
}

// An Account is one UserID in one app.
type Account struct {
	App  AppID
	User UserID
}

func (a Account) String() string { return fmt.Sprintf("%s in app %d", a.User, a.App) }

// MaxDeviceIDBytes is the length of the longest DeviceID.
const MaxDeviceIDBytes = 64

// DeviceID names one installation of the client, which draws it once and keeps
// it: 1 to 64 bytes of letters, digits, underscores and hyphens. It is a claim,
// never a proof.
type DeviceID string

// ParseDeviceID checks s. What is illegal is imcode.InvalidParameters (70402).
func ParseDeviceID(s string) (DeviceID, error) {
	if len(s) == 0 || len(s) > MaxDeviceIDBytes {
		return "", imcode.InvalidParameters.Errorf("device id of %d bytes: want 1 to %d", len(s), MaxDeviceIDBytes)
	}
	if firstIllegal(s) >= 0 {
		return "", imcode.InvalidParameters.Errorf("device id: want a-z, A-Z, 0-9, _ and - only")
	}
	return DeviceID(s), nil
}

// MaxDeviceNameBytes bounds the name of a device that is shown to people.
const MaxDeviceNameBytes = 64

// firstIllegal is the index of the first byte that no id may hold, or -1.
func firstIllegal(s string) int {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return i
		}
	}
	return -1
}
