package object

import "parley/shared/file"

// Folders of the bucket.
const (
	incoming = "incoming/" // as sent: incoming/<user>/<file>
	blobs    = "blobs/"    // verified bytes: blobs/<sha256>
	derived  = "derived/"  // what was made of them: derived/<sha256>/<what>
	passing  = "passing/"  // copies that nobody needs, see Copy: passing/<user>/<file>
)

// What is made of a blob.
const (
	Text      = "text"      // passages, for each type that the bytes were taken for
	Thumbnail = "thumbnail" // a small picture for people
	Picture   = "picture"   // one for models
)

// incomingKey names the bytes of an upload. Nobody but their owner's upload writes
// there.
func incomingKey(user, file string) string { return incomingOf(user) + file }

// Sent names the bytes that were sent as f.
func Sent(f file.File) string { return incomingKey(f.User, f.ID) }

// incomingOf is the folder of all uploads of a user.
func incomingOf(user string) string { return incoming + user + "/" }

// passingKey names a copy of an upload that is removed at once.
func passingKey(user, file string) string { return passing + user + "/" + file }

// blobKey names the bytes with that SHA-256 (lower-case hex).
func blobKey(sha string) string { return blobs + sha }

// derivedKey names what was made of them.
func derivedKey(sha, what string) string { return derivedOf(sha) + what }

// textOf tells texts apart that were made of the same bytes: what their owners have
// called them may decide how they are read, and is nobody else's business.
func textOf(contentType string) string { return Text + "/" + contentType }

// Made names what was made of a ready file.
func Made(f file.File) []string {
	switch f.Kind {
	case file.Text:
		return []string{derivedKey(f.SHA256, textOf(f.ContentType))}
	case file.Image:
		return []string{derivedKey(f.SHA256, Thumbnail), derivedKey(f.SHA256, Picture)}
	}
	return nil
}

// derivedOf is the folder of all that was made of them.
func derivedOf(sha string) string { return derived + sha + "/" }
