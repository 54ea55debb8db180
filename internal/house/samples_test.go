package house_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// sampleHead is what the samples have around them: what they use and do not declare.
const sampleHead = `package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/v2tim"
)

var (
	_ = errors.New
	_ = fmt.Println
	_ time.Time
	_ v2tim.V2TIMCallback
)

func main() { _ = sample }

func sample(ctx context.Context, c *client.Client, app rollcall.AppID, dir, userSig string) error {
`

// TestTheSamplesCompile vets each piece of Go in the pages that newcomers copy from.
func TestTheSamplesCompile(t *testing.T) {
	root := filepath.Join("..", "..")
	for _, page := range []string{"README.md", "docs/client.md"} {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		samples := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(text), -1)
		if len(samples) == 0 {
			t.Errorf("%s has no Go", page)
		}
		for _, sample := range samples {
			file := filepath.Join(t.TempDir(), "main.go")
			if err := os.WriteFile(file, []byte(sampleHead+sample[1]+"return nil\n}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			vet := exec.CommandContext(t.Context(), "go", "vet", file)
			vet.Dir = root
			if out, err := vet.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s\n%s", page, err, out, sample[1])
			}
		}
	}
}
