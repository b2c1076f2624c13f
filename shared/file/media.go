package file

import (
	"mime"
	"strings"
)

const maxMedia = 255 // bytes of a content type

// mediaType returns the type in a Content-Type, without parameters and in lower
// case; ok is false if it is none.
func mediaType(sent string) (media string, ok bool) {
	if len(sent) > maxMedia {
		return "", false
	}
	media, _, err := mime.ParseMediaType(sent)
	kind, sub, two := strings.Cut(media, "/")
	return media, err == nil && two && kind != "" && sub != ""
}

// opaque is the type of bytes that no program should open by itself.
const opaque = "application/octet-stream"

// deliveredAs returns the type that a file of that type is delivered with. A browser
// shows some types as part of the site that they come from, scripts included; only
// those that can't hold any keep theirs.
func deliveredAs(media string) string {
	switch media {
	case "image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf":
		return media
	}
	return opaque
}

// disposition is a Content-Disposition (RFC 6266) that has a file saved under its
// name: in ASCII for old programs, and as it is (RFC 8187). It is safe for any
// name.
func disposition(name string) string {
	var plain, exact strings.Builder
	for _, r := range name {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%/;`, r) {
			r = '_'
		}
		plain.WriteRune(r)
	}
	const hex = "0123456789ABCDEF"
	for i := range len(name) {
		if c := name[i]; attribute(c) {
			exact.WriteByte(c)
		} else {
			exact.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
		}
	}
	return `attachment; filename="` + plain.String() + `"; filename*=UTF-8''` + exact.String()
}

// attribute reports whether c stands for itself in RFC 8187's ext-value.
func attribute(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$&+-.^_`|~", c) >= 0
}
