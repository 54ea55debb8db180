package usersig_test

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/usersig"
)

func BenchmarkSign(b *testing.B) {
	b.ReportAllocs()
	now := time.Unix(1_700_000_000, 0)
	for b.Loop() {
		must(usersig.Sign(1400000000, "key", "alice", now, 24*time.Hour))
	}
}

func BenchmarkVerify(b *testing.B) {
	vectors, _ := golden(b)
	v, now := vectors[0], time.Unix(vectors[0].Time, 0)
	for _, keys := range [][]string{{v.Key}, {"new", "newer", v.Key}} {
		b.Run(fmt.Sprintf("keys=%d", len(keys)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(usersig.Verify(v.Ticket, rollcall.AppID(v.App), v.Identifier, keys, now))
			}
		})
	}
	b.Run("refused", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := usersig.Verify(v.Ticket, rollcall.AppID(v.App), v.Identifier, []string{"other"}, now); err == nil {
				b.Fatal("accepted")
			}
		}
	})
}

// BenchmarkVerifyPlainly is the format read with nothing kept from one ticket
// to the next and nothing bounded: what Verify is measured against.
func BenchmarkVerifyPlainly(b *testing.B) {
	vectors, _ := golden(b)
	v := vectors[0]
	b.ReportAllocs()
	for b.Loop() {
		z := must(zlib.NewReader(bytes.NewReader(must(base64.StdEncoding.DecodeString(standard.Replace(v.Ticket))))))
		var d struct {
			Identifier string `json:"TLS.identifier"`
			App        int64  `json:"TLS.sdkappid"`
			Time       int64  `json:"TLS.time"`
			Expire     int64  `json:"TLS.expire"`
			Sig        string `json:"TLS.sig"`
		}
		if err := json.Unmarshal(must(io.ReadAll(z)), &d); err != nil {
			b.Fatal(err)
		}
		mac := hmac.New(sha256.New, []byte(v.Key))
		fmt.Fprintf(mac, "TLS.identifier:%s\nTLS.sdkappid:%d\nTLS.time:%d\nTLS.expire:%d\n", d.Identifier, d.App, d.Time, d.Expire)
		if base64.StdEncoding.EncodeToString(mac.Sum(nil)) != d.Sig {
			b.Fatal("refused")
		}
	}
}
