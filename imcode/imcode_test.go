package imcode_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"rollcall.example/imcode"
)

func TestErrorsAreFoundUnderAnyWrapping(t *testing.T) {
	plain := errors.New("disk on fire")
	detailed := imcode.UserSigExpired.Errorf("ended %s ago", time.Minute)
	for _, tt := range []struct {
		name string
		err  error
		want imcode.Code
	}{
		{"no error", nil, imcode.OK},
		{"a code itself", imcode.KickedOffByOther, imcode.KickedOffByOther},
		{"a code with a detail", detailed, imcode.UserSigExpired},
		{"wrapped", fmt.Errorf("log alice in: %w", detailed), imcode.UserSigExpired},
		{"joined", errors.Join(context.Canceled, imcode.LoggedOutBeforeLogin), imcode.LoggedOutBeforeLogin},
		{"no code at all", plain, imcode.Internal},
		{"an error that says OK", imcode.OK, imcode.Internal},
		{"a detail that says OK", imcode.OK.Errorf("never mind"), imcode.Internal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := imcode.Of(tt.err); got != tt.want {
				t.Errorf("Of(%v) = %v, want %v", tt.err, got, tt.want)
			}
			if carried := tt.want != imcode.OK && tt.want != imcode.Internal; carried && !errors.Is(tt.err, tt.want) {
				t.Errorf("errors.Is(%v, %v) = false", tt.err, tt.want)
			}
			if errors.Is(tt.err, imcode.AppNotFound) {
				t.Errorf("errors.Is(%v, AppNotFound) = true", tt.err)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{imcode.UserSigExpired, "70001 ERR_SVR_ACCOUNT_USERSIG_EXPIRED"},
		{imcode.UserSigExpired.Errorf("ended at %d", 17), "70001 ERR_SVR_ACCOUNT_USERSIG_EXPIRED: ended at 17"},
		{&imcode.Error{Code: imcode.InProgress}, "6015 ERR_IN_PROGESS"},
		{imcode.LoginFrequencyLimit, "72010"},
		{imcode.Code(424242).Errorf("from a newer server"), "424242: from a newer server"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestErrorTellsDetailAndRetryAfter(t *testing.T) {
	err := fmt.Errorf("log in: %w", &imcode.Error{Code: imcode.AccountFreqLimit, Detail: "10 failures", RetryAfter: time.Minute})
	got, ok := errors.AsType[*imcode.Error](err)
	if !ok || got.Code != imcode.AccountFreqLimit || got.Detail != "10 failures" || got.RetryAfter != time.Minute {
		t.Errorf("found %+v", got)
	}
}

func TestOnlyTwoCodesAskForANewUserSig(t *testing.T) {
	var got []imcode.Code
	for e := range imcode.All() {
		if e.Code.NeedsNewUserSig() {
			got = append(got, e.Code)
		}
	}
	if want := []imcode.Code{6206, 70001}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLookup(t *testing.T) {
	for _, tt := range []struct {
		n      int
		symbol string
		found  bool
	}{
		{0, "ERR_SUCC", true},
		{6206, "ERR_USER_SIG_EXPIRED", true},
		{-20009, "ERR_SVR_SSO_FREQUENCY_LIMIT", true},
		{93000, "ERR_SVR_MSG_BODY_SIZE_LIMIT", true},
		{120000, "", false},
		{120001, "", true},
		{130000, "", true},
		{130001, "", false},
		{1, "", false},
		{-1 << 63, "", false},
		{1<<63 - 1, "", false},
	} {
		e, ok := imcode.Lookup(tt.n)
		if ok != tt.found || e.Symbol != tt.symbol || ok && int(e.Code) != tt.n {
			t.Errorf("Lookup(%d) = %+v, %t; want symbol %q, %t", tt.n, e, ok, tt.symbol, tt.found)
		}
	}
}

func TestJSON(t *testing.T) {
	e, _ := imcode.Lookup(6017)
	for _, tt := range []struct {
		v    any
		want string
	}{
		{imcode.AppNotFound.Errorf("app 7"), `{"code":70020,"detail":"app 7"}`},
		{e, `{"code":6017,"symbol":"ERR_INVALID_PARAMETERS",` +
			`"meaning":"a parameter is missing or wrong; the detail says which",` +
			`"advice":"fix the call; repeating it changes nothing","by":"SDK, server"}`},
		{imcode.Nobody, `"not Rollcall"`},
	} {
		got, err := json.Marshal(tt.v)
		if err != nil || string(got) != tt.want {
			t.Errorf("got %s, %v; want %s", got, err, tt.want)
		}
	}
}
