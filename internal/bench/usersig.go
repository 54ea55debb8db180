package bench

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"rollcall.example/usersig"
)

// A check is one way to look at a ticket.
type check struct {
	name string
	do   func() error
}

// UserSig measures the check of a UserSig in this process: the HMAC alone, which
// is its floor, the format read plainly, and what Rollcall does.
func UserSig(ctx context.Context, o Options) (*Report, error) {
	s := &sitting{Options: o, disk: "none"}
	report := s.report("usersig")
	checks, err := checksOf(time.Now())
	if err != nil {
		return nil, err
	}
	figures, rates := make([]Figures, len(checks)), make([][]float64, len(checks))
	for i, c := range checks {
		figures[i] = Figures{Subject: c.name, Floor: checks[0].name, Rounds: []Round{}}
	}
	for round := range s.Rounds {
		for i, c := range checks {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			n, took, garbage, err := repeat(c.do, o.Duration)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			us := took.Seconds() * 1e6 / float64(n)
			f := &figures[i]
			f.Rounds = append(f.Rounds, Round{PerSecond: 1e6 / us, P50Ms: us / 1e3, CPUUs: &us, Answered: n})
			f.Answered += n
			each := float64(garbage) / float64(n)
			f.Bytes = &each
			rates[i] = append(rates[i], us)
			s.sayf("round %d of %d: %-14s %8.2f µs", round+1, s.Rounds, c.name, us)
		}
	}
	for i := range figures {
		f, us := &figures[i], median(rates[i])
		f.PerSecond, f.P50Ms, f.CPUUs = 1e6/us, us/1e3, &us
		f.Ratio = ratio(f.Rounds, figures[0].Rounds, func(r Round) float64 { return r.PerSecond })
	}
	report.Runs = append(report.Runs, Run{Load: "one UserSig after the other, on one CPU", Clients: 1, Subjects: figures})
	return report, nil
}

// repeat does something for a while, and tells how often, and how much garbage it made.
func repeat(do func() error, d time.Duration) (n int, took time.Duration, garbage uint64, err error) {
	var before, after runtime.MemStats
	runtime.GC()
	if err := do(); err != nil { // once to fill what it keeps
		return 0, 0, 0, err
	}
	runtime.ReadMemStats(&before)
	began := time.Now()
	for took < d {
		for range 100 {
			if err := do(); err != nil {
				return 0, 0, 0, err
			}
		}
		n += 100
		took = time.Since(began)
	}
	runtime.ReadMemStats(&after)
	return n, took, after.TotalAlloc - before.TotalAlloc, nil
}

// checksOf makes a ticket and the ways to look at it.
func checksOf(now time.Time) ([]check, error) {
	const user, key = "alice", "a key that is as long as those that are drawn, in characters...."
	ticket, err := usersig.Sign(benchApp, key, user, now, time.Hour)
	if err != nil {
		return nil, err
	}
	content := fmt.Appendf(nil, "TLS.identifier:%s\nTLS.sdkappid:%d\nTLS.time:%d\nTLS.expire:%d\n", user, benchApp, now.Unix(), 3600)
	sum := sign(content, key)
	return []check{
		{"HMAC alone", func() error {
			if !hmac.Equal(sign(content, key), sum) {
				return errors.New("two HMACs of the same differ")
			}
			return nil
		}},
		{"plainly", func() error { return readPlainly(ticket, key) }},
		{"rollcall", func() error {
			_, err := usersig.Verify(ticket, benchApp, user, []string{key}, now)
			return err
		}},
	}, nil
}

func sign(content []byte, key string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(content)
	return mac.Sum(nil)
}

// readPlainly reads the format with nothing kept from one ticket to the next and
// nothing bounded.
func readPlainly(ticket, key string) error {
	compressed, err := base64.StdEncoding.DecodeString(strings.NewReplacer("*", "+", "-", "/", "_", "=").Replace(ticket))
	if err != nil {
		return err
	}
	z, err := zlib.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return err
	}
	var d struct {
		Identifier string `json:"TLS.identifier"`
		App        int64  `json:"TLS.sdkappid"`
		Time       int64  `json:"TLS.time"`
		Expire     int64  `json:"TLS.expire"`
		Sig        string `json:"TLS.sig"`
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return err
	}
	content := fmt.Appendf(nil, "TLS.identifier:%s\nTLS.sdkappid:%d\nTLS.time:%d\nTLS.expire:%d\n", d.Identifier, d.App, d.Time, d.Expire)
	if base64.StdEncoding.EncodeToString(sign(content, key)) != d.Sig {
		return errors.New("the signature is wrong")
	}
	return nil
}
