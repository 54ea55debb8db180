package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
)

// body reads a request's body, strictly.
func body[T any](w http.ResponseWriter, r *http.Request) (q T, err error) {
	return bodyUpTo[T](w, r, maxBody)
}

func bodyUpTo[T any](w http.ResponseWriter, r *http.Request, most int64) (q T, err error) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err == nil {
		err = d.Decode(&q)
	}
	if _, more := d.Token(); err != nil || !errors.Is(more, io.EOF) {
		return q, imcode.ParseFailed.Errorf("the body is not as expected: want JSON with known members, at most %d bytes", most)
	}
	if string(bytes.TrimSpace(text)) == "null" {
		return q, imcode.InvalidParameters.Errorf("the body is null: want an object")
	}
	return q, unambiguous(json.NewDecoder(bytes.NewReader(text)))
}

// unambiguous refuses a value, which is JSON, in which an object has a member twice,
// in whatever case: one reader takes the first, another the last.
func unambiguous(d *json.Decoder) error {
	begin, err := d.Token()
	if err != nil || begin != json.Delim('{') && begin != json.Delim('[') {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		if begin == json.Delim('{') {
			token, err := d.Token()
			if err != nil {
				return err
			}
			name, _ := token.(string)
			folded := strings.ToLower(strings.ToUpper(name)) // what encoding/json takes for the same name
			if seen[folded] {
				return imcode.InvalidParameters.Errorf("%q is there twice", plain.Clip(name))
			}
			seen[folded] = true
		}
		if err := unambiguous(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
