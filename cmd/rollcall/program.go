package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// program is what to type to start this program again.
func program() string {
	self, err := os.Executable()
	if err != nil {
		return "rollcall"
	}
	if strings.Contains(self, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/rollcall"
	}
	if found, err := exec.LookPath("rollcall"); err == nil && same(found, self) {
		return "rollcall"
	}
	return os.Args[0]
}

// here says in which directory program is to be typed, where that matters: " in DIR".
func here() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	return placeFor(program(), dir)
}

// placeFor is here for what is typed in a directory.
func placeFor(typed, dir string) string {
	if strings.ContainsRune(typed, filepath.Separator) && !filepath.IsAbs(typed) {
		return " in " + dir
	}
	return "" // found by PATH, or by where it lies
}

// same tells whether two paths are one file.
func same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
