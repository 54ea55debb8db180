// Package web holds the pages, as they were built from the sources beside it
// (scripts/pages), and serves them.
//
// A page loads nothing from another host and runs no script but its own files:
// its Content-Security-Policy says so, and no page may be shown inside another.
// What it is made of has a hash in its name and is kept by browsers for good; the
// pages themselves are asked for again each time, and are not sent again if they are
// the same.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed dist
var dist embed.FS

// root is where in dist the pages lie; there is nothing else in it.
const root = "dist"

// A file is one that is served.
type file struct {
	kind    string
	etag    string
	content []byte
	plain   []byte // if content is compressed
	forGood bool   // its name says what is in it
	policy  string // for pages
}

var kinds = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	".wasm": "application/wasm",
}

const (
	common = "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html; script-src 'self'"
	compiles = common + " 'wasm-unsafe-eval'" // for pages that run WebAssembly
)

// Handler serves the pages: / is the demo, /playground the policy playground.
func Handler() http.Handler {
	files, err := read(dist)
	if err != nil {
		panic(err) // the binary is broken: what is embedded cannot be read
	}
	return files
}

// files are those served, by path.
type files map[string]*file

// read reads all files of a build.
func read(from fs.FS) (files, error) {
	all := files{}
	err := fs.WalkDir(from, root, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		at := strings.TrimPrefix(name, root)
		f := &file{content: content, forGood: strings.HasPrefix(at, "/assets/")}
		if bare, packed := strings.CutSuffix(at, ".gz"); packed {
			at = bare
			if f.plain, err = unpack(content); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		sum := sha256.Sum256(content)
		f.etag = `"` + hex.EncodeToString(sum[:12]) + `"`
		if f.kind = kinds[path.Ext(at)]; f.kind == "" {
			return fmt.Errorf("%s: no kind is known for it", name)
		}
		if bare, page := strings.CutSuffix(at, ".html"); page {
			f.policy = common
			if bare == "/playground" {
				f.policy = compiles
			}
			at = strings.TrimSuffix(bare, "index")
		}
		all[at] = f
		return nil
	})
	return all, err
}

func unpack(content []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// ServeHTTP implements http.Handler.
func (all files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", common)
	f, found := all[r.URL.Path]
	switch {
	case !found:
		h.Set("Cache-Control", "no-store")
		http.Error(w, "there is no such page", http.StatusNotFound)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "want GET", http.StatusMethodNotAllowed)
		return
	}
	f.serve(w, r)
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("ETag", f.etag)
	h.Set("Cache-Control", "no-cache")
	if f.forGood {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if f.policy != "" {
		h.Set("Content-Security-Policy", f.policy)
	}
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	content := f.content
	if f.plain != nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
		} else {
			content = f.plain
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(content) // whoever went away needs no answer
	}
}
