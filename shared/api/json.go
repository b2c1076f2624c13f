package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"parley/shared/problem"
)

const (
	defaultMaxBody = 64 << 10
	maxField       = 100 // bytes of a bad field's name that an answer repeats
)

// ErrTooLarge refuses a body that is larger than its endpoint takes.
var ErrTooLarge = problem.New(problem.TooLarge, "body_too_large", "The request's body is too large.")

var (
	errMediaType = problem.New(problem.Unsupported, "unsupported_media_type", "Send the body as application/json.")
	errMalformed = problem.New(problem.Malformed, "malformed_json", "The body is not valid JSON in UTF-8.")
	errNUL       = errors.New("string holds U+0000")
)

// strict refuses what the contract doesn't name: unknown and repeated fields,
// wrong letter case, lone surrogates, NUL, anything after the one object.
var strict = json.JoinOptions(
	json.RejectUnknownMembers(true),
	json.WithUnmarshalers(json.UnmarshalFromFunc(func(d *jsontext.Decoder, s *string) error {
		kind := d.PeekKind()
		if kind != '"' {
			return errors.ErrUnsupported
		}
		token, err := d.ReadToken()
		if err != nil {
			return err
		}
		*s = token.String()
		if strings.ContainsRune(*s, 0) {
			return errNUL
		}
		return nil
	})),
)

// decode reads the one JSON object of a request into in; a None takes no body.
func decode(w http.ResponseWriter, r *http.Request, limit int64, in any) error {
	if _, ok := in.(*None); ok {
		return nil
	}
	if limit == 0 {
		limit = defaultMaxBody
	}
	body, err := ReadBody(w, r, limit)
	if err != nil {
		return err
	}
	return Decode(body, in)
}

// ReadBody reads a body that has to be declared as JSON and may have limit bytes.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return nil, errMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, ErrTooLarge
	}
	if err != nil {
		return nil, errMalformed.Because(err)
	}
	return body, nil
}

// Decode strictly reads one JSON object.
func Decode(body []byte, in any) error {
	if !utf8.Valid(body) {
		return errMalformed
	}
	if jsontext.Value(body).Kind() != '{' {
		return problem.New(problem.Malformed, "malformed_json", "The body must be one JSON object.")
	}
	err := json.Unmarshal(body, in, strict)
	if err == nil {
		return nil
	}
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return errMalformed.Because(err)
	}
	field := strings.ReplaceAll(strings.TrimPrefix(string(semantic.JSONPointer), "/"), "/", ".")
	if len(field) > maxField {
		field = strings.ToValidUTF8(field[:maxField], "") + "…"
	}
	bad := problem.Field{Field: field, Code: "wrong_type", Detail: "The value has the wrong type."}
	switch {
	case errors.Is(err, json.ErrUnknownName):
		bad.Code, bad.Detail = "unknown_field", "There is no such field."
	case errors.Is(err, errNUL):
		bad.Code, bad.Detail = "bad_character", "Text can't hold the NUL character."
	}
	e := problem.New(problem.Malformed, bad.Code, bad.Detail).Because(err)
	e.Fields = []problem.Field{bad}
	return e
}

// encode writes out as JSON; a None or a 204 has no body.
func encode(w http.ResponseWriter, status int, out any) error {
	if _, ok := out.(None); ok {
		w.WriteHeader(status)
		return nil
	}
	return WriteJSON(w, status, out)
}

// WriteJSON answers with v. An error comes before the first byte.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone; there is nobody to tell
	return nil
}
