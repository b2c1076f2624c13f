package object

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"parley/shared/file"
	"parley/shared/sweep"
)

// Object is what the bucket has under one key, for a look at the whole of it.
type Object struct {
	SHA   string // of a blob, or of the blob that this was made of; empty: the key is none
	File  file.File
	Key   string
	Size  int64     // bytes of the newest version
	Since time.Time // when the last version came, or was deleted
	// Hidden says that the newest version is a delete marker: somebody has deleted
	// it by its key alone, and the versions below are still there.
	Hidden   bool
	Versions int // delete markers included
}

// Blobs calls fn with every blob whose SHA-256 begins with prefix, in the order of
// their keys: one call for 1,000 versions, and no more than those in memory.
func (b *Bucket) Blobs(ctx context.Context, prefix string, fn func(Object) error) error {
	return b.walk(ctx, blobs+prefix, func(o Object) error {
		o.SHA = validSum(strings.TrimPrefix(o.Key, blobs))
		return fn(o)
	})
}

// Derived is Blobs for what was made of them.
func (b *Bucket) Derived(ctx context.Context, prefix string, fn func(Object) error) error {
	return b.walk(ctx, derived+prefix, func(o Object) error {
		sha, _, _ := strings.Cut(strings.TrimPrefix(o.Key, derived), "/")
		o.SHA = validSum(sha)
		return fn(o)
	})
}

// Incoming calls fn with everything that was sent and still lies as it came, then
// with every upload in parts that is under way, which has no version. File has the
// owner's id and the file's own; a key that is no upload's has none.
func (b *Bucket) Incoming(ctx context.Context, fn func(Object) error) error {
	return b.arrivals(ctx, incoming, fn)
}

// IncomingOf is Incoming for one user.
func (b *Bucket) IncomingOf(ctx context.Context, user string, fn func(Object) error) error {
	return b.arrivals(ctx, incomingOf(user), fn)
}

func (b *Bucket) arrivals(ctx context.Context, prefix string, fn func(Object) error) error {
	err := b.walk(ctx, prefix, func(o Object) error {
		o.File = b.fileOf(o.Key)
		return fn(o)
	})
	if err != nil {
		return err
	}
	in := &s3.ListMultipartUploadsInput{Bucket: &b.name, Prefix: &prefix}
	for pages := s3.NewListMultipartUploadsPaginator(b.s3, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("list uploads", err)
		}
		for _, u := range page.Uploads {
			key := aws.ToString(u.Key)
			if err := fn(Object{Key: key, File: b.fileOf(key), Since: aws.ToTime(u.Initiated)}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *Bucket) fileOf(key string) file.File {
	user, upload, ours := b.Owner(key)
	if !ours {
		return file.File{}
	}
	return file.File{User: user, ID: upload}
}

// validSum returns what is a SHA-256 as keys have it, and nothing else.
func validSum(s string) string {
	if raw, err := hex.DecodeString(s); err != nil || len(raw) != 32 || strings.ToLower(s) != s {
		return ""
	}
	return s
}

// walk calls fn for every key with that prefix. S3 lists by key, a key's newest
// version first.
func (b *Bucket) walk(ctx context.Context, prefix string, fn func(Object) error) error {
	g := group{fn: fn}
	in := &s3.ListObjectVersionsInput{Bucket: &b.name, Prefix: &prefix}
	for pages := s3.NewListObjectVersionsPaginator(b.s3, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("list versions", err)
		}
		for _, one := range inOrder(page) {
			if err := g.add(one); err != nil {
				return err
			}
		}
	}
	return g.end()
}

// group makes one Object of a key's versions, which may stand on several pages. Delete
// markers with nothing under them are none: they are left to the life cycle.
type group struct {
	fn   func(Object) error
	open Object
	kept bool // it has a version that is no marker
}

// version is one of a key.
type version struct {
	Object
	marker bool
}

func (g *group) add(one version) error {
	if one.Key == g.open.Key {
		g.open, g.kept = merge(g.open, one.Object), g.kept || !one.marker
		return nil
	}
	err := g.end()
	g.open, g.kept = one.Object, !one.marker
	return err
}

func (g *group) end() error {
	if !g.kept {
		return nil
	}
	return g.fn(g.open)
}

// inOrder lists a page's versions and delete markers by key.
func inOrder(page *s3.ListObjectVersionsOutput) []version {
	var all []version
	for _, v := range page.Versions {
		all = append(all, version{Object: Object{Key: aws.ToString(v.Key), Size: aws.ToInt64(v.Size), Since: aws.ToTime(v.LastModified), Versions: 1}})
	}
	for _, m := range page.DeleteMarkers {
		all = append(all, version{marker: true, Object: Object{Key: aws.ToString(m.Key), Since: aws.ToTime(m.LastModified),
			Hidden: aws.ToBool(m.IsLatest), Versions: 1}})
	}
	slices.SortStableFunc(all, func(x, y version) int { return cmp.Compare(x.Key, y.Key) })
	return all
}

// merge adds another version of the same key.
func merge(o, one Object) Object {
	o.Versions += one.Versions
	o.Hidden = o.Hidden || one.Hidden
	if one.Since.After(o.Since) {
		o.Since = one.Since
	}
	if o.Size == 0 {
		o.Size = one.Size
	}
	return o
}

// Restore takes away the delete markers that hide a blob.
func (b *Bucket) Restore(ctx context.Context, sha string) error {
	if validSum(sha) == "" {
		return fmt.Errorf("restore blob %.80q: not a SHA-256", sha)
	}
	key := blobKey(sha)
	out, err := b.s3.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &b.name, Prefix: &key})
	if err != nil {
		return unavailable("list versions", err)
	}
	var ids []types.ObjectIdentifier
	for _, m := range out.DeleteMarkers {
		ids = append(ids, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
	}
	if err := sweep.Objects(ctx, b.s3, b.name, ids); err != nil {
		return unavailable("take delete markers away", err)
	}
	return nil
}
