// Package policy proves least privilege: it notes what each function, worker and
// relay asks of AWS while tests run, and compares that with the role that its
// template gives it.
//
// Tour, bottom up:
//
//   - need.go is one right that a call needs; wire.go reads needs off requests as
//     the SDK sends them; recorder.go is the pass-through that does so, and
//     record.go the file that it leaves;
//   - template.go and value.go read the roles out of the templates, with what their
//     intrinsic functions come to;
//   - allow.go decides what a role allows, as IAM does for the little that is used
//     here; check.go tells what is missing, spare or too wide; exception.go lists
//     what stays all the same, and why;
//   - table.go writes docs/permissions.md.
//
// Promises: a call goes through unchanged. What is noted of it are an action, a
// resource and the conditions' keys, in shapes: ids, hashes, bodies and tokens are
// not kept. A role that says something that isn't understood is an error, never
// taken for harmless.
package policy
