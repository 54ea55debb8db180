// Package imcode holds every code that Rollcall answers with.
//
// A [Code] is an answer the caller can act on. Numbers and symbols are the
// vendor's, its spelling mistakes included, so that an application written for
// the vendor understands ours. Numbers never change.
//
// # What callers may rely on
//
//   - Codes are errors: errors.Is(err, imcode.UserSigExpired) finds one under
//     any wrapping, and [Of] tells which one an error carries.
//   - Branch on the code, never on the text. The text is for people and logs.
//   - Exactly two codes ask for a new UserSig and another login:
//     [Code.NeedsNewUserSig].
//
// The table behind [Lookup] and [All] says what each code means, what to do
// about it, and who makes it: Rollcall's SDKs, its server, or neither. Rows that
// Rollcall never makes are there for applications that come from the vendor;
// they have no constant. docs/codes.md is generated from the same table.
package imcode

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// A Code is what a call came to: OK, or what went wrong.
type Code int

// Error returns number and symbol, as in "6206 ERR_USER_SIG_EXPIRED", or the
// number alone where there is no symbol.
func (c Code) Error() string {
	n := strconv.Itoa(int(c))
	if e, ok := Lookup(int(c)); ok && e.Symbol != "" {
		return n + " " + e.Symbol
	}
	return n
}

// Errorf returns an [Error] that says what was wrong this time.
func (c Code) Errorf(format string, args ...any) error {
	return &Error{Code: c, Detail: fmt.Sprintf(format, args...)}
}

// NeedsNewUserSig reports whether the caller should make a new UserSig and log
// in with it. No other code is a reason to repeat a login unasked: doing so can
// loop for ever.
func (c Code) NeedsNewUserSig() bool {
	return c == SDKUserSigExpired || c == UserSigExpired
}

// An Error is a Code with what was wrong this time. All of it reaches the
// caller, so it holds nothing they may not see; causes are logged where they
// happened. A client rebuilds from the wire the Error that the server made.
type Error struct {
	Code       Code          `json:"code"`
	Detail     string        `json:"detail,omitempty"`
	RetryAfter time.Duration `json:"-"` // not worth trying again before; 0 if not known
}

// Error returns the code's text and the detail.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Code.Error()
	}
	return e.Code.Error() + ": " + e.Detail
}

// Unwrap returns the Code, for errors.Is.
func (e *Error) Unwrap() error { return e.Code }

// Of returns the Code that err carries: OK for nil, Internal for an error that
// carries none.
func Of(err error) Code {
	if err == nil {
		return OK
	}
	if c, ok := errors.AsType[Code](err); ok && c != OK {
		return c
	}
	return Internal
}
