package finance

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Files is where records of usage are kept: usage.Files.
type Files interface {
	List(ctx context.Context, prefix string) ([]string, error)
	Get(ctx context.Context, name string) ([]byte, error)
}

// Union is the buckets of several regions as one. Behind a name stands whose it is.
type Union []Files

const mark = "#"

// List returns the names that begin so, of all.
func (u Union) List(ctx context.Context, prefix string) ([]string, error) {
	var all []string
	for i, files := range u {
		names, err := files.List(ctx, prefix)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			all = append(all, name+mark+strconv.Itoa(i))
		}
	}
	return all, nil
}

// Get returns a file that List has named.
func (u Union) Get(ctx context.Context, name string) ([]byte, error) {
	at := strings.LastIndex(name, mark)
	i, err := strconv.Atoi(name[at+1:])
	if at < 0 || err != nil || i < 0 || i >= len(u) {
		return nil, fmt.Errorf("no bucket has a file %.200q", name)
	}
	return u[i].Get(ctx, name[:at])
}

var bucketOf = regexp.MustCompile(`^([a-z]{2}(?:-[a-z]+)+-\d)=([a-z0-9][a-z0-9.-]{2,62})$`)

// ParseBucket reads REGION=BUCKET.
func ParseBucket(s string) (region, name string, err error) {
	m := bucketOf.FindStringSubmatch(s)
	if m == nil {
		return "", "", fmt.Errorf("%.200q isn't written REGION=BUCKET", s)
	}
	return m[1], m[2], nil
}
