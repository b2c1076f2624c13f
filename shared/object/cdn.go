package object

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/cloudfront/sign"

	"parley/shared/file"
)

// CDN makes URLs by which CloudFront, which stands before the bucket, hands out a
// file. Its distribution trusts a key group, passes the query's response-* fields on
// to S3 and caches nothing: users who have sent the same bytes share an object, but
// not the name that it is saved under.
type CDN struct {
	origin string                                // https://host
	keyID  string                                // of the public key, CloudFront's
	secret func(context.Context) (string, error) // the private key: PKCS #8 in PEM
	now    func() time.Time

	mu     sync.Mutex
	signer *sign.URLSigner // nil until the key has been read
}

// NewCDN makes links to that origin, signed by the key that secret returns. The key
// is read when the first link is made, and once.
func NewCDN(origin, keyID string, secret func(context.Context) (string, error), now func() time.Time) *CDN {
	return &CDN{origin: origin, keyID: keyID, secret: secret, now: now}
}

// Content returns a signed URL of f's bytes, delivered with these headers.
func (c *CDN) Content(ctx context.Context, f file.File, contentType, disposition string) (string, error) {
	return c.link(ctx, blobKey(f.SHA256), url.Values{"response-content-type": {contentType}, "response-content-disposition": {disposition}, "response-cache-control": {private}})
}

// Thumbnail returns a signed URL of f's small picture, to be shown.
func (c *CDN) Thumbnail(ctx context.Context, f file.File) (string, error) {
	return c.link(ctx, derivedKey(f.SHA256, Thumbnail), url.Values{"response-content-disposition": {inline}, "response-cache-control": {private}})
}

func (c *CDN) link(ctx context.Context, key string, query url.Values) (string, error) {
	signer, err := c.open(ctx)
	if err != nil {
		return "", unavailable("read the CDN's key", err)
	}
	fields := strings.ReplaceAll(query.Encode(), "+", "%20") // as S3's signatures have it, which CloudFront makes of it
	signed, err := signer.Sign(c.origin+"/"+key+"?"+fields, c.now().Add(file.Download))
	if err != nil {
		return "", unavailable("sign a download", err)
	}
	return signed, nil
}

func (c *CDN) open(ctx context.Context) (*sign.URLSigner, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.signer != nil {
		return c.signer, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pem, err := c.secret(ctx)
	if err != nil {
		return nil, err
	}
	key, err := sign.LoadPEMPrivKeyPKCS8AsSigner(strings.NewReader(pem))
	if err != nil {
		return nil, err
	}
	c.signer = sign.NewURLSigner(c.keyID, key)
	return c.signer, nil
}
