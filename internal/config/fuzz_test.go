package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"rollcall.example/internal/config"
)

// FuzzLoad reads arbitrary files, in an environment that is arbitrary, too. What
// is taken is taken again, and what is no file without the environment is none with it.
func FuzzLoad(f *testing.F) {
	f.Add("", "ROLLCALL_LOG_LEVEL=debug")
	f.Add("[listen]\nclients = \"127.0.0.1:0\"\n[timeouts]\nlogin = \"5s\"\n", "ROLLCALL_WEB_ORIGINS=https://app.example")
	f.Add("[policy]\nmax_instances = 4\nmax_instances = 5\n", "ROLLCALL_LISTEN_CLIENTS=")
	f.Add("[listen.clients]\n", "ROLLCALL_X=1")
	path := filepath.Join(f.TempDir(), config.FileName)
	f.Fuzz(func(t *testing.T, text, variable string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load(path, []string{variable})
		_, alone := config.Load(path, nil)
		if err == nil && alone != nil {
			t.Fatalf("with %q the file is good, without it is not: %v", variable, alone)
		}
		if _, again := config.Load(path, []string{variable}); (err == nil) != (again == nil) {
			t.Fatalf("once %v, then %v", err, again)
		}
	})
}
