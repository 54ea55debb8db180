package usersig

import "slices"

// sampleKeys are the keys of the published test vectors, testdata/usersig.json.
var sampleKeys = []string{
	"5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e",
	"ThisIsADevelopmentKey-0123456789",
	"клю́ч-鍵",
}

// IsSampleKey reports whether key is one that everybody knows, because it is
// printed in the test vectors. No server should take UserSigs signed with it.
func IsSampleKey(key string) bool { return slices.Contains(sampleKeys, key) }
