package bill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// invoices reads the exports of a month. The first is FOCUS's if there is one.
func (c *Clerk) invoices(ctx context.Context, month string) (invoice, otherOne *Invoice, err error) {
	focus, cur := NewInvoice(month), NewCUR(month)
	for prefix, v := range map[string]*Invoice{FocusPrefix: focus, CURPrefix: cur} {
		list, err := c.Bucket.List(ctx, prefix)
		if err != nil {
			return nil, nil, err
		}
		for _, name := range c.delivered(ctx, list, v) {
			err := c.with(ctx, name, v.File)
			if errors.Is(err, fs.ErrNotExist) {
				v.Read.fault(name, 0, "the export's manifest names it, and it isn't there")
				continue
			}
			if err != nil {
				return nil, nil, err
			}
		}
	}
	switch {
	case focus.Read.Files > 0 && cur.Read.Files > 0:
		return focus, cur, nil
	case focus.Read.Files > 0:
		return focus, nil, nil
	case cur.Read.Files > 0:
		return cur, nil, nil
	}
	return nil, nil, nil
}

// delivered names the files of an export that are a month's: those of its manifest,
// which AWS writes once all are there; an older delivery may have had more. Without a
// manifest, as where somebody has copied files in, all that lie in the month's folder.
func (c *Clerk) delivered(ctx context.Context, list []Object, v *Invoice) (names []string) {
	period := "BILLING_PERIOD=" + v.Month + "/"
	for _, o := range list {
		if strings.Contains(o.Name, "/metadata/"+period) && strings.HasSuffix(o.Name, "Manifest.json") {
			named, err := c.manifest(ctx, o.Name)
			if err == nil {
				return named
			}
			v.Read.fault(o.Name, 0, printable(fmt.Sprintf("the manifest can't be read: %.120v", err)))
		}
		if strings.Contains(o.Name, "/data/"+period) && (strings.HasSuffix(o.Name, ".csv.gz") || strings.HasSuffix(o.Name, ".csv")) {
			names = append(names, o.Name)
		}
	}
	return names
}

// manifest reads which files an export has: s3://bucket/name each.
func (c *Clerk) manifest(ctx context.Context, name string) (names []string, err error) {
	file, err := c.read(ctx, name)
	if err != nil {
		return nil, err
	}
	var m struct {
		DataFiles []string `json:"dataFiles"`
	}
	if err := json.Unmarshal(file, &m); err != nil {
		return nil, err
	}
	for _, uri := range m.DataFiles {
		_, key, ok := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
		if !ok || !strings.HasPrefix(uri, "s3://") {
			return nil, fmt.Errorf("%.80q is no file of S3", uri)
		}
		names = append(names, key)
	}
	if len(names) == 0 {
		return nil, errors.New("it names no file")
	}
	return names, nil
}
