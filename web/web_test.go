package web

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// get asks a handler for a path, with headers in pairs.
func get(t *testing.T, h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestWhatAPageMayLoadIsThere: every script and style of the built pages is a file of
// its own that is served, nothing is inline, and nothing comes from another host.
func TestWhatAPageMayLoadIsThere(t *testing.T) {
	all, err := read(dist)
	if err != nil {
		t.Fatal(err)
	}
	loads := regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	inline := regexp.MustCompile(`<script(?:\s[^>]*)?>[^<]|<style|\son[a-z]+=|\sstyle=|javascript:`)
	for _, page := range []string{"/", "/playground"} {
		w := get(t, all, http.MethodGet, page)
		html := w.Body.String()
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Fatalf("%s: %d, %s", page, w.Code, w.Header())
		}
		if found := inline.FindString(html); found != "" {
			t.Errorf("%s has something inline: %q", page, found)
		}
		found := loads.FindAllStringSubmatch(html, -1)
		if len(found) < 2 {
			t.Errorf("%s loads %q: no script or no style", page, found)
		}
		for _, m := range found {
			if f := all[m[1]]; f == nil || len(f.content) == 0 {
				t.Errorf("%s names %s, which is not served", page, m[1])
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	h := Handler()
	for path, scripts := range map[string]string{"/": "script-src 'self'", "/playground": "script-src 'self' 'wasm-unsafe-eval'", "/nothing": "script-src 'self'"} {
		w := get(t, h, http.MethodGet, path)
		policy := strings.Split(w.Header().Get("Content-Security-Policy"), "; ")
		for _, want := range []string{
			"default-src 'none'", scripts, "style-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
			"require-trusted-types-for 'script'",
		} {
			if !slices.Contains(policy, want) {
				t.Errorf("%s: policy %q, want %s in it", path, policy, want)
			}
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", path, name, got, want)
			}
		}
	}
	if w := get(t, h, http.MethodGet, "/nothing"); w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("what is not there: %d, %v", w.Code, w.Header())
	}
	if w := get(t, h, http.MethodPost, "/"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

// TestCaching: what has a hash in its name for good, pages never without asking.
func TestCaching(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("\x00asm")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	all, err := read(fstest.MapFS{
		"dist/index.html":            {Data: []byte("<!doctype html>")},
		"dist/assets/app-1.js":       {Data: []byte("1")},
		"dist/assets/rule-1.wasm.gz": {Data: packed.Bytes()},
	})
	if err != nil {
		t.Fatal(err)
	}
	page := get(t, all, http.MethodGet, "/")
	if got := page.Header().Get("Cache-Control"); got != "no-cache" {
		t.Errorf("a page: %s", got)
	}
	again := get(t, all, http.MethodGet, "/", "If-None-Match", page.Header().Get("ETag"))
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("the same page again: %d, %d bytes", again.Code, again.Body.Len())
	}
	script := get(t, all, http.MethodHead, "/assets/app-1.js")
	if got := script.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" || script.Body.Len() != 0 || script.Header().Get("Content-Length") != "1" {
		t.Errorf("a script's head: %s, %d bytes", got, script.Body.Len())
	}
	small := get(t, all, http.MethodGet, "/assets/rule-1.wasm", "Accept-Encoding", "gzip, br")
	if small.Header().Get("Content-Encoding") != "gzip" || !bytes.Equal(small.Body.Bytes(), packed.Bytes()) || small.Header().Get("Content-Type") != "application/wasm" {
		t.Errorf("packed: %v, %d bytes", small.Header(), small.Body.Len())
	}
	plain := get(t, all, http.MethodGet, "/assets/rule-1.wasm")
	if plain.Header().Get("Content-Encoding") != "" || plain.Body.String() != "\x00asm" {
		t.Errorf("for who cannot unpack: %v, %q", plain.Header(), plain.Body)
	}
	if _, err := read(fstest.MapFS{"dist/secret.key": {Data: []byte("x")}}); err == nil {
		t.Error("a file of no known kind would be served")
	}
}
