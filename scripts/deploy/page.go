package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// contentTypes of the page's files. Without the right one a browser runs nothing.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".png":  "image/png",
	".svg":  "image/svg+xml",
}

// ofPage tells whether a file of web/ is the page's, as fleet/serve does.
func ofPage(name string) bool {
	return !strings.HasPrefix(name, ".") && !strings.Contains(name, "/.") && !strings.HasPrefix(name, "test") &&
		name != "package.json" && !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".go")
}

// pageFiles are the page's files, the first page last: what it asks for is there
// when somebody gets it.
func pageFiles(web fs.FS) ([]string, error) {
	var names []string
	err := fs.WalkDir(web, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && ofPage(name) {
			names = append(names, name)
		}
		return err
	})
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case a == "index.html":
			return 1
		case b == "index.html":
			return -1
		}
		return strings.Compare(a, b)
	})
	return names, err
}

// uploadPage brings the page's files to the edge's bucket, which keeps what was
// there before as old versions.
func (d *desk) uploadPage(ctx context.Context, c *cloud, bucket string) error {
	web := os.DirFS(filepath.Join(d.root, "web"))
	names, err := pageFiles(web)
	if err != nil {
		return fmt.Errorf("the page: %w", err)
	}
	there, err := c.objects(ctx, bucket)
	if err != nil {
		return err
	}
	sent := 0
	for _, name := range names {
		body, err := fs.ReadFile(web, name)
		if err != nil {
			return fmt.Errorf("the page: %w", err)
		}
		sum := md5.Sum(body) // as S3 names what it has
		same := there[name] == hex.EncodeToString(sum[:])
		delete(there, name)
		if same {
			continue
		}
		in := &s3.PutObjectInput{Bucket: &bucket, Key: &name, Body: bytes.NewReader(body)}
		if kind := contentTypes[path.Ext(name)]; kind != "" {
			in.ContentType = &kind
		}
		if _, err := c.s3.PutObject(ctx, in); err != nil {
			return fmt.Errorf("the page's %s: %w", name, err)
		}
		sent++
	}
	for name := range there {
		if _, err := c.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &name}); err != nil {
			return fmt.Errorf("the page's %s, which is no more: %w", name, err)
		}
	}
	d.say("page      %d files, of which %d were new; %d went", len(names), sent, len(there))
	return nil
}

// objects are the objects of a bucket, each with its MD5 as S3 has it.
func (c *cloud) objects(ctx context.Context, bucket string) (map[string]string, error) {
	found := map[string]string{}
	pages := s3.NewListObjectsV2Paginator(c.s3, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list s3://%s: %w", bucket, err)
		}
		for _, o := range page.Contents {
			found[aws.ToString(o.Key)] = strings.Trim(aws.ToString(o.ETag), `"`)
		}
	}
	return found, nil
}
