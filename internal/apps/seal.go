package apps

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/store"
)

// A MasterKey seals the keys of apps where they are stored: whoever has read the
// store, or a backup of it, cannot sign with them. The zero value seals nothing.
type MasterKey struct {
	all []cipher.AEAD // the first seals, each opens
}

// MasterKeyBytes is the size of a master key.
const MasterKeyBytes = 32

// ParseMasterKey reads a master key: 64 hexadecimal digits; behind commas there may
// be those before it, which open what they sealed. "" is none.
func ParseMasterKey(text string) (m MasterKey, err error) {
	if text == "" {
		return m, nil
	}
	for one := range strings.SplitSeq(text, ",") {
		b, err := hex.DecodeString(one)
		if err != nil || len(b) != MasterKeyBytes {
			return MasterKey{}, fmt.Errorf("the master key is not as expected: want %d hexadecimal digits, as `openssl rand -hex %d` prints", 2*MasterKeyBytes, MasterKeyBytes)
		}
		block, err := aes.NewCipher(b)
		if err != nil {
			return MasterKey{}, fmt.Errorf("use the master key: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return MasterKey{}, fmt.Errorf("use the master key: %w", err)
		}
		m.all = append(m.all, aead)
	}
	return m, nil
}

// String keeps the key out of what is printed.
func (m MasterKey) String() string { return "master key" }

// sealedMark begins a secret that is sealed. No key of an app may.
const sealedMark = "sealed:1:"

// owner binds a sealed key to its place: moved to another app it does not open.
func owner(id rollcall.AppID, key string) []byte { return fmt.Append(nil, id, "/", key) }

// seal is k as it is stored.
func (m MasterKey) seal(id rollcall.AppID, k store.Key) store.Key {
	if len(m.all) > 0 {
		k.Secret = sealedMark + string(m.all[0].Seal(nil, nil, []byte(k.Secret), owner(id, k.ID))) //nolint:gosec // G407: the nonce is drawn by the AEAD
	}
	return k
}

var (
	errSealed = errors.New("it is sealed: set ROLLCALL_MASTER_KEY to the key that it was sealed with")
	errWrong  = errors.New("ROLLCALL_MASTER_KEY is not the key that it was sealed with")
)

// open is the secret of a stored key.
func (m MasterKey) open(id rollcall.AppID, k store.Key) (string, error) {
	sealed, is := strings.CutPrefix(k.Secret, sealedMark)
	switch {
	case !is:
		return k.Secret, nil
	case len(m.all) == 0:
		return "", errSealed
	}
	for _, one := range m.all {
		if secret, err := one.Open(nil, nil, []byte(sealed), owner(id, k.ID)); err == nil {
			return string(secret), nil
		}
	}
	return "", errWrong
}

// isNew refuses a secret that the app has already: sealed ones look different
// each time, so the store cannot tell.
func (a *Apps) isNew(app *App, secret string) error {
	for _, k := range app.keys {
		have, err := a.opt.MasterKey.open(app.ID, k)
		if err == nil && subtle.ConstantTimeCompare([]byte(have), []byte(secret)) == 1 {
			return imcode.InvalidParameters.Errorf("app %d has this key already", app.ID)
		}
	}
	return nil
}
