package policy

import "testing"

// BenchmarkLogIn is a login to an account with ten sessions, one of them
// evicted.
func BenchmarkLogIn(b *testing.B) {
	rules := limits("a9 w9")
	s := account("a1 a2 a3 a4 a5 a6 a7 a8 a9 w1")
	q := login("b1", on('a'))
	b.ReportAllocs()
	for b.Loop() {
		if o := LogIn(s, q, rules); o.Answer != Granted || len(o.Ended) != 1 {
			b.Fatal(said(o))
		}
	}
}
