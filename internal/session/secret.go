package session

import (
	"crypto/sha256"
	"net/netip"

	"rollcall.example/internal/policy"
)

// hash is what the server keeps of a changing half.
func hash(half []byte) policy.Hash { return sha256.Sum256(half) }

// fixed is what the server keeps of a fixed half: the hash of its hash, so that
// the hash alone can prove a replacement and nothing else.
func fixed(half []byte) policy.Hash {
	once := sha256.Sum256(half)
	return sha256.Sum256(once[:])
}

// hashes are the proofs as the rules compare them.
func hashes(proofs [][]byte) []policy.Hash {
	out := make([]policy.Hash, len(proofs))
	for i, p := range proofs {
		out[i] = hash(p)
	}
	return out
}

// An Address is where a connection comes from.
type Address struct{ netip.Addr }

// Key stands for the address in limits; a whole /64 of IPv6 is one.
func (a Address) Key() netip.Addr { return a.masked(32, 64) }

// Short is the address as it is kept and shown: without its last part, which could name
// a person. One of this machine's own names nobody.
func (a Address) Short() string {
	if own := a.Unmap(); own.IsLoopback() {
		return own.String()
	}
	if k := a.masked(24, 48); k.IsValid() {
		return k.String()
	}
	return ""
}

func (a Address) masked(v4, v6 int) netip.Addr {
	addr := a.Unmap()
	bits := v6
	if addr.Is4() {
		bits = v4
	}
	p, err := addr.Prefix(bits)
	if err != nil { // there is none
		return netip.Addr{}
	}
	return p.Addr()
}
